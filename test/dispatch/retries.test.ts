// Retries by cause, in threads, on both databases: who is tried again, how often, after how long, and what is told of it.
import { Client, type StoreEvent } from 'entropic';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeEachDatabase } from '../helpers/databases.js';
import { errorOf } from '../helpers/errors.js';
import { attemptsOf, executionsIn, leasesOf, openTried, outcomesOf, type Point, until } from './kit.js';

describeEachDatabase('[D5] retries (threads)', (db) => {
  let client: Client;
  beforeAll(async () => {
    client = await Client.connect({ threads: 2 });
  });
  afterAll(() => client.close());

  it('go by cause: each reason has its own number, and what is not named is not tried again', async () => {
    const place = await db.fresh();
    const store = await openTried(place);
    const { folder } = place;
    const points: Point[] = [
      { n: 1, how: 'exception', times: 2, folder },
      { n: 2, how: 'exception', times: 9, folder },
      { n: 3, how: 'exit', times: 1, folder },
      { n: 4, how: 'exit', times: 2, folder },
      { n: 5, how: 'no-output', times: 1, folder },
      { n: 6, how: 'timeout', times: 1, folder },
      { n: 7, how: 'exception,exit,exception', times: 3, folder },
      { n: 8, folder },
    ];
    const retries = { exception: 2, exit: 1, timeout: 1, delay: '10ms' };
    const sweep = store.sweep(points, { client, retries, timeout: '500ms' });
    const outcomes = await outcomesOf(sweep);
    const ended = (n: number) => outcomes.get(n)?.error?.reason ?? outcomes.get(n)?.status;
    expect([1, 2, 3, 4, 5, 6, 7, 8].map(ended)).toEqual([
      ...['finished', 'exception', 'finished', 'exit', 'no-output', 'finished', 'finished', 'finished'],
    ]);
    const tried = async (n: number) => (await attemptsOf(place, outcomes.get(n)?.id)).join(' ');
    expect(await tried(1)).toBe('exception exception finished');
    expect(await tried(2)).toBe('exception exception exception');
    expect(await tried(3)).toBe('exit finished');
    expect(await tried(4)).toBe('exit exit');
    expect(await tried(5)).toBe('no-output');
    expect(await tried(6)).toBe('timeout finished');
    expect(await tried(7)).toBe('exception exit exception finished');
    expect(await tried(8)).toBe('finished');
    expect(outcomes.get(2)?.error?.attempts).toBe(3);
    expect(sweep.progress()).toMatchObject({ finished: 5, failed: 3, cancelled: 0, running: 0, queued: 0 });
    expect(executionsIn(place)).toHaveLength(18);
    await store.close();
    expect(await leasesOf(place)).toBe(0);
  });

  it('by a number are so many in all, whatever the mixture', async () => {
    const place = await db.fresh();
    await using store = await openTried(place, { retries: 1 });
    const { folder } = place;
    const points: Point[] = [
      { n: 1, how: 'exception,no-output,exception', times: 3, folder },
      { n: 2, how: 'exception', times: 1, folder },
    ];
    // The runner's own number counts where a sweep gives none.
    const own = await outcomesOf(store.sweep(points, { client }));
    expect(own.get(1)?.error).toMatchObject({ reason: 'no-output', attempts: 2 });
    expect(own.get(2)?.status).toBe('finished');
    const none = await outcomesOf(store.sweep([{ ...points[0], n: 3 } as Point], { client, retries: 0 }));
    expect(none.get(3)?.error).toMatchObject({ reason: 'exception', attempts: 1 });
    // The next call begins anew, and numbers on.
    const again = await outcomesOf(store.sweep(points, { client }));
    expect(again.get(1)?.error?.reason ?? again.get(1)?.status).toBe('finished');
    expect(await attemptsOf(place, again.get(1)?.id)).toEqual(['exception', 'no-output', 'exception', 'finished']);
  });

  it('are told with the attempt that failed and the time until the next, which is kept', async () => {
    const place = await db.fresh();
    const store = await openTried(place);
    const points: Point[] = [{ n: 1, how: 'exception', times: 3, folder: place.folder }];
    const [record] = await store.sweep(points, { client, retries: 3 });
    const events = (await store.told()).filter((event) => 'id' in event && event.id === record?.id);
    const ofType = <T extends StoreEvent['type']>(type: T) =>
      events.filter((event): event is Extract<StoreEvent, { type: T }> => event.type === type);
    const retried = ofType('run.retried');
    expect(retried.map(({ attempt, reason }) => [attempt, reason])).toEqual([
      [1, 'exception'],
      [2, 'exception'],
      [3, 'exception'],
    ]);
    retried.forEach(({ inSeconds, time }, i) => {
      expect(inSeconds).toBeGreaterThanOrEqual(0);
      expect(inSeconds).toBeLessThanOrEqual(0.1 * 2 ** i);
      // By another clock than the timer's.
      expect((ofType('run.started')[i + 1]?.time ?? 0) - time).toBeGreaterThanOrEqual(Math.floor(inSeconds * 1000) - 5);
    });
  });

  it('take no slot while they wait, and a sweep that is cancelled, or whose store closes, waits for none of them', async () => {
    const place = await db.fresh();
    const store = await openTried(place);
    const { folder } = place;
    const points = (from: number): Point[] => [
      { n: from, how: 'exception', times: 9, folder },
      { n: from + 1, folder },
      { n: from + 2, folder },
    ];
    // A day, drawn evenly: that it is less than these tests take is one chance in ten thousand.
    const options = { client, concurrency: 1, retries: { exception: 1, delay: '1d', maxDelay: '1d' } };
    const sweep = store.sweep(points(1), options);
    const failing = errorOf(sweep);
    await until('the others', () => sweep.progress().finished === 2);
    expect(executionsIn(place)).toEqual([1, 2, 3]);
    expect(sweep.progress()).toMatchObject({ failed: 0, running: 0, queued: 1 });
    await sweep.cancel();
    expect(await failing).toMatchObject({ name: 'AbortError', failures: [] });
    expect(sweep.progress()).toMatchObject({ finished: 2, cancelled: 1, queued: 0 });
    const other = store.sweep(points(4), options);
    const ending = errorOf(other);
    await until('the others', () => other.progress().finished === 2);
    await store.close();
    expect((await ending).name).toBe('AbortError');
    expect(other.progress()).toMatchObject({ finished: 2, cancelled: 1 });
    expect(await leasesOf(place)).toBe(0);
  });

  it('of a single run are those of its runner; it stops waiting when it is aborted or the store closes', async () => {
    const place = await db.fresh();
    const { folder } = place;
    const store = await openTried(place, { retries: 2 });
    const record = await store.runOrRetrieve({ n: 1, how: 'exception', times: 2, folder });
    expect(await attemptsOf(place, record.id)).toEqual(['exception', 'exception', 'finished']);
    expect(await errorOf(store.run({ n: 2, how: 'exit', times: 9, folder }))).toMatchObject({
      reason: 'exit',
      attempts: 3,
    });
    const retried = (await store.told()).filter(({ type }) => type === 'run.retried');
    expect(retried).toHaveLength(4);

    const patient = await openTried(place, { retries: { exception: 1, delay: '1d', maxDelay: '1d' } });
    const controller = new AbortController();
    const point = (n: number) => ({ n, how: 'exception', times: 9, folder });
    const aborted = errorOf(patient.runOrRetrieve(point(3), { signal: controller.signal }));
    const closed = errorOf(patient.runOrRetrieve(point(4)));
    await until('both wait', () => patient.sofar.filter(({ type }) => type === 'run.retried').length === 2);
    controller.abort();
    expect((await aborted).name).toBe('AbortError');
    await patient.close();
    expect(await closed).toMatchObject({ name: 'RunFailedError', reason: 'exception' });
  });
});
