// The contract of sweeps as people loop over them: each point once, in the order of completion, beginning and leaving at any time.
import { createHash } from 'node:crypto';
import { linkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidParamsError, type SweepOutcome } from 'entropic';
import { expect, it } from 'vitest';
import type { Place, TestDatabase } from '../../helpers/databases.js';
import { collect, errorOf, makeSimulation, openStore, type SimFull, type SimParams, until } from './kit.js';

const points = (count: number): SimParams[] => Array.from({ length: count }, (_, n) => ({ n, steps: 1, dt: 1 }));
const odd = (params: SimFull) => {
  if (params.n % 2 === 1) throw new Error(`n=${params.n} diverged`);
};
const brief = ({ status, params, record, error }: SweepOutcome<SimFull>) => [
  params.n,
  status,
  record === undefined ? null : record.n,
  error === undefined ? null : error.reason,
];

export function sweepLoops(db: TestDatabase): void {
  it('[S10] for await gives each distinct point once, with its status, record or error', async () => {
    const place = await db.fresh();
    await using store = await openStore(place, { runner: makeSimulation(odd).simulate });
    await store.run({ n: 2, steps: 1, dt: 1 });
    const outcomes = await collect(store.sweep([...points(4), ...points(4)]));
    expect(outcomes.map(brief).sort()).toEqual([
      [0, 'finished', 0, null],
      [1, 'failed', null, 'exception'],
      [2, 'cached', 2, null],
      [3, 'failed', null, 'exception'],
    ]);
    for (const { id, params, record } of outcomes) {
      expect(id).toMatch(/^[0-9a-f]{16}$/);
      expect(params).toEqual({ n: params.n, steps: 1, dt: 1, method: 'rk4' });
      if (record) expect(record).toEqual(await store.retrieve(params));
    }
  });

  it('[S10] [I6] at each outcome the counts add up to the total', async () => {
    const place = await db.fresh();
    await using store = await openStore(place, {
      runner: makeSimulation(async (params) => {
        if (params.n < 3) await sleep(60);
        odd(params);
      }).simulate,
    });
    const sweep = store.sweep(points(20));
    let seen = 0;
    for await (const _ of sweep) {
      seen++;
      const { total, cached, finished, failed, cancelled, running, queued } = sweep.progress();
      expect(cached + finished + failed + cancelled + running + queued).toBe(total);
      expect(cached + finished + failed + cancelled).toBeGreaterThanOrEqual(seen);
    }
    expect(seen).toBe(20);
  });

  it('[S10] outcomes come while the sweep goes on', async () => {
    const place = await db.fresh();
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await using store = await openStore(place, {
      runner: makeSimulation(async (params) => {
        if (params.n === 1) await released;
      }).simulate,
    });
    const seen: number[] = [];
    for await (const outcome of store.sweep(points(3))) {
      seen.push(outcome.params.n);
      if (outcome.params.n === 0) release();
    }
    expect(seen).toEqual([0, 1, 2]);
  });

  it('[S10] a loop may begin when the sweep is over, and an await may follow it', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    const sweep = store.sweep(points(30));
    await until(() => sweep.progress().finished === 30);
    const late = await collect(sweep);
    expect(late.map((outcome) => outcome.params.n).sort((a, b) => a - b)).toEqual(points(30).map(({ n }) => n));
    const records = await sweep;
    expect(records.map((record) => record.n)).toEqual(points(30).map(({ n }) => n));
    expect(await collect(sweep)).toHaveLength(30);
  });

  it('[S10] a loop over a sweep that is awaited as well sees the same outcomes', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    const sweep = store.sweep(points(25));
    const [records, outcomes] = await Promise.all([sweep, collect(sweep)]);
    expect(records).toHaveLength(25);
    expect(new Set(outcomes.map((outcome) => outcome.id))).toEqual(new Set(records.map((record) => record.id)));
    for (const outcome of outcomes) {
      expect(outcome.record).toEqual(records.find((record) => record.id === outcome.id));
      expect(outcome.params).toEqual({ n: outcome.record?.n, steps: 1, dt: 1, method: 'rk4' });
    }
  });

  it('[S10] two loops over one sweep both see all of it', async () => {
    const place = await db.fresh();
    await using store = await openStore(place, { runner: makeSimulation(() => sleep(1)).simulate });
    const sweep = store.sweep(points(20));
    const [one, two] = await Promise.all([collect(sweep), collect(sweep)]);
    expect(one.map((outcome) => outcome.id).sort()).toEqual(two.map((outcome) => outcome.id).sort());
    expect(one).toHaveLength(20);
  });

  it('[S10] [I6] leaving the loop early cancels what has not started and waits for what runs', async () => {
    const place = await db.fresh();
    let running = 0;
    const { executed, simulate } = makeSimulation(async () => {
      running++;
      await sleep(30);
      running--;
    });
    await using store = await openStore(place, { runner: simulate });
    const sweep = store.sweep(points(50));
    for await (const outcome of sweep) if (outcome.params.n === 2) break;
    expect(running).toBe(0);
    expect(executed.length).toBeLessThan(10);
    const { finished, cancelled, queued } = sweep.progress();
    expect([finished, cancelled, queued]).toEqual([executed.length, 50 - executed.length, 0]);
    const [[rows]] = (await place.sql('SELECT count(*) FROM results')) as [[unknown]];
    expect(Number(rows)).toBe(executed.length);
  });

  it('[S10] an error thrown in the loop leaves it in the same way', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation(() => sleep(10));
    await using store = await openStore(place, { runner: simulate });
    const sweep = store.sweep(points(50));
    const loop = async () => {
      for await (const _ of sweep) throw new Error('enough');
    };
    expect((await errorOf(loop())).message).toBe('enough');
    expect(executed.length).toBeLessThan(10);
    expect(sweep.progress()).toMatchObject({ queued: 0, running: 0 });
  });

  it('[S10] cancelled points are outcomes too', async () => {
    const place = await db.fresh();
    await using store = await openStore(place, { runner: makeSimulation(() => sleep(5)).simulate });
    const sweep = store.sweep(points(40));
    const statuses = new Map<string, number>();
    for await (const outcome of sweep) {
      statuses.set(outcome.status, (statuses.get(outcome.status) ?? 0) + 1);
      if (outcome.params.n === 1) void sweep.cancel();
      if (outcome.status === 'cancelled') expect(outcome.record).toBeUndefined();
    }
    expect((statuses.get('finished') ?? 0) + (statuses.get('cancelled') ?? 0)).toBe(40);
    expect(statuses.get('cancelled')).toBeGreaterThan(20);
  });

  it('[S10] a loop over a sweep with a wrong point throws it', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    expect(await errorOf(collect(store.sweep([{ n: 1, steps: 1, dt: Number.NaN }])))).toBeInstanceOf(
      InvalidParamsError,
    );
  });

  it('[S10] a loop that is far behind reads its outcomes again from the store', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    await insertRows(place, 4500);
    const sweep = store.sweep(points(4500));
    await until(() => sweep.progress().cached === 4500);
    const seen = new Map<number, SweepOutcome<SimFull>>();
    for await (const outcome of sweep) seen.set(outcome.params.n, outcome);
    expect(seen.size).toBe(4500);
    const first = seen.get(0);
    expect(first?.record).toEqual(await store.retrieve({ n: 0, steps: 1, dt: 1 }));
    expect(first).toMatchObject({ status: 'cached', params: { n: 0, steps: 1, dt: 1, method: 'rk4' } });
  });
}

/** Rows as Python entropic writes them, by SQL of the test's own: quicker than running so many. */
async function insertRows(place: Place, count: number): Promise<void> {
  const shared = join(place.resultsDir, '.shared');
  writeFileSync(shared, 'shared');
  const values = points(count).map(({ n }) => {
    const id = createHash('sha256').update(`{"dt":1.0,"n":${n},"steps":1}`).digest('hex').slice(0, 16);
    linkSync(shared, join(place.resultsDir, `${id}.npy`));
    return `('${id}', 'results/${id}.npy', '2026-01-02 03:04:05.678901', '{}', ${n}, 1, 1.0, 'rk4')`;
  });
  const columns = 'id, result_file, created_at, custom_data, n, steps, dt, method';
  await place.sql(`INSERT INTO results (${columns}) VALUES ${values.join(', ')}`);
}
