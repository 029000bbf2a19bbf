// The steps that both loops of a sweep share, and what they work with. Called by sweep.ts and sweep-misses.ts.
import { RunFailedError } from '@entropic/core';
import { describeParams, type Engine, type Point } from '@entropic/core/internal';
import type { Executor } from './executor.js';
import type { Ledger, SweepStatus } from './ledger.js';
import type { PointSource } from './source.js';
import type { ResolvedSweepOptions } from './sweep-options.js';

/** Everything one sweep works with. */
export interface SweepRun {
  id: string;
  engine: Engine;
  /** The client's, or the store's own; undefined for a store without a runner. */
  executor: Executor | undefined;
  /** Throws if this store may not run a miss: read-only, or without a runner. */
  assertRunnable(): void;
  source: PointSource;
  options: ResolvedSweepOptions;
  ledger: Ledger;
  /** Aborts when the sweep is to end early: by the user, by `maxFailures`, or because the store or the client closes. */
  stop: AbortController;
  /** Aborts when the user wants what runs to be aborted too; `stop` alone lets it finish. */
  cancel: AbortSignal;
  running: number;
  /** The only reader of the outcomes has left. */
  abandoned: boolean;
}

/** Completes the hits. @returns the misses */
export async function findHits(sweep: SweepRun, points: Point[]): Promise<Point[]> {
  const answers = await sweep.engine.find(points);
  return points.filter((point, i) => {
    const answer = answers[i];
    if (answer?.kind === 'hit') {
      sweep.engine.announceHit(answer.record);
      complete(sweep, point, 'cached', { record: answer.record });
    } else if (answer?.kind === 'error') fail(sweep, point, answer.error);
    return answer?.kind === 'miss';
  });
}

export function complete(sweep: SweepRun, point: Point, status: SweepStatus, more: object = {}): void {
  const { ledger } = sweep;
  ledger.complete(ledger.indexOf(point.id), { status, id: point.id, params: point.params, ...more });
}

/** A point that could not even be tried, or whose stored result is not its own. */
export function fail(sweep: SweepRun, point: Point, cause: unknown): void {
  const message = `run ${point.id} of ${describeParams(point.params)} failed (store): ${cause instanceof Error ? cause.message : cause}`;
  const error = new RunFailedError(
    message,
    { id: point.id, params: point.params, reason: 'store', attempts: 0 },
    { cause },
  );
  complete(sweep, point, 'failed', { error });
}

/** Lets the event loop turn: commits go on, readers read. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
