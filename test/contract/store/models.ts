// The contract of models that people wrote for TypeORM: an EntitySchema, a decorated class.
import { writeFileSync } from 'node:fs';
import { Base, InvalidOptionError, Store } from 'entropic';
import { Column, Entity, EntitySchema } from 'typeorm';
import { expect, it } from 'vitest';
import type { TestDatabase } from '../../helpers/databases.js';
import { errorOf, openModel, openStore, POINT, POINT_ID, writeParams } from './kit.js';

interface Row {
  id: string;
  resultFile: string;
  createdAt: Date;
  customData: object;
  n: number;
  steps: number;
  dt: number;
  method?: string;
  mesh?: { cells: number[] } | null;
}

const Written = new EntitySchema<Row>({
  name: 'results',
  columns: {
    id: { type: 'varchar', primary: true, length: 16 },
    resultFile: { type: 'text', name: 'result_file' },
    createdAt: { type: 'datetime', name: 'created_at' },
    customData: { type: 'simple-json', name: 'custom_data' },
    n: { type: 'int' },
    steps: { type: 'bigint' },
    dt: { type: 'double precision', comment: 's' },
    method: { type: 'varchar', default: 'rk4' },
    mesh: { type: 'simple-json', nullable: true, default: null },
  },
});

@Entity('results')
class Decorated extends Base {
  @Column('int') declare n: number;
  @Column('bigint') declare steps: number;
  @Column('double precision') declare dt: number;
  @Column('varchar', { default: 'rk4' }) declare method?: string;
}

@Entity('refined')
class Refined extends Decorated {
  @Column('boolean', { default: false }) declare fine?: boolean;
}

export function models(db: TestDatabase): void {
  it('[S1] a hand-written EntitySchema is a model: params, defaults, ids, records', async () => {
    const place = await db.fresh();
    await using store = await openModel(place, Written, { runner: writeParams, fileSuffix: '.npy' });
    const record = await store.runOrRetrieve(POINT);
    expect(record).toMatchObject({ id: POINT_ID, ...POINT, method: 'rk4', mesh: null });
    expect(await store.get(POINT_ID)).toEqual(record);
    const meshed = await store.run({ ...POINT, mesh: { cells: [1, 2] } });
    expect(meshed.mesh).toEqual({ cells: [1, 2] });
    expect(
      (await store.sweep({ n: [1, 2], steps: [1], dt: [1], method: ['rk4', 'euler'] })).map((r) => r.method),
    ).toEqual(['rk4', 'euler', 'rk4', 'euler']);
    expect((await errorOf(store.run({ ...POINT, dt: '0.01' } as never))).message).toMatch(/params\.dt/);
  });

  it('[S1] a decorated class that extends Base is a model, and so is one that extends it', async () => {
    const place = await db.fresh();
    await using store = await openModel(place, Decorated, { runner: writeParams, fileSuffix: '.npy' });
    const record = await store.runOrRetrieve(POINT);
    expect(record).toMatchObject({ id: POINT_ID, ...POINT, method: 'rk4' });
    expect(await store.retrieve({ ...POINT, method: 'rk4' })).toEqual(record);
    await using refined = await openModel(place, Refined, {
      runner: writeParams,
      resultsDir: `${place.folder}/refined`,
    });
    expect(await refined.run({ ...POINT, fine: true })).toMatchObject({ fine: true, n: 100 });
    expect((await refined.run(POINT)).id).toBe(POINT_ID);
  });

  it('[S1] the same table by defineResult, EntitySchema and class has the same ids and hits', async () => {
    const place = await db.fresh();
    const first = await openStore(place);
    const record = await first.run(POINT);
    await first.close();
    const asClass = await openModel(place, Decorated, { fileSuffix: '.npy' });
    expect(await asClass.retrieve(POINT)).toEqual(record);
    await asClass.close();
    await using asSchema = await openModel(place, Written, { fileSuffix: '.npy' });
    expect(await asSchema.retrieve(POINT)).toEqual({ ...record, mesh: null });
  });

  it('[S1] what cannot be a model is refused with the fix, before anything is made', async () => {
    const place = await db.fresh();
    class Plain extends Base {
      declare n: number;
    }
    const bare = new EntitySchema<{ n: number }>({ name: 'bare', columns: { n: { type: Number } } });
    const wrong: [unknown, RegExp][] = [
      [Plain, /the class Plain has no @Entity/],
      [bare, /bare\.n: Number does not say/],
      [undefined, /model: undefined is no model/],
      [{ columns: {} }, /is no model; pass defineResult/],
    ];
    for (const [model, message] of wrong) {
      const error = await errorOf(
        Store.open({ model: model as never, dbUrl: place.dbUrl, resultsDir: place.resultsDir }),
      );
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(error.message).toMatch(message);
    }
    if (db.kind === 'sqlite') writeFileSync(`${place.folder}/runs.sqlite3`, '', { flag: 'wx' });
    else expect(await place.sql("SELECT 1 FROM information_schema.tables WHERE table_schema = 'public'")).toEqual([]);
  });
}
