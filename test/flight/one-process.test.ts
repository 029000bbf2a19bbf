// The same points twice at once in one process: two sweeps of one store, two stores, calls beside sweeps. Each point runs once.
import { join } from 'node:path';
import { Client, Store } from 'entropic';
import { expect, it } from 'vitest';
import { describeDatabase, describeEachDatabase, type Place } from '../helpers/databases.js';
import { executionsOf, pause } from '../helpers/flight.js';
import { countingRunner, expectWhole, openToy, Toy } from '../helpers/lab.js';

const module = new URL('../helpers/flight-runner.mjs', import.meta.url);
const axis = (count: number) => Array.from({ length: count }, (_, n) => n);

/** The runner in threads reads where to log from the environment, when its thread starts. */
function flightLog(place: Place, more: object = {}): string {
  const log = join(place.folder, 'executions.log');
  process.env.ENTROPIC_FLIGHT = JSON.stringify({ log, ms: [1, 3], ...more });
  return log;
}

function openThreaded({ resultsDir, dbUrl }: Place) {
  return Store.open({ model: Toy, runner: module, resultsDir, dbUrl });
}

const shares = (sweep: { progress(): { finished: number; cached: number } }) => {
  const { finished, cached } = sweep.progress();
  return [finished, finished + cached];
};

describeEachDatabase('the same points at once in one process', (db) => {
  it('[D7] two sweeps of one store run each point once, and both get all records in order', async () => {
    const place = await db.fresh();
    const log = flightLog(place);
    await using store = await openThreaded(place);
    await using client = await Client.connect({ threads: 2 });
    const sweeps = [store.sweep({ n: axis(200) }, { client }), store.sweep({ n: axis(200) }, { client })];
    for (const records of await Promise.all(sweeps)) expect(records.map(({ n }) => n)).toEqual(axis(200));
    expect(executionsOf(log)).toHaveLength(200);
    for (const sweep of sweeps) expect(shares(sweep)[1]).toBe(200);
    await expectWhole(place, axis(200));
  });

  it('[D7] two stores run each point once, and both get all records in order', async () => {
    const place = await db.fresh();
    const log = flightLog(place);
    await using one = await openThreaded(place);
    await using two = await openThreaded(place);
    await using client = await Client.connect({ threads: 2 });
    const sweeps = [one.sweep({ n: axis(200) }, { client }), two.sweep({ n: axis(200) }, { client })];
    for (const records of await Promise.all(sweeps)) expect(records.map(({ n }) => n)).toEqual(axis(200));
    expect(executionsOf(log)).toHaveLength(200);
    for (const [finished, all] of sweeps.map(shares)) {
      expect(all).toBe(200);
      expect(finished).toBeGreaterThanOrEqual(20);
    }
    await expectWhole(place, axis(200));
    expect(await place.sql('SELECT count(*) FROM entropic_leases')).toEqual([[expect.anything()]]);
    expect(Number((await place.sql('SELECT count(*) FROM entropic_leases'))[0]?.[0])).toBe(0);
  });

  it('[D7] two stores with functions, and calls beside their sweeps, run each point once', async () => {
    const place = await db.fresh();
    const ran: number[] = [];
    const counting = (): Parameters<typeof openToy>[1] => {
      const { runner, executions } = countingRunner();
      return async (params, run) => {
        await pause(params.n % 3);
        runner(params, run);
        ran.push(...executions.splice(0));
      };
    };
    await using one = await openToy(place, counting());
    await using two = await openToy(place, counting());
    const calls = [7, 3, 99].flatMap((n) => [one.runOrRetrieve({ n }), two.runOrRetrieve({ n })]);
    const sweeps = [one.sweep({ n: axis(100) }), two.sweep({ n: axis(100) }), one.sweep({ n: axis(100).reverse() })];
    const [forth, back, reverse] = await Promise.all(sweeps);
    for (const records of [forth, back]) expect(records?.map(({ n }) => n)).toEqual(axis(100));
    expect(reverse?.map(({ n }) => n)).toEqual(axis(100).reverse());
    expect((await Promise.all(calls)).map(({ n }) => n)).toEqual([7, 7, 3, 3, 99, 99]);
    expect([...ran].sort((a, b) => a - b)).toEqual(axis(100));
    await expectWhole(place, axis(100));
  });
});

describeDatabase('later points that finish first', 'sqlite', (db) => {
  it('[S11] are told first, and stand at their own places among the records', async () => {
    const place = await db.fresh();
    await using store = await Store.open({
      ...{ model: Toy, resultsDir: place.resultsDir, dbUrl: place.dbUrl },
      runner: async ({ n, resultFile }) => {
        // The first is the slowest.
        await pause(n === 0 ? 600 : 10);
        (await import('node:fs')).writeFileSync(resultFile, String(n));
      },
    });
    const sweep = store.sweep({ n: axis(12) }, { concurrency: 4 });
    const told: number[] = [];
    for await (const { params } of sweep) told.push(params.n);
    expect(told.at(-1)).toBe(0);
    expect([...told].sort((a, b) => a - b)).toEqual(axis(12));
    expect((await sweep).map(({ n }) => n)).toEqual(axis(12));
  });

  it('[S11] the same with threads', async () => {
    const place = await db.fresh();
    flightLog(place, { ms: [1, 40] });
    await using store = await openThreaded(place);
    await using client = await Client.connect({ threads: 3 });
    const sweep = store.sweep({ n: axis(40) }, { client });
    const told: number[] = [];
    for await (const { params } of sweep) told.push(params.n);
    expect(told).not.toEqual(axis(40));
    expect((await sweep).map(({ n }) => n)).toEqual(axis(40));
    const files = (await sweep).map(({ id, resultFile }) => [id, resultFile]);
    for (const [id, file] of files) expect(file).toBe(join(place.resultsDir, `${id}.dat`));
  });
});

describeDatabase('a database that cannot be read in the middle of a sweep', 'sqlite', (db) => {
  /** Points 0 to 4, then what `more` waits for. */
  async function* inTwoParts(more: Promise<unknown>) {
    for (const n of axis(5)) yield { n };
    await more;
    for (let n = 100; n < 400; n++) yield { n };
  }

  it('[I6] ends the sweep with its error, and every point that was read has an outcome', async () => {
    const place = await db.fresh();
    await using store = await openToy(place);
    const { resolve: goOn, promise: more } = opening();
    const sweep = store.sweep(inTwoParts(more));
    const error = sweep.then(() => undefined).catch((cause) => cause);
    while (sweep.progress().finished < 5) await pause(10);
    await place.sql('ALTER TABLE toy RENAME TO away');
    goOn();
    expect(((await error) as Error).message).toMatch(/no such table/);
    await place.sql('ALTER TABLE away RENAME TO toy');
    expect(sweep.progress()).toMatchObject({ finished: 5, cached: 0, failed: 0, running: 0, queued: 0 });
    expect(sweep.progress().cancelled).toBeGreaterThan(0);
    expect((await store.sweep({ n: axis(5) })).map(({ n }) => n)).toEqual(axis(5));
  });

  it('[I6] the same while it waits for a point of another store', async () => {
    const place = await db.fresh();
    const { resolve: goOn, promise: gate } = opening();
    const { runner } = countingRunner();
    await using holder = await openToy(place, async (params, run) => {
      await gate;
      runner(params, run);
    });
    await using store = await openToy(place);
    const first = holder.runOrRetrieve({ n: 3 });
    while ((await place.sql('SELECT id FROM entropic_leases')).length === 0) await pause(10);
    try {
      // Where the table goes away between a look-up and a claim, the claim fails, and with it that point alone: once more.
      for (let known = 0; ; known = 4) {
        const { resolve: end, promise: more } = opening();
        const sweep = store.sweep(inTwoParts(more));
        const outcome = sweep.then(() => undefined).catch((cause) => cause);
        const settled = () => sweep.progress().finished + sweep.progress().cached;
        while (settled() < 4) await pause(10);
        await place.sql('ALTER TABLE toy RENAME TO away');
        while (sweep.progress().failed + sweep.progress().cancelled === 0) await pause(10);
        await place.sql('ALTER TABLE away RENAME TO toy');
        if (sweep.progress().failed > 0) {
          sweep.cancel();
          end();
          await outcome;
          continue;
        }
        expect(((await outcome) as Error).message).toMatch(/no such table/);
        const counts = { finished: 4 - known, cached: known, failed: 0, cancelled: 1, running: 0, queued: 0 };
        expect(sweep.progress()).toMatchObject(counts);
        break;
      }
    } finally {
      goOn();
    }
    expect((await first).n).toBe(3);
    expect((await store.sweep({ n: axis(5) })).map(({ n }) => n)).toEqual(axis(5));
  });
});

function opening() {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
