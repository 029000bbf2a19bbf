// The contract of sweeps in which points fail, are cancelled, or are left to themselves.
import { setTimeout as sleep } from 'node:timers/promises';
import { RunFailedError, SweepError, type SweepProgress } from 'entropic';
import { expect, it } from 'vitest';
import type { TestDatabase } from '../../helpers/databases.js';
import { errorOf, gate, makeSimulation, openStore, type SimFull, type SimParams, until } from './kit.js';

const points = (count: number): SimParams[] => Array.from({ length: count }, (_, n) => ({ n, steps: 1, dt: 1 }));
const odd = (params: SimFull) => {
  if (params.n % 2 === 1) throw new Error(`n=${params.n} diverged`);
};
const namesOf = (records: unknown) => (records as ({ n: number } | null)[]).map((record) => record?.n ?? null);
/** I6 at the end. */
const expectEnded = (progress: SweepProgress, total: number) => {
  const { cached, finished, failed, cancelled } = progress;
  expect(progress).toMatchObject({ running: 0, queued: 0 });
  expect(cached + finished + failed + cancelled).toBe(total);
};

export function failingSweeps(db: TestDatabase): void {
  it('[S10] [I6] a failing point stops no other, and the SweepError has records in line with null', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation(odd);
    await using store = await openStore(place, { runner: simulate });
    const sweep = store.sweep([...points(5), ...points(2).slice(1)]);
    const error = (await errorOf(sweep)) as unknown as SweepError<{ n: number }>;
    expect(error).toBeInstanceOf(SweepError);
    expect(error.code).toBe('ENTROPIC_SWEEP');
    expect(namesOf(error.records)).toEqual([0, null, 2, null, 4, null]);
    expect(error.failures.map((failure) => failure.params.n)).toEqual([1, 3]);
    const [failure] = error.failures as [RunFailedError];
    expect(failure).toBeInstanceOf(RunFailedError);
    expect(failure).toMatchObject({ reason: 'exception', attempts: 1, code: 'ENTROPIC_RUN_FAILED' });
    expect((failure.cause as Error).message).toBe('n=1 diverged');
    expect(error.message).toMatch(/2 of 6 points failed.*n=1 diverged/);
    expect(executed).toHaveLength(5);
    expectEnded(sweep.progress(), 6);
    expect(await store.retrieve({ n: 4, steps: 1, dt: 1 })).not.toBeNull();
  });

  it('[S10] the same sweep again runs only what failed', async () => {
    const place = await db.fresh();
    let healthy = false;
    const { executed, simulate } = makeSimulation((params) => healthy || odd(params));
    await using store = await openStore(place, { runner: simulate });
    await errorOf(store.sweep(points(5)));
    executed.length = 0;
    healthy = true;
    expect(namesOf(await store.sweep(points(5)))).toEqual([0, 1, 2, 3, 4]);
    expect(executed.map((params) => params.n)).toEqual([1, 3]);
  });

  it('[S10] retryFailed: false reports what failed before without running it', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation(odd);
    await using store = await openStore(place, { runner: simulate });
    await errorOf(store.sweep(points(3)));
    executed.length = 0;
    const sweep = store.sweep(points(5), { retryFailed: false });
    const error = (await errorOf(sweep)) as unknown as SweepError;
    expect(executed.map((params) => params.n)).toEqual([3, 4]);
    expect(error.failures.map((failure) => [failure.params.n, failure.reason, failure.attempts])).toEqual([
      [1, 'exception', 1],
      [3, 'exception', 1],
    ]);
    expect(error.failures[0]?.message).toMatch(/failed before .*n=1 diverged/);
    expect(error.failures[0]?.cause).toMatchObject({ message: 'n=1 diverged' });
    expect(namesOf(error.records)).toEqual([0, null, 2, null, 4]);
    expectEnded(sweep.progress(), 5);
    await errorOf(store.sweep(points(3)));
    expect(executed.map((params) => params.n)).toEqual([3, 4, 1]);
  });

  it('[S10] retries tries a failing point again, and attempts remembers each failure', async () => {
    const place = await db.fresh();
    const tries: number[] = [];
    const { simulate } = makeSimulation((_, run) => {
      tries.push(run.attempt);
      if (run.attempt < 3) throw new Error(`attempt ${run.attempt}`);
    });
    await using store = await openStore(place, { runner: simulate });
    const [record] = await store.sweep(points(1), { retries: 2 });
    expect(tries).toEqual([1, 2, 3]);
    const attempts = await store.attempts(record?.id as string);
    expect(attempts.map(({ attempt, outcome, reason, message }) => [attempt, outcome, reason, message])).toEqual([
      [1, 'failed', 'exception', 'attempt 1'],
      [2, 'failed', 'exception', 'attempt 2'],
      [3, 'finished', null, null],
    ]);
    expect(attempts[0]?.finishedAt).toBeInstanceOf(Date);
    expect(Math.abs((attempts[0]?.finishedAt.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('[S10] retries that do not help end in one failure', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation(odd);
    await using store = await openStore(place, { runner: simulate });
    const sweep = store.sweep(points(3), { retries: 1 });
    const error = (await errorOf(sweep)) as unknown as SweepError;
    expect(error.failures.map((failure) => [failure.params.n, failure.attempts])).toEqual([[1, 2]]);
    expect(executed).toHaveLength(4);
    expectEnded(sweep.progress(), 3);
  });

  it('[S10] [I6] a point is tried again also while its generator waits for it', async () => {
    const place = await db.fresh();
    const ready = gate();
    const { executed, simulate } = makeSimulation((_, run) => {
      if (run.attempt === 1) throw new Error('not yet');
      ready.open();
    });
    await using store = await openStore(place, { runner: simulate });
    const records = await store.sweep(
      (async function* () {
        yield { n: 1, steps: 1, dt: 1 };
        await ready.opened;
        yield { n: 2, steps: 1, dt: 1 };
      })(),
      { retries: 1, concurrency: 2 },
    );
    expect(namesOf(records)).toEqual([1, 2]);
    expect(executed.map(({ n }) => n)).toEqual([1, 1, 2, 2]);
  });

  it('[S10] [I6] maxFailures cancels what is queued after the k-th failure', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation(odd);
    await using store = await openStore(place, { runner: simulate });
    const sweep = store.sweep(points(200), { maxFailures: 2 });
    const error = (await errorOf(sweep)) as unknown as SweepError;
    expect(error).toBeInstanceOf(SweepError);
    expect(error.failures.length).toBeGreaterThanOrEqual(2);
    expect(executed.length).toBeLessThan(200);
    expect(error.records).toHaveLength(200);
    expect(error.records[0]).not.toBeNull();
    expect(error.records[199]).toBeNull();
    expect(sweep.progress().cancelled).toBe(200 - sweep.progress().finished - error.failures.length);
    expectEnded(sweep.progress(), 200);
  });

  it('[S10] [I6] cancel() aborts what runs and cancels the rest; await rejects with an AbortError that carries records and failures', async () => {
    const place = await db.fresh();
    const at = gate();
    const { executed, simulate } = makeSimulation(async (params, run) => {
      odd(params);
      if (params.n < 4) return;
      at.open();
      await sleep(60_000, undefined, { signal: run.signal });
    });
    await using store = await openStore(place, { runner: simulate });
    const sweep = store.sweep(points(8));
    const outcome = errorOf(sweep);
    await at.opened;
    await sweep.cancel();
    expectEnded(sweep.progress(), 8);
    const error = await outcome;
    expect(error.name).toBe('AbortError');
    expect(error).toBeInstanceOf(DOMException);
    expect(namesOf(error.records)).toEqual([0, null, 2, null, null, null, null, null]);
    expect((error.failures as RunFailedError[]).map((failure) => failure.params.n)).toEqual([1, 3]);
    expect(executed.map((params) => params.n)).toEqual([0, 1, 2, 3, 4]);
  });

  it('[S10] a signal ends a sweep in the same way, and its reason is the cause', async () => {
    const place = await db.fresh();
    const controller = new AbortController();
    const { executed, simulate } = makeSimulation(async (params, run) => {
      if (params.n !== 2) return;
      controller.abort(new Error('lunch'));
      await sleep(60_000, undefined, { signal: run.signal });
    });
    await using store = await openStore(place, { runner: simulate });
    const sweep = store.sweep(points(6), { signal: controller.signal });
    const error = await errorOf(sweep);
    expect(error.name).toBe('AbortError');
    expect((error.cause as Error).message).toBe('lunch');
    expect(namesOf(error.records)).toEqual([0, 1, null, null, null, null]);
    expect(error.failures).toEqual([]);
    expect(executed).toHaveLength(3);
    expectEnded(sweep.progress(), 6);
    expect(namesOf(await store.sweep([{ n: 0, steps: 1, dt: 1 }]))).toEqual([0]);
  });

  it('[S10] a signal that was aborted before runs nothing', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    const sweep = store.sweep(points(3), { signal: AbortSignal.abort() });
    expect((await errorOf(sweep)).name).toBe('AbortError');
    expect(executed).toEqual([]);
    expectEnded(sweep.progress(), 3);
  });

  it('[S10] [I6] a sweep whose generator waits for ever can be cancelled', async () => {
    const place = await db.fresh();
    const { simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    const sweep = store.sweep(
      (async function* () {
        yield { n: 0, steps: 1, dt: 1 };
        await new Promise(() => {});
      })(),
    );
    const outcome = errorOf(sweep);
    await until(() => sweep.progress().finished === 1);
    await sweep.cancel();
    const error = await outcome;
    expect(error.name).toBe('AbortError');
    expect(namesOf(error.records)).toEqual([0]);
  });

  it('[S10] a sweep nobody awaits goes on by itself and raises no unhandled rejection', async () => {
    const place = await db.fresh();
    const rejections: unknown[] = [];
    const listener = (reason: unknown) => rejections.push(reason);
    process.on('unhandledRejection', listener);
    try {
      await using store = await openStore(place, { runner: makeSimulation(odd).simulate });
      const failing = store.sweep(points(4));
      const wrong = store.sweep([{ n: Number.NaN, steps: 1, dt: 1 }]);
      const cancelled = store.sweep(points(9));
      void cancelled.cancel();
      await until(() => failing.progress().finished === 2 && failing.progress().failed === 2);
      await sleep(50);
      expect(wrong.progress().finished).toBe(0);
    } finally {
      await sleep(10);
      process.off('unhandledRejection', listener);
    }
    expect(rejections).toEqual([]);
  });

  it('[S10] catch and finally of a sweep are those of a promise', async () => {
    const place = await db.fresh();
    await using store = await openStore(place, { runner: makeSimulation(odd).simulate });
    let cleaned = 0;
    expect(await store.sweep(points(2)).catch((error) => (error as SweepError).code)).toBe('ENTROPIC_SWEEP');
    const records = await store.sweep([{ n: 0, steps: 1, dt: 1 }]).finally(() => void cleaned++);
    expect([records.length, cleaned]).toEqual([1, 1]);
    const sweep = store.sweep(points(1));
    expect(await sweep).toBe(await sweep);
  });

  it('[S10] closing the store cancels what is queued and waits for what runs', async () => {
    const place = await db.fresh();
    const at = gate();
    const go = gate();
    const { executed, simulate } = makeSimulation(async (params) => {
      if (params.n !== 1) return;
      at.open();
      await go.opened;
    });
    const store = await openStore(place, { runner: simulate });
    const sweep = store.sweep(points(5));
    const outcome = errorOf(sweep);
    await at.opened;
    const closed = store.close();
    go.open();
    await closed;
    const error = await outcome;
    expect(error.name).toBe('AbortError');
    expect(namesOf(error.records)).toEqual([0, 1, null, null, null]);
    expect(executed).toHaveLength(2);
    expectEnded(sweep.progress(), 5);
    const ids = await place.sql('SELECT n FROM results ORDER BY n');
    expect(ids.map(([n]) => Number(n))).toEqual([0, 1]);
  });
}
