// The contract of names: whatever means something in SQL, in JavaScript or to one of the databases.
import { defineResult, float, int, SchemaDriftError } from 'entropic';
import { expect, it } from 'vitest';
import type { TestDatabase } from '../../helpers/databases.js';
import { errorOf, openAny, openModel, used, writeParams } from './kit.js';

const Base = defineResult('results', { n: int(), dt: float() });
const POINT = { n: 1, dt: 0.5 };

export function names(db: TestDatabase): void {
  it('[S5] names that mean something in SQL, JavaScript or the other database are names of params and tables', async () => {
    const place = await db.fresh();
    const names = ['select', 'order', 'user', 'Group', 'rowid', 'oid', 'value', 'then', 'length', '_', 'x'.repeat(63)];
    const Odd = defineResult('table', Object.fromEntries(names.map((name) => [name, int()])));
    await using store = await openModel(place, Odd, { runner: writeParams });
    const point = Object.fromEntries(names.map((name, i) => [name, i]));
    const record = (await store.runOrRetrieve(point)) as Record<string, unknown> & { id: string };
    expect(record).toMatchObject(point);
    expect(await store.get(record.id)).toEqual(record);
    expect(await store.sweep([point])).toEqual([record]);
  });

  it('[S1] names of columns that the database has itself are refused when the store is opened, or work', async () => {
    const place = await db.fresh();
    for (const [i, name] of ['xmin', 'xmax', 'cmin', 'cmax', 'ctid', 'tableoid', 'XMIN'].entries()) {
      const model = defineResult(`t${i}`, { n: int(), [name]: int() });
      const at = { ...place, resultsDir: `${place.folder}/${name}` };
      if (db.kind === 'postgres' && name !== 'XMIN') {
        const error = await errorOf(openAny(at, model));
        expect(error.code, name).toBe('ENTROPIC_INVALID_OPTION');
        expect(error.message).toMatch(new RegExp(`t${i}.*"${name}".*Postgres`));
      } else {
        expect(await used(at, model, { n: 1, [name]: 2 })).toMatchObject({ [name]: 2 });
      }
    }
  });

  it('[S1] two models whose tables differ only in letter case do not share rows', async () => {
    const place = await db.fresh();
    await used(place, Base, POINT);
    const Upper = defineResult('Results', { n: int(), dt: float() });
    const at = { ...place, resultsDir: `${place.folder}/upper` };
    if (db.kind === 'postgres') {
      await used(at, Upper, POINT);
      expect(await place.sql('SELECT count(*) FROM "Results"').then(([row]) => Number(row?.[0]))).toBe(1);
    } else {
      const error = await errorOf(openAny(at, Upper));
      expect(error).toBeInstanceOf(SchemaDriftError);
      expect(error.message).toMatch(/"Results".*"results".*letter case/);
    }
    expect(await used(place, Base, POINT)).toMatchObject({ resultFile: expect.stringContaining(place.resultsDir) });
  });
}
