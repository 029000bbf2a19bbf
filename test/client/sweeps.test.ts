// Stores and clients: `sweep(grid, { client })` in every way, one client for several stores, and what is refused.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, defineResult, int, moduleRunner, Store, type SweepOutcome, text } from 'entropic';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeEachDatabase, type Place } from '../helpers/databases.js';
import { errorOf } from '../helpers/errors.js';
import { freshFolder, untilBegun } from './kit.js';

const url = new URL('./functions.mjs', import.meta.url);
const Model = defineResult('runs', { n: int(), folder: text({ default: '' }) });

function open(place: Place, name: string) {
  const { resultsDir, dbUrl } = place;
  return Store.open({ model: Model, runner: moduleRunner(url, { export: name }), resultsDir, dbUrl });
}

/** Nothing of a store is locked or lies about, as other programs see it. */
async function expectNothingLeft(place: Place): Promise<void> {
  expect(await place.sql('SELECT id FROM entropic_leases WHERE owner IS NOT NULL')).toEqual([]);
}

const ONE_TO_EIGHT = [1, 2, 3, 4, 5, 6, 7, 8];

describeEachDatabase('[S11] [D1] a sweep on a client', (db) => {
  let client: Client;
  beforeAll(async () => {
    client = await Client.connect({ threads: 2 });
  });
  afterAll(() => client.close());

  it('gives its records in grid order, though each point finishes before the one in front of it', async () => {
    const place = await db.fresh();
    await using store = await open(place, 'chained');
    await using four = await Client.connect({ threads: 4 });
    const points = [1, 2, 3, 4].map((n) => ({ n, folder: place.folder }));
    const sweep = store.sweep(points, { client: four });
    const records = await sweep;
    expect(records.map(({ n }) => n)).toEqual([1, 2, 3, 4]);
    expect(readFileSync(join(place.folder, 'done'), 'utf8')).toBe('4\n3\n2\n1\n');
    for (const record of records) {
      expect(readFileSync(record.resultFile, 'utf8')).toBe(`n = ${record.n}`);
      expect(record.customData.value).toBe(record.n);
    }
    expect(sweep.progress()).toEqual({
      ...{ total: 4, cached: 0, finished: 4, failed: 0, cancelled: 0, running: 0, queued: 0 },
    });
    expect(await store.sweep(points, { client: four })).toEqual(records);
    const rows = await place.sql('SELECT n FROM runs ORDER BY n');
    expect(rows.map(([n]) => Number(n))).toEqual([1, 2, 3, 4]);
    await expectNothingLeft(place);
  });

  it('serves two stores at once, and again after one of them was closed', async () => {
    const places = [await db.fresh(), await db.fresh()];
    const stores = await Promise.all(places.map((place) => open(place, 'backwards')));
    const [first, second] = stores as [(typeof stores)[0], (typeof stores)[0]];
    const both = await Promise.all(stores.map((store) => store.sweep({ n: [6, 7, 8] }, { client })));
    expect(both.map((records) => records.map(({ n }) => n))).toEqual([
      [6, 7, 8],
      [6, 7, 8],
    ]);
    await first.close();
    expect((await second.sweep({ n: [8, 9] }, { client })).map(({ n }) => n)).toEqual([8, 9]);
    await second.close();
    await using again = await open(places[0] as Place, 'backwards');
    expect((await again.sweep({ n: [8, 9, 10] }, { client })).map(({ n }) => n)).toEqual([8, 9, 10]);
    for (const place of places) await expectNothingLeft(place);
  });

  it('may be closed before its store, which goes on without', async () => {
    const place = await db.fresh();
    await using store = await open(place, 'backwards');
    const own = await Client.connect({ threads: 2 });
    await store.sweep({ n: [7, 8] }, { client: own });
    await own.close();
    expect(() => store.sweep({ n: [9] }, { client: own })).toThrow(/the client is closed; connect again/);
    expect((await store.sweep({ n: [7, 8, 9] })).map(({ n }) => n)).toEqual([7, 8, 9]);
  });

  it('ends when its client is closed in mid-sweep, an endless generator too, and the next sweep does the rest', async () => {
    const place = await db.fresh();
    await using store = await open(place, 'gated');
    const own = await Client.connect({ threads: 2 });
    let given = 0;
    function* endless() {
      for (;;) yield { n: given++, folder: place.folder };
    }
    const sweep = store.sweep(endless(), { client: own });
    await untilBegun(place.folder, 2);
    const closing = own.close();
    writeFileSync(join(place.folder, 'open'), '');
    const error = await errorOf(sweep);
    expect(error.name).toBe('AbortError');
    expect(error.message).toMatch(/the client was closed/);
    await closing;
    const { finished, cancelled, failed, running } = sweep.progress();
    expect({ finished, failed, running }).toEqual({ finished: 2, failed: 0, running: 0 });
    expect(finished + cancelled).toBe((error.records as unknown[]).length);
    expect((error.records as ({ n: number } | null)[]).slice(0, 2).map((record) => record?.n)).toEqual([0, 1]);
    await expectNothingLeft(place);
    const points = [0, 1, 2].map((n) => ({ n, folder: place.folder }));
    const rest = store.sweep(points, { client });
    expect((await rest).map(({ n }) => n)).toEqual([0, 1, 2]);
    expect(rest.progress()).toMatchObject({ cached: 2, finished: 1 });
  });

  it('hears of a failure of the runner with its error rebuilt, and maxFailures ends it', async () => {
    const place = await db.fresh();
    await using store = await open(place, 'diverge');
    const error = await errorOf(store.sweep({ n: [1, 2, 3, 4, 5, 6, 7, 8, 9] }, { client, maxFailures: 2 }));
    const failures = error.failures as (Error & { reason: string; params: { n: number } })[];
    // Those that ran beside the second one had begun.
    expect(failures.length).toBeGreaterThanOrEqual(2);
    expect(failures.length).toBeLessThanOrEqual(3);
    for (const failure of failures) {
      expect(failure).toMatchObject({ name: 'RunFailedError', reason: 'exception' });
      expect(failure.cause).toMatchObject({ name: 'Diverged', code: 'E_DIVERGED', cause: { name: 'TypeError' } });
    }
    await expectNothingLeft(place);
  });

  it('left in the middle of its loop lets what runs finish, and keeps it', async () => {
    const place = await db.fresh();
    await using store = await open(place, 'backwards');
    const seen: SweepOutcome<{ n: number; folder: string }>[] = [];
    const sweep = store.sweep({ n: ONE_TO_EIGHT }, { client });
    for await (const outcome of sweep) {
      seen.push(outcome);
      break;
    }
    const { finished, cancelled } = sweep.progress();
    expect(finished + cancelled).toBe(8);
    expect(finished).toBeLessThan(8);
    const [[rows]] = (await place.sql('SELECT count(*) FROM runs')) as [[unknown]];
    expect(Number(rows)).toBe(finished);
    await expectNothingLeft(place);
  });
});

describe('[D1] a client that is not to be used', () => {
  it('a function cannot leave its process: refused before anything runs, with the two lines to change', async () => {
    const place = freshPlace();
    let ran = 0;
    const runner = () => {
      ran++;
    };
    await using store = await Store.open({ model: Model, runner, ...place });
    await using client = await Client.connect({ threads: 1 });
    let complaint = '';
    try {
      store.sweep({ n: [1] }, { client });
    } catch (error) {
      complaint = (error as Error).message;
    }
    expect(complaint).toMatch(/a function cannot leave this process/);
    expect(complaint).toContain('export default function simulate(params, run)');
    expect(complaint).toContain("runner: new URL('./simulate.ts', import.meta.url)");
    expect(ran).toBe(0);
  });

  it('what is no client is refused by a sentence; a store without a runner by another', async () => {
    const place = freshPlace();
    await using store = await Store.open({ model: Model, runner: url, ...place });
    for (const wrong of [null, {}, 'localhost:8786', 4, true, Client, () => {}]) {
      expect(() => store.sweep({ n: [1] }, { client: wrong as never }), String(wrong)).toThrow(
        /client must be a Client: const client = await Client\.connect\(\)/,
      );
    }
    await using client = await Client.connect({ threads: 1 });
    await using reader = await Store.open({ model: Model, ...freshPlace() });
    await expect(reader.sweep({ n: [1] }, { client })).rejects.toThrow(/without a runner/);
  });
});

function freshPlace() {
  const folder = freshFolder();
  return { resultsDir: join(folder, 'results'), dbUrl: `sqlite:///${join(folder, 'db')}` };
}
