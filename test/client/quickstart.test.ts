// Every row of the quickstart again, with a module as the runner and a client of two threads, on both databases.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type AnyModel,
  Base,
  Client,
  defineResult,
  float,
  int,
  type Logger,
  moduleRunner,
  oneOf,
  Store,
  type StoreOptions,
} from 'entropic';
import { Column, Entity, EntitySchema } from 'typeorm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeEachDatabase, type Place } from '../helpers/databases.js';
import { textOf } from '../helpers/text.js';

const SimResult = defineResult('results', {
  n: int(),
  steps: int(),
  dt: float({ unit: 's' }),
  method: oneOf(['rk4', 'euler'], { default: 'rk4' }),
});
const runner = moduleRunner(new URL('./functions.mjs', import.meta.url), { export: 'simulate' });
const POINT = { n: 100, steps: 5000, dt: 0.01 } as const;
const POINT_ID = 'f444a074a2e52bf9';
const GRID = { n: [50, 100], steps: [5000], dt: [0.01, 0.005] };
const IN_ORDER = ['50 0.01', '50 0.005', '100 0.01', '100 0.005'];

function open(place: Place, options: StoreOptions = {}) {
  const { resultsDir, dbUrl } = place;
  return Store.open({ model: SimResult, runner, resultsDir, dbUrl, fileSuffix: '.npy', ...options });
}

/** The points that were executed, as the runner itself has counted them: `n dt`, sorted. */
function executed(place: Place): string[] {
  const file = join(place.folder, 'executions');
  if (!existsSync(file)) return [];
  const points = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return points.map(({ n, dt }) => `${n} ${dt}`).sort();
}

const keysOf = (records: readonly { n: number; dt: number }[]) => records.map(({ n, dt }) => `${n} ${dt}`);

interface Row {
  id: string;
  resultFile: string;
  createdAt: Date;
  customData: object;
  n: number;
  steps: number;
  dt: number;
}
const Written = new EntitySchema<Row>({
  name: 'written',
  columns: { n: { type: 'int' }, steps: { type: 'bigint' }, dt: { type: 'double precision' } },
});

@Entity('decorated')
class Decorated extends Base {
  @Column('int') declare n: number;
  @Column('bigint') declare steps: number;
  @Column('double precision') declare dt: number;
}

describeEachDatabase('[S11] the quickstart with a client', (db) => {
  let client: Client;
  beforeAll(async () => {
    client = await Client.connect({ threads: 2 });
  });
  afterAll(() => client.close());

  it('[S10] sweep runs the cartesian product and gives its records in grid order, then reuses hits and runs only misses', async () => {
    const place = await db.fresh();
    await using store = await open(place);
    const alone = await store.runOrRetrieve(POINT);
    const sweep = store.sweep(GRID, { client });
    const records = await sweep;
    expect(keysOf(records)).toEqual(IN_ORDER);
    expect(records[2]).toEqual(alone);
    expect(sweep.progress()).toMatchObject({ total: 4, cached: 1, finished: 3 });
    for (const { n, steps, dt, method, resultFile } of records)
      expect(readFileSync(resultFile, 'utf8')).toBe(`n=${n} steps=${steps} dt=${dt} ${method}\n`);
    expect(executed(place)).toEqual([...IN_ORDER].sort());
    expect(await store.sweep(GRID, { client })).toEqual(records);
    // The same points as a list and as generators.
    const points = records.map(({ n, steps, dt }) => ({ n, steps, dt }));
    async function* later() {
      yield* points;
    }
    for (const source of [points, new Set(points), later()])
      expect(await store.sweep(source, { client })).toEqual(records);
    expect(executed(place)).toHaveLength(4);
    expect(await store.verify({ readData: true })).toEqual({ checked: 4, problems: [] });
  });

  it('[S1] the model may be an EntitySchema or a decorated class', async () => {
    for (const model of [Written, Decorated] as AnyModel[]) {
      const { resultsDir, dbUrl, ...place } = await db.fresh();
      await using store = await Store.open({ model, runner, resultsDir, dbUrl });
      const records = (await store.sweep(GRID, { client })) as (Row & { id: string })[];
      expect(keysOf(records)).toEqual(IN_ORDER);
      expect(records[2]?.id).toBe(POINT_ID);
      expect(executed({ resultsDir, dbUrl, ...place } as Place)).toHaveLength(4);
    }
  });

  it('[S2] [S4] [S6] the runner writes resultFile; runOrRetrieve runs once, retrieve gives what a sweep made', async () => {
    const place = await db.fresh();
    await using store = await open(place);
    expect(await store.retrieve(POINT)).toBeNull();
    const [record] = await store.sweep([POINT], { client });
    expect(readFileSync(record?.resultFile as string, 'utf8')).toBe('n=100 steps=5000 dt=0.01 rk4\n');
    expect(await store.retrieve(POINT)).toEqual(record);
    expect(await store.runOrRetrieve(POINT)).toEqual(record);
    expect(await store.runOrRetrieve({ ...POINT, n: 7 })).toEqual(await store.retrieve({ ...POINT, n: 7 }));
    expect(executed(place)).toEqual(['100 0.01', '7 0.01']);
  });

  it('[S3] [S5] a record has its id, file, time, customData and params, also in a store that is opened again', async () => {
    const place = await db.fresh();
    const before = Date.now();
    const first = await open(place);
    const [record] = await first.sweep([POINT], { client });
    await first.close();
    expect(record).toEqual({
      ...{ id: POINT_ID, resultFile: join(place.resultsDir, `${POINT_ID}.npy`) },
      ...{ createdAt: expect.any(Date), customData: { elapsedSeconds: expect.any(Number) } },
      ...{ ...POINT, method: 'rk4' },
    });
    expect(record?.createdAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(record?.createdAt.getTime()).toBeLessThanOrEqual(Date.now());
    await using second = await open(place);
    expect(await second.sweep([POINT], { client })).toEqual([record]);
    expect(executed(place)).toHaveLength(1);
    const rows = await place.sql('SELECT id, n, steps, dt, method FROM results');
    expect(rows.map((row) => row.map(String))).toEqual([[POINT_ID, '100', '5000', '0.01', 'rk4']]);
  });

  it('[S7] force runs every point again: same ids, rows and files overwritten', async () => {
    const place = await db.fresh();
    await using store = await open(place);
    const first = await store.sweep(GRID, { client });
    for (const { resultFile } of first) writeFileSync(resultFile, 'edited');
    const second = await store.sweep(GRID, { client, force: true });
    expect(second.map(({ id, resultFile }) => [id, resultFile])).toEqual(
      first.map(({ id, resultFile }) => [id, resultFile]),
    );
    for (const { resultFile } of second) expect(readFileSync(resultFile, 'utf8')).toMatch(/^n=/);
    expect(executed(place)).toHaveLength(8);
    await store.run(POINT);
    expect(executed(place)).toHaveLength(9);
    expect(await place.sql('SELECT id FROM results')).toHaveLength(4);
    expect(await store.verify({ readData: true })).toEqual({ checked: 4, problems: [] });
  });

  it('[S8] [S9] what was deleted runs again, what was registered does not', async () => {
    const place = await db.fresh();
    await using store = await open(place);
    const records = await store.sweep(GRID, { client });
    expect(await store.delete(POINT, { removeFile: true })).toBe(true);
    expect(await store.delete(POINT)).toBe(false);
    expect(existsSync(records[2]?.resultFile as string)).toBe(false);
    const made = join(place.folder, 'made-elsewhere.npy');
    writeFileSync(made, 'made elsewhere');
    const registered = await store.register({ n: 1, steps: 5000, dt: 0.01 }, made);
    const again = await store.sweep({ ...GRID, n: [1, 50, 100], dt: [0.01] }, { client });
    expect(keysOf(again)).toEqual(['1 0.01', '50 0.01', '100 0.01']);
    expect(again[0]).toEqual(registered);
    expect(readFileSync(made, 'utf8')).toBe('made elsewhere');
    expect(executed(place)).toEqual([...IN_ORDER, '100 0.01'].sort());
  });

  it('[S12] customData lands in the records that ran, and hits keep what they have', async () => {
    const place = await db.fresh();
    await using store = await open(place);
    await store.sweep([POINT], { client, customData: { sha: 'first' } });
    const records = await store.sweep(GRID, { client, customData: { sha: 'second', tags: ['a'] } });
    expect(records.map(({ customData }) => customData.sha)).toEqual(['second', 'second', 'first', 'second']);
    for (const { customData } of records) expect(customData.elapsedSeconds).toBeGreaterThanOrEqual(0);
    expect((await store.retrieve({ n: 50, steps: 5000, dt: 0.01 }))?.customData.tags).toEqual(['a']);
  });

  it('[S13] [D9] a logger hears of runs and hits; what runs print is in their logs', async () => {
    const place = await db.fresh();
    const lines: string[] = [];
    const say = (_: object, message: string) => void lines.push(message);
    const logger: Logger = { debug: () => {}, info: say, warn: say, error: say };
    await using store = await open(place, { logger });
    const records = await store.sweep(GRID, { client });
    await store.sweep([POINT], { client });
    const count = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length;
    for (const { id } of records) expect(count(new RegExp(id))).toBeGreaterThanOrEqual(1);
    expect(count(/finished/)).toBe(4);
    expect(count(/cache/)).toBe(1);
    for (const { id, n } of records) expect(await textOf(store.log(id))).toBe(`simulating n = ${n}\n`);
  });
});
