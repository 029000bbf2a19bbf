// START HERE. One sweep, from a source of points to outcomes: take points → find hits → claim misses → run → commit → complete.
// Two loops side by side: `intake` looks points up, `runMisses` runs what was not found. The handle that users hold is in
// sweep-handle.ts; one run's own way is core's engine.ts.
import { InvalidParamsError, RunFailedError } from '@entropic/core';
import { abortError, type Claim, describeParams, type Engine, type Held, type Point } from '@entropic/core/internal';
import type { Executor } from './executor.js';
import type { Ledger } from './ledger.js';
import { MissQueue } from './miss-queue.js';
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
  /** Aborts when the sweep is to end early: by the user, by `maxFailures`, or because the store closes. */
  stop: AbortController;
  /** Aborts what runs; `stop` alone lets it finish. */
  abort: AbortSignal;
  running: number;
}

/** Points looked up at once: one statement and 500 file stats, a few milliseconds. */
const CHUNK = 500;
/** Most results that wait for their commit before the next run starts. */
const MAX_UNCOMMITTED = 256;
/** A claimed point is locked for everybody else: claims are so many as run in about this time, doubling from one. */
const CLAIM_SECONDS = 0.02;
const MAX_CLAIM = 64;
/** Points looked through at once for free ones, where somebody else is at the same grid. */
const LOOK_AHEAD = 256;
/** After a run of this length its commit is waited for: a function that computes leaves the event loop no time for it. */
const LONG_SECONDS = 0.05;
/** How often points that another process runs are looked at: first and at most, in milliseconds. */
const POLL_MS = [25, 250] as const;

/** Resolves when every point has its outcome. Rejects only for what makes the whole sweep impossible. */
export async function runSweep(sweep: SweepRun): Promise<void> {
  const { engine, source, ledger } = sweep;
  source.check((params) => engine.resolve(params));
  engine.events.emit({ type: 'sweep.started', sweep: sweep.id, total: source.count });
  const misses = new MissQueue<Point>();
  const results = await Promise.allSettled([intake(sweep, misses), runMisses(sweep, misses)]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  engine.events.emit({ type: 'sweep.finished', sweep: sweep.id, ...ledger.counts });
}

/** Points → hits, which are complete, and misses, which wait. */
async function intake(sweep: SweepRun, misses: MissQueue<Point>): Promise<void> {
  const { engine, ledger, options, stop } = sweep;
  try {
    for await (const points of sweep.source.chunks((params) => engine.resolve(params), CHUNK, stop.signal)) {
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
        continue;
      }
      const wanted = options.force ? fresh : await findHits(sweep, fresh);
      if (wanted.length > 0) sweep.assertRunnable();
      await misses.push(
        options.retryFailed || wanted.length === 0 ? wanted : await leaveFailed(sweep, wanted),
        stop.signal,
      );
      // The reader of the outcomes, and the runs, have their turn between two chunks.
      await turn();
    }
  } catch (error) {
    // Nothing more comes; what was found before still runs.
    if (!(error instanceof InvalidParamsError)) stop.abort(error);
    throw error;
  } finally {
    misses.end();
  }
}

/** @returns the misses */
async function findHits(sweep: SweepRun, points: Point[]): Promise<Point[]> {
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

/** `retryFailed: false`: points that failed before are reported as they were, unless another try may end otherwise. */
async function leaveFailed(sweep: SweepRun, points: Point[]): Promise<Point[]> {
  const failures = await sweep.engine.rememberedFailures(points, sweep.executor);
  return points.filter((point) => {
    const error = failures.get(point.id);
    if (error) complete(sweep, point, 'failed', { error });
    return error === undefined;
  });
}

/** Claims misses in groups, runs them in the slots there are, and waits for those that others run. */
async function runMisses(sweep: SweepRun, misses: MissQueue<Point>): Promise<void> {
  const { engine, options, stop } = sweep;
  let claims: Claim[] = [];
  let held: Held[] = [];
  let claimSize = 1;
  let crowded = false;
  const busy = new Set<Promise<unknown>>();
  const uncommitted = new Set<Promise<unknown>>();
  const retries = new Map<string, number>();

  const begin = (claim: Claim): void => {
    sweep.running++;
    const { userData, timeout } = options;
    const running = engine.run(claim, { userData, signal: sweep.abort, timeout, runner: sweep.executor });
    const slot = running.executed.then(async (seconds) => {
      claimSize = Math.min(MAX_CLAIM, claimSize * 2, Math.max(1, Math.floor(CLAIM_SECONDS / Math.max(seconds, 1e-6))));
      if (sweep.executor?.inline && seconds > LONG_SECONDS) await running.result;
      sweep.running--;
      busy.delete(slot);
    });
    busy.add(slot);
    const commit = running.result.then((result) => {
      uncommitted.delete(commit);
      if (result.status === 'finished') complete(sweep, claim.point, 'finished', { record: result.record });
      else if (result.status === 'cancelled') complete(sweep, claim.point, 'cancelled');
      else if (result.status === 'stale') held.push({ point: claim.point, owner: '' });
      else if ((retries.get(claim.point.id) ?? 0) < options.retries && !stop.signal.aborted) {
        retries.set(claim.point.id, (retries.get(claim.point.id) ?? 0) + 1);
        held.push({ point: claim.point, owner: '' });
      } else complete(sweep, claim.point, 'failed', { error: result.error });
    });
    uncommitted.add(commit);
  };

  const claim = async (points: Point[]): Promise<void> => {
    try {
      const result = await engine.claim(points, options.force);
      for (const { point, record } of result.hits) {
        engine.announceHit(record);
        complete(sweep, point, 'cached', { record });
      }
      for (const { point, error } of result.errors) fail(sweep, point, error);
      held.push(...result.held);
      claims = result.claims;
      crowded = claims.length === 0;
    } catch (error) {
      // The store cannot take it (full, locked): each point says so, and the sweep ends.
      for (const point of points) fail(sweep, point, error);
    }
  };

  /**
   * Somebody else is at the same grid, and ahead: what they are running or have run is passed over in two looks. Claim by claim
   * this sweep would stay behind them to the end and run nothing.
   */
  const passOver = async (): Promise<void> => {
    crowded = false;
    const window = misses.take(LOOK_AHEAD);
    const taken = await engine.held(window);
    held.push(...taken);
    const ids = new Set(taken.map(({ point }) => point.id));
    // After that look: a look-up would wait for whoever is replacing a result just now.
    const free = window.filter((point) => !ids.has(point.id));
    misses.putBack(options.force ? free : await findHits(sweep, free));
  };

  let poll: number = POLL_MS[0];
  for (;;) {
    if (stop.signal.aborted) break;
    if (busy.size >= options.concurrency) {
      await Promise.race(busy);
      // A function that never waits would leave the commits no turn.
      await turn();
    } else if (uncommitted.size >= MAX_UNCOMMITTED) await Promise.race(uncommitted);
    else if (claims.length > 0) begin(claims.shift() as Claim);
    else if (misses.length > 0) await (crowded ? passOver() : claim(misses.take(claimSize)));
    else if (held.length > 0) {
      await Promise.race([
        engine.untilChanged(held, poll, stop.signal),
        ...(misses.ended ? [] : [misses.untilMore(stop.signal)]),
      ]);
      if (stop.signal.aborted) break;
      const points = held.map(({ point }) => point);
      held = [];
      await claim(options.force ? points : await findHits(sweep, points));
      poll = claims.length > 0 ? POLL_MS[0] : Math.min(poll * 1.5, POLL_MS[1]);
    } else if (busy.size + uncommitted.size > 0 && misses.ended) await Promise.race([...busy, ...uncommitted]);
    else if (misses.ended) break;
    else await misses.untilMore(stop.signal);
  }
  await engine.release(claims);
  await Promise.allSettled([...busy, ...uncommitted]);
  // Ended early: what waits, with whoever it waits for, will not run here.
  const left = [...claims.map(({ point }) => point), ...held.map(({ point }) => point), ...(await misses.rest())];
  for (const point of left) complete(sweep, point, 'cancelled');
}

function complete(
  sweep: SweepRun,
  point: Point,
  status: 'cached' | 'finished' | 'failed' | 'cancelled',
  more: object = {},
): void {
  const { ledger, options, stop } = sweep;
  ledger.complete(ledger.indexOf(point.id), { status, id: point.id, params: point.params, ...more });
  if (status === 'failed' && ledger.failures.length >= options.maxFailures && !stop.signal.aborted) {
    stop.abort(abortError(`the sweep ended after ${ledger.failures.length} failures (maxFailures)`));
  }
}

/** A point that could not even be tried, or whose stored result is not its own. */
function fail(sweep: SweepRun, point: Point, cause: unknown): void {
  const message = `run ${point.id} of ${describeParams(point.params)} failed (store): ${cause instanceof Error ? cause.message : cause}`;
  const error = new RunFailedError(
    message,
    { id: point.id, params: point.params, reason: 'store', attempts: 0 },
    { cause },
  );
  complete(sweep, point, 'failed', { error });
}

/** Lets the event loop turn: commits go on, readers read. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
