// The misses of a sweep: claimed in groups, run in the slots there are, waited for where others run them. Called by sweep.ts.
import { abortError, type Claim, type Held, type Point, type RunResult } from '@entropic/core/internal';
import type { MissQueue } from './miss-queue.js';
import { complete, fail, findHits, type SweepRun, turn } from './sweep-steps.js';
import type { Wakeup } from './wakeup.js';

/** Most results that wait for their commit before the next run starts. */
const MAX_UNCOMMITTED = 256;
/** A claimed point is locked for everybody else: claims are so many as run in about this time, doubling from one. */
const CLAIM_SECONDS = 0.02;
const MAX_CLAIM = 256;
/** Runs shorter than this have the next claims ready before a slot is free. */
const SHORT_SECONDS = 0.5;
/** Points looked through at once for free ones, where somebody else is at the same grid. */
const LOOK_AHEAD = 256;
/** After a run of this length its commit is waited for: a function that computes leaves the event loop no time for it. */
const LONG_SECONDS = 0.05;
/** How often points that another process runs are looked at: first and at most, in milliseconds. */
const POLL_MS = [25, 250] as const;

export class MissRunner {
  readonly #sweep: SweepRun;
  readonly #misses: MissQueue<Point>;
  readonly #changed: Wakeup;
  #claims: Claim[] = [];
  /** Run by others, to be tried again, or taken from us: looked at again when there is nothing else. */
  #held: Held[] = [];
  #claimSize = 1;
  #seconds = 0;
  #poll: number = POLL_MS[0];
  /** The last claim got nothing. */
  #crowded = false;
  #busy = 0;
  #uncommitted = 0;
  readonly #retries = new Map<string, number>();

  constructor(sweep: SweepRun, misses: MissQueue<Point>, changed: Wakeup) {
    this.#sweep = sweep;
    this.#misses = misses;
    this.#changed = changed;
  }

  /** Until every miss has its outcome, or the sweep is stopped and nothing runs any more. */
  async run(): Promise<void> {
    const { stop, engine } = this.#sweep;
    try {
      while (!stop.signal.aborted && (await this.#step()));
    } catch (error) {
      stop.abort(error);
      throw error;
    } finally {
      // What cannot be released now goes with the store.
      await engine.release(this.#claims).catch(() => {});
      while (this.#busy + this.#uncommitted > 0) await this.#changed.wait();
      // Stopped early: what waits, with whoever it waits for, will not run here.
      const left = [...this.#claims, ...this.#held].map(({ point }) => point);
      for (const point of [...left, ...(await this.#misses.rest())]) complete(this.#sweep, point, 'cancelled');
    }
  }

  /** @returns whether there is more to do */
  async #step(): Promise<boolean> {
    const { options, executor } = this.#sweep;
    const misses = this.#misses;
    if (this.#busy >= options.concurrency || this.#uncommitted >= MAX_UNCOMMITTED) {
      if (this.#claims.length === 0 && misses.length > 0 && this.#seconds < SHORT_SECONDS && !executor?.inline) {
        await this.#claimNext();
        return true;
      }
      await this.#changed.wait();
      // A function that never waits would leave the commits no turn.
      if (executor?.inline) await turn();
    } else if (this.#claims.length > 0) this.#begin(this.#claims.shift() as Claim);
    else if (misses.length > 0) await this.#claimNext();
    else if (this.#held.length > 0) await this.#lookAgain();
    else if (misses.ended && this.#busy + this.#uncommitted === 0) return false;
    else await this.#changed.wait();
    return true;
  }

  #begin(claim: Claim): void {
    const { engine, options, executor, abort } = this.#sweep;
    const { userData, timeout, memoryLimit } = options;
    const running = engine.run(claim, { userData, signal: abort, timeout, memoryLimit, runner: executor });
    this.#busy++;
    this.#uncommitted++;
    this.#sweep.running++;
    void running.executed.then(async (seconds) => {
      this.#seconds = seconds;
      const inTime = Math.max(1, Math.floor(CLAIM_SECONDS / Math.max(seconds, 1e-6)));
      this.#claimSize = Math.min(MAX_CLAIM, this.#claimSize * 2, inTime);
      // Which failure was the last that is allowed is known only when it is told.
      const counted = options.maxFailures < Number.POSITIVE_INFINITY;
      if (counted || (executor?.inline && seconds > LONG_SECONDS)) await running.result;
      this.#busy--;
      this.#sweep.running--;
      this.#changed.notify();
    });
    void running.result.then((result) => {
      this.#settle(claim.point, result);
      this.#uncommitted--;
      this.#changed.notify();
    });
  }

  #settle(point: Point, result: RunResult): void {
    const sweep = this.#sweep;
    if (result.status === 'finished') complete(sweep, point, 'finished', { record: result.record });
    else if (result.status === 'cancelled') {
      complete(sweep, point, 'cancelled');
      // Nobody stopped this sweep: its client was closed, and takes nothing any more. A generator may have no end.
      if (!sweep.stop.signal.aborted) sweep.stop.abort(abortError('the client was closed in the middle of the sweep'));
    } else if (result.status === 'stale' || this.#mayRetry(point)) this.#held.push({ point, owner: '' });
    else complete(sweep, point, 'failed', { error: result.error });
  }

  #mayRetry(point: Point): boolean {
    const { options, stop } = this.#sweep;
    const tried = this.#retries.get(point.id) ?? 0;
    if (tried >= options.retries || stop.signal.aborted) return false;
    this.#retries.set(point.id, tried + 1);
    return true;
  }

  async #claimNext(): Promise<void> {
    if (this.#crowded) await this.#passOver();
    else {
      // As many as start at once, or more where they are short.
      const free = this.#sweep.options.concurrency - this.#busy;
      await this.#claim(this.#misses.take(Math.max(this.#claimSize, Math.min(free, MAX_CLAIM))));
    }
  }

  async #claim(points: Point[]): Promise<void> {
    const { engine, options } = this.#sweep;
    try {
      const { hits, errors, held, claims } = await engine.claim(points, options.force);
      for (const { point, record } of hits) {
        engine.announceHit(record);
        complete(this.#sweep, point, 'cached', { record });
      }
      for (const { point, error } of errors) fail(this.#sweep, point, error);
      this.#held.push(...held);
      this.#claims = claims;
      this.#crowded = claims.length === 0;
    } catch (error) {
      // The store cannot take it (full, locked): each point says so, and the sweep goes on to its end.
      for (const point of points) fail(this.#sweep, point, error);
    }
  }

  /**
   * Somebody else is at the same grid, and ahead: what they are running or have run is passed over in two looks. Claim by claim
   * this sweep would stay behind them to the end and run nothing.
   */
  async #passOver(): Promise<void> {
    const { engine, options } = this.#sweep;
    this.#crowded = false;
    let left = this.#misses.take(LOOK_AHEAD);
    try {
      const taken = await engine.held(left);
      this.#held.push(...taken);
      const ids = new Set(taken.map(({ point }) => point.id));
      left = left.filter((point) => !ids.has(point.id));
      // After that look: a look-up would wait for whoever is replacing a result just now.
      if (!options.force) left = await findHits(this.#sweep, left);
    } finally {
      this.#misses.putBack(left);
    }
  }

  /** What others run: finished meanwhile, free again, or still to be waited for. */
  async #lookAgain(): Promise<void> {
    const { engine, options, stop } = this.#sweep;
    // Woken early by news of our own runs, so that a free slot does not wait for somebody else's.
    await Promise.race([engine.untilChanged(this.#held, this.#poll, stop.signal), this.#changed.wait()]);
    if (stop.signal.aborted) return;
    const points = this.#held.map(({ point }) => point);
    const wanted = options.force ? points : await findHits(this.#sweep, points);
    // Not before: a look-up that throws leaves them to the end of the sweep. Behind them is what came meanwhile.
    this.#held = this.#held.slice(points.length);
    if (wanted.length > 0) await this.#claim(wanted);
    this.#poll = this.#claims.length > 0 ? POLL_MS[0] : Math.min(this.#poll * 1.5, POLL_MS[1]);
  }
}
