// The contract of tables that change: columns and defaults come and go, and nothing old is lost or served wrongly.
import { rm } from 'node:fs/promises';
import { defineResult, float, int, oneOf, SchemaDriftError, text } from 'entropic';
import { expect, it } from 'vitest';
import type { Place, TestDatabase } from '../../helpers/databases.js';
import { errorOf, openAny, used } from './kit.js';

const Base = defineResult('results', { n: int(), dt: float() });
const POINT = { n: 1, dt: 0.5 };

async function drift(place: Place, model: unknown): Promise<SchemaDriftError> {
  const error = (await errorOf(openAny(place, model))) as unknown as SchemaDriftError;
  expect(error).toBeInstanceOf(SchemaDriftError);
  expect(error).toMatchObject({ code: 'ENTROPIC_SCHEMA_DRIFT', table: 'results' });
  return error;
}

export function schemas(db: TestDatabase): void {
  it('[S1] a column added with a default keeps every old id and hit', async () => {
    const place = await db.fresh();
    const old = await used(place, Base, POINT);
    const Grown = defineResult('results', {
      n: int(),
      dt: float(),
      method: oneOf(['rk4', 'euler'], { default: 'rk4' }),
    });
    await using store = await openAny(place, Grown);
    const hit = await store.retrieve(POINT);
    expect(hit).toMatchObject({ id: old.id, method: 'rk4' });
    expect(await store.retrieve({ ...POINT, method: 'rk4' })).toEqual(hit);
    expect(await store.get(old.id)).toEqual(hit);
    expect(await store.retrieve({ ...POINT, method: 'euler' })).toBeNull();
    const euler = await store.run({ ...POINT, method: 'euler' });
    expect(euler.id).not.toBe(old.id);
    expect(
      (await store.sweep([POINT, { ...POINT, method: 'euler' }] as never)).map((r: { id: string }) => r.id),
    ).toEqual([old.id, euler.id]);
    expect(await place.sql('SELECT method FROM results ORDER BY method')).toEqual([['euler'], ['rk4']]);
  });

  it('[S1] columns of every kind can be added with defaults, null among them', async () => {
    const place = await db.fresh();
    const old = await used(place, Base, POINT);
    const { bool, json } = await import('entropic');
    const Grown = defineResult('results', {
      a: int({ default: -7 }),
      n: int(),
      b: float({ default: 1e-7 }),
      c: text({ default: 'it\'s; "quoted" \\ é\u{1f680}' }),
      d: bool({ default: true }),
      e: json({ default: { deep: ["it's", 1.5, null] } }),
      f: text({ nullable: true, default: null }),
      dt: float(),
    });
    await using store = await openAny(place, Grown);
    const hit = await store.get(old.id);
    expect(hit).toMatchObject({
      a: -7,
      b: 1e-7,
      c: 'it\'s; "quoted" \\ é\u{1f680}',
      d: true,
      e: { deep: ["it's", 1.5, null] },
      f: null,
    });
    expect(await store.retrieve(POINT)).toEqual(hit);
    expect((await store.run(POINT)).id).toBe(old.id);
    expect((await store.run({ ...POINT, f: 'set' })).id).not.toBe(old.id);
  });

  it('[S1] a default changed in code changes no id, and no old result is served for the new value', async () => {
    const place = await db.fresh();
    const first = defineResult('results', { n: int(), tol: float({ default: 0.1 }) });
    const old = await used(place, first, { n: 1 });
    const changed = defineResult('results', { n: int(), tol: float({ default: 0.2 }) });
    await using store = await openAny(place, changed);
    expect(await store.retrieve({ n: 1 })).toBeNull();
    expect(await store.retrieve({ n: 1, tol: 0.1 })).toMatchObject({ id: old.id, tol: 0.1 });
    const now = await store.runOrRetrieve({ n: 1 });
    expect(now).toMatchObject({ tol: 0.2 });
    expect(now.id).not.toBe(old.id);
    expect(await store.retrieve({ n: 1, tol: 0.2 })).toEqual(now);
    expect(await store.get(old.id)).toMatchObject({ tol: 0.1 });
  });

  it('[S1] a default taken away in code leaves ids as they are: the param must be passed', async () => {
    const place = await db.fresh();
    const old = await used(place, defineResult('results', { n: int(), tol: float({ default: 0.1 }) }), { n: 1 });
    await using store = await openAny(place, defineResult('results', { n: int(), tol: float() }));
    expect((await errorOf(store.retrieve({ n: 1 }))).message).toMatch(/params\.tol: missing/);
    expect(await store.retrieve({ n: 1, tol: 0.1 })).toMatchObject({ id: old.id });
    expect((await store.run({ n: 1, tol: 0.3 })).id).not.toBe(old.id);
  });

  it('[S1] a default given later to a column that had none is for convenience: the id keeps the value', async () => {
    const place = await db.fresh();
    const old = await used(place, Base, POINT);
    await using store = await openAny(place, defineResult('results', { n: int(), dt: float({ default: 0.5 }) }));
    expect(await store.retrieve({ n: 1 })).toMatchObject({ id: old.id, dt: 0.5 });
    expect(await store.retrieve(POINT)).toMatchObject({ id: old.id });
  });

  it('[S1] a new column without a default is refused while there are rows, and made while there are none', async () => {
    const place = await db.fresh();
    await used(place, Base, POINT);
    const error = await drift(place, defineResult('results', { n: int(), dt: float(), tol: float() }));
    expect(error.column).toBe('tol');
    expect(error.message).toMatch(/column "tol" is new .* give it a default/);
    await used(place, Base, POINT);

    const empty = await db.fresh();
    await (await openAny(empty, Base)).close();
    const Grown = defineResult('results', {
      a: int(),
      n: int(),
      b: text({ default: 'b' }),
      dt: float(),
      c: text(),
      d: text({ default: 'd' }),
    });
    expect(await used(empty, Grown, { a: 1, n: 1, dt: 1, c: 'c' })).toMatchObject({ b: 'b', d: 'd' });
  });

  it('[S1] a removed column, a changed type and a column that became nullable are refused by name', async () => {
    const place = await db.fresh();
    await used(place, Base, POINT);
    const wrong: [object, string, RegExp][] = [
      [defineResult('results', { n: int() }), 'dt', /column "dt" is in table "results" but not in the model/],
      [defineResult('results', { n: float(), dt: float() }), 'n', /column "n" is int in table "results" and float/],
      [defineResult('results', { n: text(), dt: float() }), 'n', /int .* and text in the model/],
      [
        defineResult('results', { n: int(), dt: float({ nullable: true }) }),
        'dt',
        /"dt" is nullable in the model but NOT NULL/,
      ],
    ];
    for (const [model, column, message] of wrong) {
      const error = await drift(place, model);
      expect(error.column).toBe(column);
      expect(error.message).toMatch(message);
    }
    expect(await used(place, Base, POINT)).toMatchObject(POINT);
  });

  it('[S1] a column that is nullable no more keeps its rows', async () => {
    const place = await db.fresh();
    const Loose = defineResult('results', { n: int(), note: text({ nullable: true, default: null }) });
    const old = await used(place, Loose, { n: 1 });
    const full = await used(place, Loose, { n: 1, note: 'x' });
    await using store = await openAny(place, defineResult('results', { n: int(), note: text() }));
    expect(await store.retrieve({ n: 1, note: 'x' })).toMatchObject({ id: full.id });
    expect(await store.get(full.id)).toMatchObject({ note: 'x' });
    expect((await errorOf(store.get(old.id))).message).toMatch(/note.*null/);
    expect((await store.verify()).problems).toEqual([]);
  });

  it('[S6] a value that is no choice any more can still be asked for by its id', async () => {
    const place = await db.fresh();
    const old = await used(place, defineResult('results', { method: oneOf(['rk4', 'euler']) }), { method: 'euler' });
    await using store = await openAny(place, defineResult('results', { method: oneOf(['rk4', 'heun']) }));
    const record = await store.get(old.id);
    expect(record).toMatchObject({ method: 'euler' });
    await rm(record?.resultFile as string);
    expect(await store.get(old.id)).toBeNull();
    expect((await errorOf(store.retrieve({ method: 'euler' }))).message).toMatch(
      /params\.method: "euler" is not one of/,
    );
  });

  it('[S1] a table that somebody made by hand is adopted if it fits, and refused by name if it does not', async () => {
    const place = await db.fresh();
    const time = db.kind === 'sqlite' ? 'DATETIME' : 'TIMESTAMPTZ';
    const reserved = `id VARCHAR(16) NOT NULL PRIMARY KEY, result_file TEXT NOT NULL, created_at ${time} NOT NULL, custom_data JSON NOT NULL`;
    const make = (table: string, columns: string) => place.sql(`CREATE TABLE ${table} (${columns})`);
    await make('strange', 'a INTEGER, b TEXT');
    await make('foreign_column', `${reserved}, n BIGINT NOT NULL, colour TEXT`);
    await make('other_type', `${reserved}, n TEXT NOT NULL`);
    await make('fits', `${reserved}, n INTEGER NOT NULL`);
    const at = (table: string) => ({ ...place, resultsDir: `${place.folder}/${table}` });
    for (const [table, column, message] of [
      ['strange', 'id', /table "strange" has no column "id": it was not made by entropic/],
      ['foreign_column', 'colour', /has a column "colour" that the model does not have/],
      ['other_type', 'n', /column "n" of table "other_type" has type text, the model says int/i],
    ] as const) {
      const error = (await errorOf(
        openAny(at(table), defineResult(table, { n: int() })),
      )) as unknown as SchemaDriftError;
      expect(error, table).toBeInstanceOf(SchemaDriftError);
      expect(error.column).toBe(column);
      expect(error.message).toMatch(message);
    }
    expect(await place.sql('SELECT a, b FROM strange')).toEqual([]);
    const record = await used(at('fits'), defineResult('fits', { n: int() }), { n: 100 });
    expect(record.id).toBe('b39022c4ed96525c');
  });

  it('[S1] rows that Python wrote are hits: ids of its own, created_at and elapsed_seconds in its spelling', async () => {
    const place = await db.fresh();
    await (await openAny(place, defineResult('results', { n: int() }))).close();
    const { mkdirSync, writeFileSync } = await import('node:fs');
    mkdirSync(place.resultsDir, { recursive: true });
    writeFileSync(`${place.resultsDir}/b39022c4ed96525c.npy`, 'from Python');
    const time = `2026-01-02 03:04:05.678901${db.kind === 'postgres' ? '+00' : ''}`;
    await place.sql('INSERT INTO results (id, result_file, created_at, custom_data, n) VALUES (?, ?, ?, ?, 100)', [
      'b39022c4ed96525c',
      'results/b39022c4ed96525c.npy',
      time,
      '{"elapsed_seconds": 1.25, "git": "abc"}',
    ]);
    await using store = await openAny(place, defineResult('results', { n: int() }));
    const hit = await store.retrieve({ n: 100 });
    expect(hit).toEqual({
      id: 'b39022c4ed96525c',
      resultFile: `${place.resultsDir}/b39022c4ed96525c.npy`,
      createdAt: new Date('2026-01-02T03:04:05.678Z'),
      customData: { elapsedSeconds: 1.25, git: 'abc' },
      n: 100,
    });
    expect(await store.get('b39022c4ed96525c')).toEqual(hit);
    expect((await store.verify()).problems).toEqual([]);
  });

  it('[S1] a row that was changed by hand is not served for the point it no longer is', async () => {
    const place = await db.fresh();
    const { id } = await used(place, Base, POINT);
    await place.sql('UPDATE entropic_runs SET params_text = \'{"dt":9.0,"n":1}\' WHERE id = ?', [id]);
    await using store = await openAny(place, Base);
    const error = await errorOf(store.retrieve(POINT));
    expect(error.code).toBe('ENTROPIC_ID_COLLISION');
    expect(error.message).toMatch(/holds other params/);
    const swept = (await errorOf(store.sweep([POINT, { n: 2, dt: 1 }] as never))) as unknown as { records: unknown[] };
    expect(swept.records[0]).toBeNull();
    expect(swept.records[1]).toMatchObject({ n: 2 });
    expect(await store.delete(POINT)).toBe(true);
    expect(await store.runOrRetrieve(POINT)).toMatchObject({ id });
  });

  it('[S1] a database of a newer entropic is refused, and left as it is', async () => {
    const place = await db.fresh();
    await used(place, Base, POINT);
    await place.sql("UPDATE entropic_meta SET value = '99' WHERE key = 'schema_version'");
    const error = await drift(place, Base);
    expect(error.message).toMatch(/schema version 99, this entropic knows 1: .*upgrade/);
    await place.sql("UPDATE entropic_meta SET value = '1' WHERE key = 'schema_version'");
    expect(await used(place, Base, POINT)).toMatchObject(POINT);
  });

  it('[S1] a table that was dropped is made anew from the model of today', async () => {
    const place = await db.fresh();
    await used(place, Base, POINT);
    await place.sql('DROP TABLE results');
    const Anew = defineResult('results', { n: float(), tol: float({ default: 0.3 }) });
    expect(await used(place, Anew, { n: 1.5 })).toMatchObject({ n: 1.5, tol: 0.3 });
    expect(await used(place, Anew, { n: 1.5, tol: 0.3 })).toMatchObject({ n: 1.5, tol: 0.3 });
  });

  it('[S1] stores that open a new database together all succeed', async () => {
    const place = await db.fresh();
    const stores = await Promise.all(Array.from({ length: 6 }, () => openAny(place, Base)));
    const records = await Promise.all(stores.map((store) => store.runOrRetrieve(POINT)));
    for (const record of records) expect(record).toEqual(records[0]);
    await Promise.all(stores.map((store) => store.close()));
    expect(await place.sql('SELECT count(*) FROM entropic_columns').then(([row]) => Number(row?.[0]))).toBe(2);
  });
}
