// The contract of the same point asked for more than once at a time.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { TestDatabase } from '../../helpers/databases.js';
import {
  collect,
  contentOf,
  errorOf,
  gate,
  makeSimulation,
  openStore,
  POINT,
  POINT_ID,
  resultOf,
  until,
} from './kit.js';

const points = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ n: from + i, steps: 1, dt: 1 }));

export function sharing(db: TestDatabase): void {
  it('[S4] [I1] the same point asked for 20 times at once is run once', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation(() => sleep(20));
    await using store = await openStore(place, { runner: simulate });
    const records = await Promise.all(
      Array.from({ length: 20 }, (_, i) => store.runOrRetrieve(POINT, { customData: { i } })),
    );
    expect(executed).toHaveLength(1);
    for (const record of records) expect(record).toEqual(records[0]);
    expect(await place.sql('SELECT count(*) FROM results').then(([row]) => Number(row?.[0]))).toBe(1);
    expect(await place.sql('SELECT id FROM entropic_leases')).toEqual([]);
  });

  it('[S4] whoever waits for a run that fails hears of that failure, and nothing runs again for them', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation(async () => {
      await sleep(30);
      throw new Error('diverged');
    });
    await using store = await openStore(place, { runner: simulate });
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => store.runOrRetrieve(POINT)));
    expect(executed).toHaveLength(1);
    for (const result of results) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { reason: 'exception', cause: { message: 'diverged' } },
      });
    }
    expect((await errorOf(store.runOrRetrieve(POINT))).attempts).toBe(2);
    expect(executed).toHaveLength(2);
  });

  it('[S4] one who waits can give up alone, and one who runs can give up without the others', async () => {
    const place = await db.fresh();
    const started = gate();
    const { executed, simulate } = makeSimulation(async (_, run) => {
      started.open();
      await sleep(40, undefined, { signal: run.signal });
    });
    await using store = await openStore(place, { runner: simulate });
    const [runs, waits] = [new AbortController(), new AbortController()];
    const first = errorOf(store.runOrRetrieve(POINT, { signal: runs.signal }));
    await started.opened;
    const impatient = errorOf(store.runOrRetrieve(POINT, { signal: waits.signal }));
    const patient = store.runOrRetrieve(POINT);
    await sleep(5);
    waits.abort();
    expect((await impatient).name).toBe('AbortError');
    runs.abort();
    expect((await first).name).toBe('AbortError');
    expect((await patient).id).toBe(POINT_ID);
    expect(executed).toHaveLength(2);
  });

  it('[S7] two forced runs at once both run, one after the other', async () => {
    const place = await db.fresh();
    let now = 0;
    const { executed, simulate } = makeSimulation(async () => {
      expect(++now).toBe(1);
      await sleep(10);
      now--;
    });
    await using store = await openStore(place, { runner: simulate });
    const records = await Promise.all([store.run(POINT), store.run(POINT), store.run(POINT)]);
    expect(executed).toHaveLength(3);
    expect(new Set(records.map((record) => record.id))).toEqual(new Set([POINT_ID]));
    expect((await store.verify({ readData: true })).problems).toEqual([]);
  });

  it('[S10] [I1] two sweeps of overlapping grids in one store run each point once', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation(() => sleep(1));
    await using store = await openStore(place, { runner: simulate });
    const [a, b] = await Promise.all([store.sweep(points(0, 30)), store.sweep(points(10, 40).reverse())]);
    expect(executed).toHaveLength(40);
    expect(a.map((record) => record.n)).toEqual(points(0, 30).map(({ n }) => n));
    expect(b.map((record) => record.n)).toEqual(
      points(10, 40)
        .map(({ n }) => n)
        .reverse(),
    );
    for (const record of [...a, ...b]) expect(contentOf(record)).toBe(resultOf(record));
  });

  it('[S10] [I1] two stores of one process on the same place run each point once', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation(() => sleep(2));
    await using one = await openStore(place, { runner: simulate });
    await using two = await openStore(place, { runner: simulate });
    const [a, b, c, d] = await Promise.all([
      one.sweep(points(0, 25)),
      two.sweep(points(0, 25).reverse()),
      one.runOrRetrieve(POINT),
      two.runOrRetrieve(POINT),
    ]);
    expect(executed.map(({ n }) => n).sort((x, y) => x - y)).toEqual([...points(0, 25).map(({ n }) => n), 100]);
    expect([...b].reverse()).toEqual(a);
    expect(c).toEqual(d);
    expect(await place.sql('SELECT id FROM entropic_leases')).toEqual([]);
  });

  it('[S8] a point deleted while it is run is stored again by that run', async () => {
    const place = await db.fresh();
    const started = gate();
    const { simulate } = makeSimulation(async () => {
      started.open();
      await sleep(30);
    });
    await using store = await openStore(place, { runner: simulate });
    const running = store.runOrRetrieve(POINT);
    await started.opened;
    expect(await store.delete(POINT, { removeFile: true })).toBe(false);
    expect(await store.retrieve(POINT)).toBeNull();
    expect(await store.retrieve(POINT)).toEqual(null);
    const record = await running;
    expect(await store.retrieve(POINT)).toEqual(record);
  });

  it('[S4] close waits for what runs, and whoever waits for it gets its record', async () => {
    const place = await db.fresh();
    const [started, go] = [gate(), gate()];
    const { executed, simulate } = makeSimulation(async () => {
      started.open();
      await go.opened;
    });
    const store = await openStore(place, { runner: simulate });
    const running = store.runOrRetrieve(POINT);
    await started.opened;
    const waiting = store.runOrRetrieve(POINT);
    await sleep(20);
    const closed = store.close();
    let done = false;
    void closed.then(() => {
      done = true;
    });
    await sleep(20);
    expect(done).toBe(false);
    go.open();
    await closed;
    const record = await running;
    expect(record.id).toBe(POINT_ID);
    expect(await waiting).toEqual(record);
    expect(executed).toHaveLength(1);
    expect(await place.sql('SELECT id FROM results')).toEqual([[POINT_ID]]);
    expect(await place.sql('SELECT id FROM entropic_leases')).toEqual([]);
  });

  it('[S4] a sweep that waits for the point of another sweep goes on with its own points meanwhile', async () => {
    const place = await db.fresh();
    const go = gate();
    const { executed, simulate } = makeSimulation(async ({ n }) => {
      if (n === 0) await go.opened;
    });
    await using store = await openStore(place, { runner: simulate });
    const slow = store.sweep(points(0, 1));
    await until(() => executed.length === 1);
    const other = store.sweep(points(0, 5));
    await until(() => other.progress().finished === 4);
    go.open();
    expect((await other).map((record) => record.n)).toEqual([0, 1, 2, 3, 4]);
    expect((await slow)[0]).toEqual((await other)[0]);
    expect(other.progress()).toMatchObject({ cached: 1, finished: 4 });
    expect(executed).toHaveLength(5);
  });

  it('[S10] [S13] many sweeps and runs at once, all with one signal, print no warning', async () => {
    const place = await db.fresh();
    const warnings: Error[] = [];
    const listener = (warning: Error) => warnings.push(warning);
    process.on('warning', listener);
    const { simulate } = makeSimulation((_, run) => sleep(10, undefined, { signal: run.signal }));
    await using store = await openStore(place, { runner: simulate });
    const { signal } = new AbortController();
    await Promise.all([
      ...points(0, 15).map((point) => store.sweep([point, { ...point, dt: 2 }], { signal, concurrency: 2 })),
      ...points(0, 15).map((point) => store.runOrRetrieve({ ...point, dt: 3 }, { signal })),
      ...points(0, 15).map(() => store.runOrRetrieve({ n: 1, steps: 1, dt: 4 }, { signal })),
    ]);
    await sleep(5);
    process.off('warning', listener);
    expect(warnings).toEqual([]);
  });

  it('[S10] more than one at a time with concurrency, when the runner waits', async () => {
    const place = await db.fresh();
    let now = 0;
    let most = 0;
    const warnings: Error[] = [];
    const listener = (warning: Error) => warnings.push(warning);
    process.on('warning', listener);
    const { executed, simulate } = makeSimulation(async (_, run) => {
      most = Math.max(most, ++now);
      // Long enough for a busy machine to begin the next ones meanwhile.
      await sleep(100, undefined, { signal: run.signal });
      now--;
    });
    await using store = await openStore(place, { runner: simulate });
    const records = await store.sweep(points(0, 60), { concurrency: 20 });
    process.off('warning', listener);
    expect(records.map((record) => record.n)).toEqual(points(0, 60).map((point) => point.n));
    expect(executed).toHaveLength(60);
    expect(most).toBeGreaterThan(5);
    expect(most).toBeLessThanOrEqual(20);
    expect(warnings).toEqual([]);
  });

  it('[S10] without concurrency one point runs after the other', async () => {
    const place = await db.fresh();
    let now = 0;
    let most = 0;
    const { simulate } = makeSimulation(async () => {
      most = Math.max(most, ++now);
      await sleep(2);
      now--;
    });
    await using store = await openStore(place, { runner: simulate });
    expect(await collect(store.sweep(points(0, 12)))).toHaveLength(12);
    expect(most).toBe(1);
  });
}
