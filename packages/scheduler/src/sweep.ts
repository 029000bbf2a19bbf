// START HERE. One sweep, from a source of points to outcomes: take points → find hits → claim misses → run → commit → complete.
// Two sides: `intake` looks points up, `MissRunner` (sweep-misses.ts) runs what was not found, in the order and as often as dispatch.ts
// decides. The handle that users hold is in sweep-handle.ts; one run's own way is core's engine.ts.
import { InvalidParamsError } from '@entropic/core';
import type { Point } from '@entropic/core/internal';
import { MissRunner } from './sweep-misses.js';
import { complete, findHits, type SweepRun, turn } from './sweep-steps.js';

/** Points looked up at once: one statement and 500 file stats, a few milliseconds. */
const CHUNK = 500;

/** Resolves when every point has its outcome. Rejects only for what makes the whole sweep impossible. */
export async function runSweep(sweep: SweepRun): Promise<void> {
  const { engine, source, ledger } = sweep;
  const resolve = (params: unknown) => engine.resolve(params);
  source.check(resolve);
  engine.events.emit({ type: 'sweep.started', sweep: sweep.id, total: source.count });
  const misses = new MissRunner(sweep);
  const results = await Promise.allSettled([intake(sweep, misses, resolve), misses.done]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  engine.events.emit({ type: 'sweep.finished', sweep: sweep.id, ...ledger.counts });
}

/** Points → hits, which are complete, and misses, which wait. */
async function intake(sweep: SweepRun, misses: MissRunner, resolve: (params: unknown) => Point): Promise<void> {
  const { ledger, options, stop } = sweep;
  let unsorted: Point[] = [];
  try {
    for await (const points of sweep.source.chunks(resolve, CHUNK, stop.signal)) {
      const fresh: Point[] = [];
      for (const point of points) {
        const index = ledger.place(point);
        if (index === undefined) continue;
        if (stop.signal.aborted) complete(sweep, point, 'cancelled');
        else fresh.push(point);
      }
      if (stop.signal.aborted) {
        for (const point of fresh) complete(sweep, point, 'cancelled');
        // A generator is not read to its end for points that nobody will run.
        if (sweep.source.at === undefined) break;
        if (sweep.abandoned) {
          ledger.counts.cancelled += (sweep.source.count ?? 0) - ledger.placeCount;
          break;
        }
        // What runs is to be aborted and committed beside a million points that are cancelled.
        await turn();
        continue;
      }
      unsorted = fresh;
      if (!options.force) unsorted = await findHits(sweep, unsorted);
      if (unsorted.length > 0) sweep.assertRunnable();
      if (!options.retryFailed && unsorted.length > 0) unsorted = await leaveFailed(sweep, unsorted);
      const priorities = unsorted.map((point) => options.priorityOf(point.params));
      const wanted = unsorted;
      unsorted = [];
      await misses.push(wanted, priorities);
      // The reader of the outcomes, and the runs, have their turn between two chunks.
      await turn();
    }
  } catch (error) {
    // Nothing more comes; what was found before still runs.
    if (!(error instanceof InvalidParamsError)) stop.abort(error);
    for (const point of unsorted) complete(sweep, point, 'cancelled');
    throw error;
  } finally {
    misses.endOfSource();
  }
}

/** `retryFailed: false`: points that failed before are reported as they were, unless another try may end otherwise. */
async function leaveFailed(sweep: SweepRun, points: Point[]): Promise<Point[]> {
  const failures = await sweep.engine.rememberedFailures(points, sweep.executor);
  return points.filter((point) => {
    const error = failures.get(point.id);
    if (error) complete(sweep, point, 'failed', { error });
    return error === undefined;
  });
}
