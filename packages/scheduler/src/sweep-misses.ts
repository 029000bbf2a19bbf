// The misses of a sweep, from the look-up to their outcomes: tells dispatch.ts what happens and does what it says, claims, runs,
// looks after what others run. No decision is made here. Made by sweep.ts.
import { setMaxListeners } from 'node:events';
import type { RunFailedError } from '@entropic/core';
import { abortError, type Claim, type Held, type Point } from '@entropic/core/internal';
import { Dispatch } from './dispatch.js';
import type { DispatchCommand, DispatchEvent } from './dispatch-messages.js';
import { MAX_TIMER } from './executors/run-context.js';
import { complete, fail, findHits, type SweepRun, turn } from './sweep-steps.js';
import { Wakeup } from './wakeup.js';

/** Misses that wait before the look-up pauses: a million points are not in memory at once. */
const BACKLOG = 2000;

export class MissRunner {
  /** Resolves when every miss has its outcome; rejects for what made that impossible. */
  readonly done: Promise<void>;
  readonly #sweep: SweepRun;
  readonly #dispatch: Dispatch<Point>;
  readonly #claims = new Map<string, Claim>();
  /** Of points that failed, until it is said what becomes of them. */
  readonly #errors = new Map<string, RunFailedError>();
  /** What happens while commands are carried out: whoever listens to events may cancel the sweep in that very moment. */
  readonly #inbox: DispatchEvent<Point>[] = [];
  #isTelling = false;
  readonly #changed = new Wakeup();
  readonly #abort = new AbortController();
  readonly #releasing: Promise<void>[] = [];
  #timer: NodeJS.Timeout | undefined;
  #timerAt: number | undefined;
  #failuresTold = 0;
  #trouble: { error: unknown } | undefined;
  #end!: () => void;

  constructor(sweep: SweepRun) {
    const { options, executor, stop, cancel } = sweep;
    this.#sweep = sweep;
    const { concurrency: slots, maxFailures, retries } = options;
    this.#dispatch = new Dispatch(
      { slots, batches: isBatched(sweep), maxFailures, inline: executor?.inline ?? false },
      retries,
    );
    const ended = new Promise<void>((resolve) => {
      this.#end = resolve;
    });
    this.done = ended.then(() => this.#finish());
    // One listener for each run of this sweep that asked for its signal.
    setMaxListeners(0, this.#abort.signal);
    onAbort(stop.signal, () => this.#tell({ type: 'drain' }));
    onAbort(cancel, () => this.#tell({ type: 'cancel' }));
  }

  /** Resolves when there is room again, or the sweep is stopped. */
  async push(points: readonly Point[], priorities: readonly number[]): Promise<void> {
    this.#tell({ type: 'queued', points, priorities });
    while (this.#dispatch.backlog > BACKLOG) await this.#changed.wait();
  }

  /** Nothing will be pushed any more. */
  endOfSource(): void {
    this.#tell({ type: 'ended' });
  }

  #tell(event: DispatchEvent<Point>): void {
    const { engine, ledger } = this.#sweep;
    this.#inbox.push(event);
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (let next = this.#inbox.shift(); next; next = this.#inbox.shift()) {
      if (ledger.failures.length > this.#failuresTold) {
        this.#failuresTold = ledger.failures.length;
        this.#step({ type: 'failures', count: this.#failuresTold });
      }
      this.#step(next);
    }
    this.#isTelling = false;
    this.#sweep.running = this.#dispatch.running;
    this.#setTimer(engine.seams.clock.elapsed());
    this.#changed.notify();
  }

  #step(event: DispatchEvent<Point>): void {
    for (const command of this.#dispatch.step(event, this.#sweep.engine.seams.clock.elapsed())) this.#perform(command);
  }

  #perform(command: DispatchCommand<Point>): void {
    if (command.do === 'start') void this.#run(command.point, command);
    else if (command.do === 'claim') void this.#claim(command.points);
    else if (command.do === 'scout') void this.#scout(command.points);
    else if (command.do === 'revisit') void this.#revisit(command.points);
    else if (command.do === 'retry') this.#retry(command.point, command.seconds);
    else if (command.do === 'fail') this.#fail(command.point, command.quarantined);
    else if (command.do === 'drop') this.#drop(command.points, command.claimed);
    else if (command.do === 'stop') this.#sweep.stop.abort(this.#whyStopped(command.why));
    else if (command.do === 'abort') this.#abort.abort(this.#sweep.cancel.reason);
    else this.#end();
  }

  async #run(point: Point, { priority, memoryFactor }: { priority: number; memoryFactor: number }): Promise<void> {
    const { engine, options, executor } = this.#sweep;
    const { userData, timeout, memoryLimit } = options;
    const { signal } = this.#abort;
    const claim = this.#claims.get(point.id) as Claim;
    this.#claims.delete(point.id);
    const drain = this.#sweep.stop.signal;
    const request = { userData, signal, drain, timeout, memoryLimit, memoryFactor, priority, runner: executor };
    const running = engine.run(claim, request);
    const seconds = await running.executed;
    // A function that never waits would leave the commits, and the look-up, no turn.
    if (executor?.inline) await turn();
    this.#tell({ type: 'executed', point, seconds });
    const result = await running.result;
    if (result.status === 'failed') {
      this.#errors.set(point.id, result.error);
      return this.#tell({ type: 'failed', point, reason: result.error.reason, random: Math.random() });
    }
    if (result.status === 'finished') complete(this.#sweep, point, 'finished', { record: result.record });
    this.#tell({ type: 'settled', point, how: result.status });
  }

  async #claim(points: readonly Point[]): Promise<void> {
    const { engine, options } = this.#sweep;
    let claimed: readonly Claim[] = [];
    let others: readonly Held[] = [];
    try {
      const { hits, errors, held, claims } = await engine.claim(points, options.force);
      for (const { point, record } of hits) {
        engine.announceHit(record);
        complete(this.#sweep, point, 'cached', { record });
      }
      for (const { point, error } of errors) fail(this.#sweep, point, error);
      claimed = claims;
      others = held;
    } catch (error) {
      // The store cannot take it (full, locked): each point says so, and the sweep goes on to its end.
      for (const point of points) fail(this.#sweep, point, error);
    }
    for (const claim of claimed) this.#claims.set(claim.point.id, claim);
    this.#tell({ type: 'claimed', claims: claimed.map(pointOf), ...this.#watch(others) });
  }

  /**
   * Somebody else is at the same grid, and ahead: what they are running or have run is passed over in two looks. Claim by claim
   * this sweep would stay behind them to the end and run nothing.
   */
  async #scout(points: readonly Point[]): Promise<void> {
    const { engine, options } = this.#sweep;
    let free = [...points];
    let others: readonly Held[] = [];
    try {
      others = await engine.held(free);
      const ids = new Set(others.map(({ point }) => point.id));
      free = free.filter((point) => !ids.has(point.id));
      // After that look: a look-up would wait for whoever is replacing a result just now.
      if (!options.force) free = await findHits(this.#sweep, free);
    } catch (error) {
      this.#break(error);
    }
    this.#tell({ type: 'scouted', free, ...this.#watch(others) });
  }

  /** What others ran: finished meanwhile, or to be claimed. */
  async #revisit(points: readonly Point[]): Promise<void> {
    let wanted = [...points];
    try {
      if (!this.#sweep.options.force) wanted = await findHits(this.#sweep, wanted);
    } catch (error) {
      this.#break(error);
    }
    this.#tell({ type: 'revisited', wanted });
  }

  /** What this process runs tells when it is over; what others run has to be looked at. */
  #watch(others: readonly Held[]): { held: Point[]; local: Point[] } {
    const local: Point[] = [];
    const held: Point[] = [];
    for (const { point, settled } of others) {
      (settled ? local : held).push(point);
      void settled?.then(() => this.#tell({ type: 'freed', point }));
    }
    return { held, local };
  }

  #retry({ id }: Point, inSeconds: number): void {
    const { attempts: attempt, reason } = this.#takeError(id);
    this.#sweep.engine.events.emit({ type: 'run.retried', id, attempt, reason, inSeconds });
  }

  #fail(point: Point, quarantined: number): void {
    const { id } = point;
    const error = this.#takeError(id);
    const { reason } = error;
    if (quarantined > 0) {
      this.#sweep.engine.events.emit({ type: 'run.quarantined', id, reason, deaths: quarantined });
    }
    complete(this.#sweep, point, 'failed', { error });
  }

  #takeError(id: string): RunFailedError {
    const error = this.#errors.get(id) as RunFailedError;
    this.#errors.delete(id);
    return error;
  }

  #drop(points: readonly Point[], claimed: readonly Point[]): void {
    const claims = claimed.map(({ id }) => this.#claims.get(id) as Claim);
    for (const { id } of claimed) this.#claims.delete(id);
    // What cannot be released now goes with the store.
    if (claims.length > 0) this.#releasing.push(this.#sweep.engine.release(claims).catch(() => {}));
    for (const point of points) complete(this.#sweep, point, 'cancelled');
  }

  #whyStopped(why: 'failures' | 'closed'): DOMException {
    if (why === 'closed') return abortError('the client was closed in the middle of the sweep');
    return abortError(`the sweep ended after ${this.#sweep.ledger.failures.length} failures (maxFailures)`);
  }

  /** The store does not answer any more: the sweep ends, and says why. */
  #break(error: unknown): void {
    this.#trouble ??= { error };
    this.#sweep.stop.abort(error);
  }

  #setTimer(now: number): void {
    const at = this.#dispatch.wakeAt;
    if (at === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    if (at === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = undefined;
        this.#tell({ type: 'tick' });
      },
      Math.min(Math.max(0, Math.ceil((at - now) * 1000)), MAX_TIMER),
    );
  }

  async #finish(): Promise<void> {
    await Promise.all(this.#releasing);
    if (this.#trouble) throw this.#trouble.error;
  }
}

/** Whatever needs to know exactly what is in a slot has its runs started one by one. */
function isBatched({ executor, options }: SweepRun): boolean {
  const { concurrency, maxFailures, timeout, memoryLimit } = options;
  const one = timeout !== undefined || memoryLimit !== undefined || maxFailures < Number.POSITIVE_INFINITY;
  return executor?.batches === true && concurrency >= executor.slots && !one;
}

/** At once, if it has aborted already. */
function onAbort(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
}

function pointOf({ point }: Claim): Point {
  return point;
}
