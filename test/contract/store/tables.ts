// The contract of what stands in the database: tables, column types, and every kind of value as another program reads it.
import { bool, defineResult, float, int, type JsonValue, json, oneOf, text } from 'entropic';
import { expect, it } from 'vitest';
import type { Place, TestDatabase } from '../../helpers/databases.js';
import { collect, makeSimulation, openModel, openStore, POINT, parsed, writeParams } from './kit.js';

const Every = defineResult('every_kind', {
  i: int(),
  f: float(),
  t: text(),
  b: bool(),
  j: json(),
  o: oneOf(['a', 'b']),
  maybe: text({ nullable: true, default: null }),
});

/** Names and types as the database itself tells them. */
async function columnsOf(place: Place, table: string): Promise<string[][]> {
  const rows =
    place.kind === 'sqlite'
      ? await place.sql(`SELECT name, type, "notnull", pk FROM pragma_table_info('${table}')`)
      : await place.sql(
          `SELECT column_name, CASE data_type WHEN 'character varying' THEN 'varchar(' || character_maximum_length || ')' ELSE data_type END,
             CASE is_nullable WHEN 'NO' THEN 1 ELSE 0 END,
             (SELECT count(*) FROM information_schema.key_column_usage k WHERE k.table_name = c.table_name AND k.column_name = c.column_name)
           FROM information_schema.columns c WHERE table_name = ? ORDER BY ordinal_position`,
          [table],
        );
  return rows.map(([name, type, notNull, key]) => [
    String(name),
    String(type).toLowerCase(),
    `${Number(notNull) ? 'not null' : 'null'}${Number(key) ? ' key' : ''}`,
  ]);
}

export function tables(db: TestDatabase): void {
  it("[S5] the user's table has exactly the seed's columns, with their types", async () => {
    const place = await db.fresh();
    await using store = await openModel(place, Every, { runner: writeParams });
    const types =
      db.kind === 'sqlite'
        ? {
            id: 'varchar(16)',
            int: 'bigint',
            float: 'real',
            text: 'text',
            bool: 'integer',
            json: 'json',
            time: 'datetime',
          }
        : {
            id: 'varchar(16)',
            int: 'bigint',
            float: 'double precision',
            text: 'text',
            bool: 'boolean',
            json: 'json',
            time: 'timestamp with time zone',
          };
    expect(await columnsOf(place, 'every_kind')).toEqual([
      ['id', types.id, 'not null key'],
      ['result_file', types.text, 'not null'],
      ['created_at', types.time, 'not null'],
      ['custom_data', types.json, 'not null'],
      ['i', types.int, 'not null'],
      ['f', types.float, 'not null'],
      ['t', types.text, 'not null'],
      ['b', types.bool, 'not null'],
      ['j', types.json, 'not null'],
      ['o', types.text, 'not null'],
      ['maybe', types.text, 'null'],
    ]);
    await store.close();
  });

  it('[S5] all other tables begin with entropic_, and have the columns of the design', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    await store.close();
    const names = (
      db.kind === 'sqlite'
        ? await place.sql("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        : await place.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1")
    ).map(([name]) => name);
    expect(names).toEqual([
      'entropic_attempts',
      'entropic_columns',
      'entropic_leases',
      'entropic_meta',
      'entropic_runs',
      'results',
    ]);
    const columns = async (table: string) => (await columnsOf(place, table)).map(([name]) => name);
    expect(await columns('entropic_runs')).toEqual(
      'table_name id params_text sha256 size mtime_ns fence code_digest elapsed_s host committed_at'.split(' '),
    );
    expect(await columns('entropic_leases')).toEqual('table_name id owner nonce fence expires'.split(' '));
    expect(await columns('entropic_columns')).toEqual('table_name name kind id_default_json since'.split(' '));
    expect(await place.sql("SELECT value FROM entropic_meta WHERE key = 'schema_version'")).toEqual([['1']]);
  });

  it('[S5] every kind of value comes back as it was, from the run, from the row and by id', async () => {
    const place = await db.fresh();
    await using store = await openModel(place, Every, { runner: writeParams });
    const points: {
      i: number;
      f: number;
      t: string;
      b: boolean;
      j: NonNullable<JsonValue>;
      o: 'a' | 'b';
      maybe?: string | null;
    }[] = [
      { i: 0, f: 0, t: '', b: false, j: {}, o: 'a' },
      { i: -1, f: -1.5, t: 'null', b: true, j: [], o: 'b', maybe: 'x' },
      { i: 2 ** 53 - 1, f: 5e-324, t: '{"a",\\}', b: true, j: 'text', o: 'a', maybe: '' },
      { i: -(2 ** 53 - 1), f: 1.7976931348623157e308, t: '\u{1f680} é \u0001\t\n"\'\\', b: false, j: 5, o: 'b' },
      { i: 1, f: 0.1 + 0.2, t: ' padded ', b: true, j: 0.1 + 0.2, o: 'a' },
      { i: 2, f: 100, t: '100', b: true, j: '100', o: 'a' },
      { i: 3, f: 1e21, t: 'NaN', b: true, j: 1e300, o: 'a' },
      { i: 4, f: 1 / 3, t: "'; DROP TABLE every_kind; --", b: true, j: true, o: 'a' },
      { i: 5, f: 2 ** -1074 * 3, t: 'NULL', b: true, j: 1e19, o: 'a' },
      {
        i: 6,
        f: 123456789.12345679,
        t: 'é',
        b: true,
        j: { n: null, deep: [{ a: [1.5, '\u{1f680}'] }], '': 0 },
        o: 'a',
      },
      { i: 7, f: -0, t: 'x', b: true, j: -0, o: 'a' },
    ];
    const records = await store.sweep(points);
    expect(new Set(records.map((record) => record.id)).size).toBe(points.length);
    for (const [k, point] of points.entries()) {
      const record = records[k] as NonNullable<(typeof records)[number]>;
      const positive = (value: unknown) => (value === 0 ? 0 : value);
      const wanted = { ...point, f: positive(point.f), j: positive(point.j), maybe: point.maybe ?? null };
      expect(record, `point ${k}`).toMatchObject(wanted);
      expect(record.j, `point ${k}`).toEqual(wanted.j);
      expect(await store.get(record.id), `point ${k}`).toEqual(record);
      expect(await store.retrieve(point), `point ${k}`).toEqual(record);
    }
    const rows = await place.sql('SELECT i, f, t, b, j, o, maybe FROM every_kind ORDER BY i');
    const byI = [...points].sort((a, b) => a.i - b.i);
    for (const [k, row] of rows.entries()) {
      const point = byI[k] as (typeof points)[number];
      const [i, f, t, b, j, o, maybe] = row;
      expect([Number(i), Math.abs(Number(f)), t, Boolean(b), o, maybe]).toEqual([
        point.i,
        Math.abs(point.f),
        point.t,
        point.b,
        point.o,
        point.maybe ?? null,
      ]);
      if (typeof point.j === 'object') expect(parsed(j)).toEqual(point.j);
    }
  });

  it('[S5] numbers at the top of a json column keep every digit', async () => {
    const place = await db.fresh();
    const Weights = defineResult('weights', { w: json<number>() });
    await using store = await openModel(place, Weights, { runner: writeParams, durability: 'process' });
    let seed = 42;
    const random = () => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed / 2 ** 31;
    };
    const values = Array.from(
      { length: 200 },
      () => (random() + random() / 2 ** 31) * 10 ** Math.floor(random() * 40 - 20),
    );
    const records = await store.sweep({ w: values });
    for (const [k, record] of records.entries()) {
      expect(record.w).toBe(values[k]);
      expect((await store.get(record.id))?.w).toBe(values[k]);
    }
    expect(await collect(store.sweep({ w: values }))).toHaveLength(200);
  });

  it('[S3] two tables of one database know nothing of each other', async () => {
    const place = await db.fresh();
    const { simulate } = makeSimulation();
    const Other = defineResult('others', { n: int(), steps: int(), dt: float() });
    await using store = await openStore(place, { runner: simulate });
    await using other = await openModel(place, Other, { runner: writeParams, resultsDir: `${place.folder}/others` });
    const mine = await store.run(POINT);
    expect(await other.retrieve(POINT)).toBeNull();
    const theirs = await other.run(POINT);
    expect(theirs.id).toBe(mine.id);
    expect(theirs.resultFile).not.toBe(mine.resultFile);
    await Promise.all([store.sweep([POINT, { ...POINT, n: 1 }]), other.sweep([POINT, { ...POINT, n: 1 }])]);
    expect(await store.delete(POINT, { removeFile: true })).toBe(true);
    expect(await other.retrieve(POINT)).toEqual(theirs);
    expect(await place.sql('SELECT table_name, count(*) FROM entropic_runs GROUP BY 1 ORDER BY 1')).toHaveLength(2);
    expect((await other.verify()).problems).toEqual([]);
  });
}
