// Runs whose process dies, really: tried again, put in quarantine, given more memory. And sweeps that share the slots of one client.
import { Client, range } from 'entropic';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeDatabase, describeEachDatabase } from '../helpers/databases.js';
import { attemptsOf, executionsIn, leasesOf, openTried, outcomesOf, type Point, until } from './kit.js';

describeEachDatabase('[D5] a run whose process dies (processes)', (db) => {
  let client: Client;
  beforeAll(async () => {
    client = await Client.connect({ threads: 2, isolation: 'process' });
  });
  afterAll(() => client.close());

  it('is tried again; the second time its point is in quarantine, and all others finish', async () => {
    const place = await db.fresh();
    const store = await openTried(place);
    const { folder } = place;
    const points: Point[] = [
      { n: 1, how: 'signal', times: 1, folder },
      { n: 2, how: 'signal', times: 99, folder },
      { n: 3, how: 'exception,signal', times: 2, folder },
      ...range(4, 12).map((n) => ({ n, folder })),
    ];
    const outcomes = await outcomesOf(store.sweep(points, { client, retries: 5 }));
    const failed = outcomes.get(2);
    expect(failed?.error).toMatchObject({ reason: 'signal', signal: 'SIGKILL', attempts: 2 });
    for (const [n, { status }] of outcomes) if (n !== 2) expect(status, `n = ${n}`).toBe('finished');
    expect(await attemptsOf(place, failed?.id)).toEqual(['signal', 'signal']);
    expect(await attemptsOf(place, outcomes.get(1)?.id)).toEqual(['signal', 'finished']);
    expect(await attemptsOf(place, outcomes.get(3)?.id)).toEqual(['exception', 'signal', 'finished']);
    expect(executionsIn(place).filter((n) => n === 2)).toHaveLength(2);
    const told = await store.told();
    const quarantined = told.filter(({ type }) => type === 'run.quarantined');
    expect(quarantined).toMatchObject([{ id: failed?.id, reason: 'signal', deaths: 2 }]);
    const ofFailed = told.filter((event) => 'id' in event && event.id === failed?.id).map(({ type }) => type);
    expect(ofFailed).toEqual([
      ...['run.started', 'run.failed', 'run.retried', 'run.started', 'run.failed', 'run.quarantined'],
    ]);
    expect(await leasesOf(place)).toBe(0);
  });

  it('is tried more often, or not at all, where that is said', async () => {
    const place = await db.fresh();
    await using store = await openTried(place);
    const { folder } = place;
    const point = (n: number): Point => ({ n, how: 'signal', times: 2, folder });
    const often = await outcomesOf(store.sweep([point(1)], { client, retries: { quarantine: 3 } }));
    expect(await attemptsOf(place, often.get(1)?.id)).toEqual(['signal', 'signal', 'finished']);
    const once = await outcomesOf(store.sweep([point(2)], { client, retries: 0 }));
    expect(await attemptsOf(place, once.get(2)?.id)).toEqual(['signal']);
  });
});

describeDatabase('[D5] a run that had too little memory (processes)', 'sqlite', (db) => {
  it('is tried again with more where that is said', async () => {
    const place = await db.fresh();
    await using store = await openTried(place, { export: 'hungry', memoryLimit: '200MB' });
    const { folder } = place;
    const retries = { oom: 1, memoryFactor: 2.5, delay: 0 };
    const outcomes = await outcomesOf(store.sweep([{ n: 1, folder }], { retries }));
    expect(await attemptsOf(place, outcomes.get(1)?.id)).toEqual(['oom', 'finished']);
    const same = await outcomesOf(store.sweep([{ n: 2, folder }], { retries: { oom: 1, delay: 0 } }));
    expect(same.get(2)?.error).toMatchObject({ reason: 'oom', limit: 200_000_000, attempts: 2 });
  });
});

describeDatabase('[D5] two sweeps on one client (threads)', 'sqlite', (db) => {
  it('share its slots, and the one of the larger priority goes first', async () => {
    const place = await db.fresh();
    await using client = await Client.connect({ threads: 1 });
    await using store = await openTried(place, { export: 'slow' });
    const { folder } = place;
    const low = store.sweep({ n: range(100, 140), folder: [folder] }, { client });
    const both = low.then(() => {});
    await until('the first', () => executionsIn(place).length >= 3);
    await store.sweep({ n: range(15), folder: [folder] }, { client, priority: 1 });
    const order = executionsIn(place);
    const between = order.slice(order.indexOf(0), order.indexOf(14)).filter((n) => n >= 100).length;
    // In turns it would be 14.
    expect(between).toBeLessThan(7);
    await both;
    expect(executionsIn(place)).toHaveLength(55);
  });
});
