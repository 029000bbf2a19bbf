// A piece of work on its way through a pool: queued, in a slot, over. Kept small: a million may wait. Extended by whoever wants its
// answer; moved along by pool.ts.
import type { Isolation } from '@entropic/core';
import type { Task, TaskListener } from '@entropic/core/internal';
import type { Batch } from './batch.js';
import type { SlotCode, SlotResult, SlotWork } from './slot-work.js';
import type { WorkEnded } from './slots.js';

/** How it is to be run; calls of one `map` share it. */
export interface FlightKind {
  /** Seconds from the start of the run. */
  readonly timeout?: number | undefined;
  /** @defaultValue the pool's; 'process' with a memory limit */
  readonly isolation?: Isolation | undefined;
  /** Bytes. */
  readonly memoryLimit?: number | undefined;
  /** Of what waits the larger goes first. @defaultValue 0 */
  readonly priority?: number | undefined;
}

export abstract class Flight {
  state: 'new' | 'queued' | 'running' | 'over' = 'new';
  /** Of its slot's work; 0 before. */
  key = 0;
  /** Why it was asked to stop, while it runs. */
  ending: 'timeout' | 'aborted' | undefined;
  /** What it runs in together with others. */
  batch: Batch<Flight> | undefined;
  /** Ends its slot. */
  kill: AbortController | undefined;
  timer: NodeJS.Timeout | undefined;
  /** Not to be put into a batch again. */
  alone = false;

  abstract readonly code: SlotCode;
  abstract readonly kind: FlightKind;
  readonly listener?: TaskListener | undefined;

  /** What a call is made of, so that it can travel with others; undefined for a task. */
  get call(): { readonly name: string; readonly params: unknown } | undefined {
    return undefined;
  }

  /** The same of a task. */
  get task(): Task | undefined {
    return undefined;
  }

  /** Takes a free slot for a run that the pool does not run itself; undefined for all others. */
  readonly seat: ((giveBack: () => void) => void) | undefined;

  /** What its slot is sent. */
  abstract work(key: number): SlotWork;
  /** A slot took it; of a batch of calls only the first is told. */
  started(): void {}
  /** Exactly one of `answered` and `ended` is called, once. */
  protected abstract answered(result: SlotResult): void;
  /** There is no answer. */
  protected abstract ended(why: WorkEnded): void;

  take(key: number, kill: AbortController, batch?: Batch<Flight>): void {
    this.state = 'running';
    this.key = key;
    this.kill = kill;
    this.batch = batch;
  }

  putBack(): void {
    this.state = 'queued';
    this.kill = undefined;
    this.batch = undefined;
  }

  answer(result: SlotResult): void {
    this.#leave();
    this.answered(result);
  }

  end(why: WorkEnded): void {
    this.#leave();
    this.ended(why);
  }

  #leave(): void {
    this.state = 'over';
    if (this.timer) clearTimeout(this.timer);
    this.batch = undefined;
    this.kill = undefined;
  }
}

/** Work without what the pool adds to it. */
export type TaskWork = Omit<SlotWork & { kind: 'task' }, 'key' | 'announce'>;

/** A task of a store, for whoever holds a promise of its answer. */
export class TaskFlight extends Flight {
  readonly code: SlotCode;
  readonly kind: FlightKind;
  override readonly listener: TaskListener | undefined;
  readonly #work: TaskWork;
  readonly #onStart: (() => void) | undefined;
  readonly #promise: { resolve(result: SlotResult): void; reject(why: WorkEnded): void; over(): void };

  constructor(
    work: TaskWork,
    options: FlightKind & { listener?: TaskListener | undefined; onStart?: (() => void) | undefined },
    promise: { resolve(result: SlotResult): void; reject(why: WorkEnded): void; over(): void },
  ) {
    super();
    this.code = work.code;
    this.kind = options;
    this.listener = options.listener;
    this.#work = work;
    this.#onStart = options.onStart;
    this.#promise = promise;
  }

  override get task(): Task {
    return this.#work.task;
  }

  work(key: number): SlotWork {
    return { ...this.#work, key, announce: this.kind.timeout !== undefined };
  }

  override started(): void {
    this.#onStart?.();
  }

  protected answered(result: SlotResult): void {
    this.#promise.over();
    this.#promise.resolve(result);
  }

  protected ended(why: WorkEnded): void {
    this.#promise.over();
    this.#promise.reject(why);
  }
}

/** A slot for somebody who runs a command in it. */
export class SeatFlight extends Flight {
  readonly code: SlotCode = { file: '', url: '', export: '' };
  readonly kind: FlightKind;
  override readonly seat: (giveBack: () => void) => void;
  readonly #refused: () => void;

  constructor(kind: FlightKind, seat: (giveBack: () => void) => void, refused: () => void) {
    super();
    this.kind = kind;
    this.seat = seat;
    this.#refused = refused;
  }

  work(): SlotWork {
    throw new Error('a seat has no work of its own');
  }

  protected answered(): void {}

  protected ended(): void {
    this.#refused();
  }
}
