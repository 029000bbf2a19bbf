// What a sweep would do, without doing it: every point in exactly one class, and a forecast from past runs. Changes nothing. Called
// by the façade's Store.plan.
import { InvalidParamsError } from '@entropic/core';
import type { Engine, Point } from '@entropic/core/internal';
import { PointIndex } from './point-index.js';
import { toSource } from './source.js';

/** What a sweep of these points would find. Each point is counted once; all but `total` and the forecast add up to `total`. */
export interface SweepPlan {
  total: number;
  /** Have a whole result. */
  hits: number;
  /** Would run, and never failed last. */
  misses: number;
  /** Would run again: their last attempt failed. */
  failedBefore: number;
  /** Second and later places of a point. */
  duplicates: number;
  /** Not accepted by the model; a sweep of them is refused. */
  invalid: number;
  /** What is wrong with the first invalid point. */
  firstInvalid?: string;
  /** Seconds that the runs would take one after the other, from the mean of past runs; absent without past runs. */
  etaSeconds?: number;
  /** Bytes that their results would take, likewise. */
  bytes?: number;
}

const CHUNK = 1000;

export async function planSweep(engine: Engine, source: unknown): Promise<SweepPlan> {
  const plan: SweepPlan = { total: 0, hits: 0, misses: 0, failedBefore: 0, duplicates: 0, invalid: 0 };
  const index = new PointIndex();
  const resolve = (params: unknown): Point | undefined => {
    try {
      return engine.resolve(params);
    } catch (error) {
      if (!(error instanceof InvalidParamsError)) throw error;
      plan.firstInvalid ??= error.message;
      return undefined;
    }
  };
  const never = new AbortController().signal;
  for await (const points of toSource(source).chunks(resolve, CHUNK, never)) {
    plan.total += points.length;
    const fresh = points.filter((point): point is Point => point !== undefined);
    plan.invalid += points.length - fresh.length;
    const distinct = fresh.filter((point) => index.add(point.id).isNew);
    plan.duplicates += fresh.length - distinct.length;
    const answers = await engine.find(distinct);
    const misses = distinct.filter((_, i) => answers[i]?.kind !== 'hit');
    plan.hits += distinct.length - misses.length;
    const failed = misses.length > 0 ? (await engine.failedBefore(misses)).size : 0;
    plan.failedBefore += failed;
    plan.misses += misses.length - failed;
  }
  const past = await engine.pastRuns();
  const runs = plan.misses + plan.failedBefore;
  if (past) Object.assign(plan, { etaSeconds: runs * past.seconds, bytes: Math.round(runs * past.bytes) });
  return plan;
}
