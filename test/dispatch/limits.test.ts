// Priorities, maxFailures and the order of what is told, in threads, on both databases.
import { Client, InvalidOptionError, range, type StoreEvent } from 'entropic';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeEachDatabase } from '../helpers/databases.js';
import { errorOf } from '../helpers/errors.js';
import { executionsIn, leasesOf, openTried, outcomesOf, until } from './kit.js';

describeEachDatabase('[D5] a sweep (threads)', (db) => {
  let client: Client;
  beforeAll(async () => {
    client = await Client.connect({ threads: 2 });
  });
  afterAll(() => client.close());

  it('runs points of a larger priority first, and equal ones in their order', async () => {
    const place = await db.fresh();
    await using store = await openTried(place, { export: 'slow' });
    const { folder } = place;
    const source = { n: range(30), folder: [folder] };
    const records = await store.sweep(source, { client, concurrency: 1, priority: ({ n }) => n % 3 });
    // They come back in the order of the grid all the same.
    expect(records.map(({ n }) => n)).toEqual(range(30));
    const by = (rest: number) => range(30).filter((n) => n % 3 === rest);
    expect(executionsIn(place)).toEqual([...by(2), ...by(1), ...by(0)]);
  });

  it('lets a point of a larger priority pass that comes later, while the others wait', async () => {
    const place = await db.fresh();
    await using store = await openTried(place, { export: 'slow' });
    const { folder } = place;
    async function* source() {
      for (const n of range(20)) yield { n, folder };
      await until('the first runs', () => executionsIn(place).length >= 3);
      yield { n: 99, folder };
    }
    await store.sweep(source(), { client, concurrency: 1, priority: ({ n }) => (n === 99 ? 1 : 0) });
    const order = executionsIn(place);
    expect(order).toHaveLength(21);
    // Not quite at once: one runs, and up to as many as run in 20 ms are claimed.
    expect(order.indexOf(99)).toBeLessThan(12);
    expect(order.filter((n) => n !== 99)).toEqual(range(20));
  });

  it('refuses a priority that is no number, in an option and from a function', async () => {
    const place = await db.fresh();
    await using store = await openTried(place);
    const points = [{ n: 1, folder: place.folder }];
    const refused: [unknown, RegExp][] = [
      ['high', /priority: "high" is no number/],
      [Number.NaN, /priority: NaN is no number/],
      [() => undefined, /priority of .*: undefined is no number/],
      [
        () => {
          throw new Error('no idea');
        },
        /priority threw .*no idea/,
      ],
    ];
    for (const [priority, message] of refused) {
      const error = await errorOf((async () => store.sweep(points, { client, priority: priority as number }).then())());
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(error.message).toMatch(message);
    }
    expect(executionsIn(place)).toEqual([]);
    expect(await leasesOf(place)).toBe(0);
  });

  it('[I6] ends after maxFailures: nothing starts after the last that is allowed, and the same sweep goes on from there', async () => {
    const place = await db.fresh();
    await using store = await openTried(place);
    const { folder } = place;
    const points = range(60).map((n) => ({ n, how: n % 5 === 4 ? 'exception' : '', times: 1, folder }));
    const sweep = store.sweep(points, { client, maxFailures: 3 });
    const error = await errorOf(sweep);
    expect(error.name).toBe('SweepError');
    const { finished, failed, cancelled } = sweep.progress();
    // Two slots: one more may have been running.
    expect([3, 4]).toContain(failed);
    expect(cancelled).toBeGreaterThan(30);
    expect(finished + failed + cancelled).toBe(60);
    expect(executionsIn(place)).toHaveLength(finished + failed);
    expect(await leasesOf(place)).toBe(0);
    const rest = await outcomesOf(store.sweep(points, { client, retries: 1 }));
    expect([...rest.values()].filter(({ status }) => status === 'cached')).toHaveLength(finished);
    expect([...rest.values()].filter(({ status }) => status === 'finished')).toHaveLength(60 - finished);
  });

  it('counts a point as failed only when its retries are used up', async () => {
    const place = await db.fresh();
    await using store = await openTried(place);
    const { folder } = place;
    const points = range(8).map((n) => ({ n, how: 'exception', times: 1, folder }));
    const retries = { exception: 1, delay: '1ms' };
    expect(await store.sweep(points, { client, retries, maxFailures: 1 })).toHaveLength(8);
  });

  it('tells what happens to a run in its order: started, progress, log, failed, retried, started, finished', async () => {
    const place = await db.fresh();
    const store = await openTried(place, { export: 'telling' });
    const [record] = await store.sweep([{ n: 1, folder: place.folder }], { client, retries: 1 });
    const told = await store.told();
    const runs = told.filter((event) => event.type.startsWith('run.')) as Extract<StoreEvent, { id: string }>[];
    expect(runs.map(({ type }) => type)).toEqual([
      ...['run.started', 'run.progress', 'run.log', 'run.failed', 'run.retried'],
      ...['run.started', 'run.progress', 'run.log', 'run.finished'],
    ]);
    expect(new Set(runs.map(({ id }) => id))).toEqual(new Set([record?.id]));
    expect(runs.filter(({ type }) => type === 'run.started')).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
    expect(runs[1]).toMatchObject({ fraction: 0.5, note: 'half' });
    expect(runs[2]).toMatchObject({ text: 'a line\n' });
    expect(runs[3]).toMatchObject({ reason: 'exception', message: 'the first time' });
    const sweeps = told.filter(({ type }) => type.startsWith('sweep.'));
    expect(sweeps).toMatchObject([
      { type: 'sweep.started', total: 1 },
      { type: 'sweep.finished', finished: 1, failed: 0 },
    ]);
    expect(told.indexOf(sweeps[0] as StoreEvent)).toBeLessThan(told.indexOf(runs[0] as StoreEvent));
    expect(told.indexOf(sweeps[1] as StoreEvent)).toBeGreaterThan(told.indexOf(runs.at(-1) as StoreEvent));
  });

  it('tells of a run that is cancelled, and of none that never began', async () => {
    const place = await db.fresh();
    const store = await openTried(place, { export: 'patient' });
    const { folder } = place;
    const sweep = store.sweep(
      [1, 2, 3].map((n) => ({ n, folder })),
      { client, concurrency: 1 },
    );
    const failing = errorOf(sweep);
    await until('the start', () => executionsIn(place).length === 1);
    await sweep.cancel();
    expect((await failing).name).toBe('AbortError');
    const runs = (await store.told()).filter(({ type }) => type.startsWith('run.'));
    expect(runs.map(({ type }) => type)).toEqual(['run.started', 'run.cancelled']);
    expect(sweep.progress()).toMatchObject({ cancelled: 3, running: 0, queued: 0 });
  });
});
