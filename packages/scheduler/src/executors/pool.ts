// A pool of slots that run modules. What waits is queued here, so that it is known what runs: a queued piece of work is cancelled at
// once, a running one is asked to stop, and its slot ended after a grace. Used by module-executor.ts and the client.
import type { TaskListener } from '@entropic/core/internal';
import { MAX_TIMER } from './run-context.js';
import type { SlotMessage, SlotResult, SlotWork } from './slot-work.js';
import { type Slots, WorkEnded } from './slots.js';
import { ThreadSlots } from './threads.js';

/** How long a run may go on after it was asked to stop, in milliseconds. */
const GRACE_MS = 5000;

/** Work without what the pool adds to it. */
export type NewWork = SlotWork extends infer W ? (W extends SlotWork ? Omit<W, 'key' | 'announce'> : never) : never;

export interface PoolOptions {
  signal?: AbortSignal | undefined;
  /** Seconds from the start of the run. */
  timeout?: number | undefined;
  listener?: TaskListener | undefined;
  /** Called when a slot takes it. */
  onStart?: (() => void) | undefined;
}

interface Flight {
  work: NewWork;
  options: PoolOptions;
  resolve(result: SlotResult): void;
  reject(error: unknown): void;
  timer: NodeJS.Timeout | undefined;
  /** It was asked to stop, while it runs. */
  aborted: boolean;
  ended: 'timeout' | 'aborted' | undefined;
  /** Ends the slot. */
  kill: AbortController;
  /** Stops listening for an abort of what waits: a signal may serve a million points. */
  leaveQueue(): void;
}

export class Pool {
  readonly slots: number;
  readonly #queue: Flight[] = [];
  readonly #running = new Map<number, Flight>();
  #threads: Slots | undefined;
  #key = 0;
  #closing: Promise<void> | undefined;
  #idle: (() => void)[] = [];

  /** The slots are started with the first work. */
  constructor(slots: number) {
    this.slots = slots;
  }

  get queued(): number {
    return this.#queue.length;
  }

  get running(): number {
    return this.#running.size;
  }

  /** @throws WorkEnded if there is no answer */
  run(work: NewWork, options: PoolOptions = {}): Promise<SlotResult> {
    return new Promise((resolve, reject) => {
      if (this.#closing || options.signal?.aborted) return reject(new WorkEnded('cancelled'));
      const flight: Flight = {
        work,
        options,
        resolve,
        reject,
        timer: undefined,
        aborted: false,
        ended: undefined,
        kill: new AbortController(),
        leaveQueue() {},
      };
      if (this.#running.size < this.slots) this.#start(flight);
      else this.#enqueue(flight);
    });
  }

  /** What waits is cancelled, what runs is awaited; then the slots end. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const flight of this.#queue.splice(0)) {
      flight.leaveQueue();
      flight.reject(new WorkEnded('cancelled'));
    }
    while (this.#running.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    await this.#threads?.close();
  }

  #enqueue(flight: Flight): void {
    const { signal } = flight.options;
    const onAbort = () => {
      this.#queue.splice(this.#queue.indexOf(flight), 1);
      flight.leaveQueue();
      flight.reject(new WorkEnded('cancelled'));
    };
    flight.leaveQueue = () => signal?.removeEventListener('abort', onAbort);
    signal?.addEventListener('abort', onAbort);
    this.#queue.push(flight);
  }

  #start(flight: Flight): void {
    const { work, options, kill } = flight;
    const { signal, timeout } = options;
    const key = ++this.#key;
    const slots = this.#slots();
    flight.leaveQueue();
    this.#running.set(key, flight);
    options.onStart?.();
    const onAbort = () => this.#abort(key, flight, slots);
    signal?.addEventListener('abort', onAbort, { once: true });
    const done = () => {
      clearTimeout(flight.timer);
      signal?.removeEventListener('abort', onAbort);
      this.#running.delete(key);
      const next = this.#queue.shift();
      if (next) this.#start(next);
      else if (this.#running.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    };
    slots.start({ ...work, key, announce: timeout !== undefined }, { kill: kill.signal }).then(
      (result) => {
        done();
        flight.resolve(result);
      },
      (error) => {
        done();
        flight.reject(flight.ended ? new WorkEnded(flight.ended) : error);
      },
    );
  }

  #slots(): Slots {
    this.#threads ??= new ThreadSlots(this.slots, (message) => this.#hear(message));
    return this.#threads;
  }

  #hear(message: SlotMessage): void {
    const flight = this.#running.get(message.key);
    if (!flight) return;
    if (message.type === 'progress') flight.options.listener?.progress(message.fraction, message.note);
    else if (message.type === 'log') flight.options.listener?.log(message.text);
    else if (!flight.aborted) {
      // Now it runs: a slot that had to be started first took none of its time. `run.signal` aborts by the run's own timer.
      clearTimeout(flight.timer);
      const milliseconds = Math.min((flight.options.timeout ?? 0) * 1000 + GRACE_MS, MAX_TIMER);
      flight.timer = setTimeout(() => this.#end(flight, 'timeout'), milliseconds);
    }
  }

  #abort(key: number, flight: Flight, slots: Slots): void {
    const { signal } = flight.options;
    flight.aborted = true;
    slots.abort(key, signal?.reason instanceof Error ? signal.reason.message : 'the run was aborted');
    clearTimeout(flight.timer);
    flight.timer = setTimeout(() => this.#end(flight, 'aborted'), GRACE_MS);
  }

  #end(flight: Flight, why: 'timeout' | 'aborted'): void {
    flight.ended = why;
    flight.kill.abort();
  }
}
