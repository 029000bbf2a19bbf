// The contract of asking before running: plan and explain, which change nothing.
import { rm } from 'node:fs/promises';
import { defineResult, float, int, json, Store } from 'entropic';
import { expect, it } from 'vitest';
import type { TestDatabase } from '../../helpers/databases.js';
import { collect, errorOf, makeSimulation, openStore, POINT } from './kit.js';

const point = (n: number) => ({ ...POINT, n });

export function planning(db: TestDatabase): void {
  it('[Q2] a plan counts every point in exactly one class, and nothing runs', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation(({ n }) => {
      if (n === 3) throw new Error('diverged');
    });
    await using store = await openStore(place, { runner: simulate });
    await errorOf(store.sweep([point(1), point(2), point(3)]));
    await rm((await store.retrieve(point(2)))?.resultFile as string);
    const runs = executed.length;
    const rows = await place.sql('SELECT id, attempt, outcome FROM entropic_attempts ORDER BY id, attempt');
    const wrong = { ...POINT, n: 'x' } as unknown as typeof POINT;
    const plan = await store.plan([point(1), point(2), point(3), point(4), point(4), wrong]);
    expect(plan).toMatchObject({ total: 6, hits: 1, misses: 2, failedBefore: 1, duplicates: 1, invalid: 1 });
    expect(plan.firstInvalid).toMatch(/params\.n/);
    expect(plan.etaSeconds).toBeGreaterThan(0);
    expect(plan.bytes).toBeGreaterThan(0);
    expect(executed).toHaveLength(runs);
    expect(await place.sql('SELECT id, attempt, outcome FROM entropic_attempts ORDER BY id, attempt')).toEqual(rows);
    // What the plan says is what the sweep does.
    const outcomes = await collect(store.sweep([point(1), point(2), point(3), point(4), point(4)]));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['cached', 'failed', 'finished', 'finished']);
  });

  it('[Q2] a plan of an empty store has no forecast; grids and generators are planned as they are swept', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    expect(await store.plan({ n: [1, 2], steps: [1], dt: [0.1, 0.2] })).toEqual({
      ...{ total: 4, hits: 0, misses: 4, failedBefore: 0, duplicates: 0, invalid: 0 },
    });
    const generator = (function* () {
      for (let n = 0; n < 1200; n++) yield point(n);
    })();
    expect(await store.plan(generator)).toMatchObject({ total: 1200, misses: 1200 });
  });

  it('[Q3] explain says why, and which stored point is nearest', async () => {
    const place = await db.fresh();
    const model = defineResult('results', { n: int(), dt: float(), mesh: json({ nullable: true, default: null }) });
    const { simulate } = makeSimulation(({ n }) => {
      if (n === 3) throw new Error('diverged');
    });
    const runner = simulate as never;
    const { dbUrl, resultsDir } = place;
    await using store = await Store.open({ model, runner, dbUrl, resultsDir });
    expect(await store.explain({ n: 1, dt: 0.5 })).toEqual({ outcome: 'miss', reason: 'never run' });
    const { id, resultFile } = await store.runOrRetrieve({ n: 1, dt: 0.5 });
    await store.runOrRetrieve({ n: 7, dt: 7.5, mesh: { cells: [1, 2] } });
    expect(await store.explain({ n: 1, dt: 0.5 })).toEqual({ outcome: 'hit', reason: `its result is ${resultFile}` });
    expect(await store.explain({ n: 1, dt: 0.25 })).toEqual({
      outcome: 'miss',
      reason: 'never run',
      nearest: { id, differs: ['dt'] },
    });
    expect((await store.explain({ n: 7, dt: 7.5, mesh: { cells: [1, 3] } })).nearest?.differs).toEqual(['mesh']);
    await errorOf(store.runOrRetrieve({ n: 3, dt: 0.5 }));
    expect((await store.explain({ n: 3, dt: 0.5 })).reason).toMatch(/attempt 1 failed \(exception\): diverged/);
    await rm(resultFile);
    expect(await store.explain({ n: 1, dt: 0.5 })).toMatchObject({
      outcome: 'miss',
      reason: 'its result file is missing',
    });
  });
}
