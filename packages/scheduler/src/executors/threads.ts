// A pool of threads (Piscina) that run modules. What waits is queued here, not in Piscina, so that it is known what runs: a queued
// piece of work is cancelled at once, a running one is asked to stop, and its thread ended after a grace. Native crashes and memory
// outside the JavaScript heap are not isolated: that is what processes are for. Used by module-executor.ts and the client.
import type { MessagePort } from 'node:worker_threads';
import type { TaskListener } from '@entropic/core/internal';
import { Piscina } from 'piscina';
import { MAX_TIMER, thrownMessage } from './run-context.js';
import type { AbortMessage, ThreadMessage, ThreadResult, ThreadWork } from './thread-work.js';

/** How long a run may go on after it was asked to stop, in milliseconds. */
const GRACE_MS = 5000;

/** Work without what the pool adds to it. */
export type NewWork = ThreadWork extends infer W ? (W extends ThreadWork ? Omit<W, 'key' | 'announce'> : never) : never;

export interface PoolOptions {
  signal?: AbortSignal | undefined;
  /** Seconds from the start of the run. */
  timeout?: number | undefined;
  listener?: TaskListener | undefined;
  /** Called when a slot takes it. */
  onStart?: (() => void) | undefined;
}

/** The work gave no answer: its thread is gone, or it never began. */
export class WorkEnded extends Error {
  /** `cancelled`: before it began. Otherwise why its thread is gone; `died`: of itself, with `cause`. */
  readonly why: 'cancelled' | 'aborted' | 'timeout' | 'died';

  constructor(why: WorkEnded['why'], cause?: unknown) {
    super(`the work ended without an answer: ${why}`, { cause });
    this.why = why;
  }
}

/** What a thread that went of itself tells of the run it took along. */
export function deathOf(error: WorkEnded): {
  reason: 'oom' | 'exit' | 'exception';
  message: string;
  exitCode?: number;
} {
  const cause = error.cause as { code?: string; message?: string } | undefined;
  if (cause?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return {
      reason: 'oom',
      message: 'the JavaScript heap of its thread is full; a smaller point, or a process with more memory, may do',
    };
  }
  const exit = /^worker exited with code: (-?\d+)$/.exec(cause?.message ?? '');
  if (!exit) return { reason: 'exception', message: thrownMessage(cause) };
  return {
    reason: 'exit',
    message: `it called process.exit(${exit[1]}) instead of returning`,
    exitCode: Number(exit[1]),
  };
}

interface Flight {
  work: NewWork;
  options: PoolOptions;
  resolve(result: ThreadResult): void;
  reject(error: unknown): void;
  timer: NodeJS.Timeout | undefined;
  /** Why it was asked to stop, while it runs. */
  abortReason: string | undefined;
  ended: 'timeout' | 'aborted' | undefined;
  /** Ends the thread. */
  kill: AbortController;
  /** Stops listening for an abort of what waits: a signal may serve a million points. */
  leaveQueue(): void;
}

export class ThreadPool {
  readonly slots: number;
  readonly #queue: Flight[] = [];
  readonly #running = new Map<number, Flight>();
  readonly #controls = new Set<MessagePort>();
  #pool: Piscina | undefined;
  #key = 0;
  #closing: Promise<void> | undefined;
  #idle: (() => void)[] = [];

  /** The threads are started with the first work. */
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
  run(work: NewWork, options: PoolOptions = {}): Promise<ThreadResult> {
    return new Promise((resolve, reject) => {
      if (this.#closing || options.signal?.aborted) return reject(new WorkEnded('cancelled'));
      const flight: Flight = {
        work,
        options,
        resolve,
        reject,
        timer: undefined,
        abortReason: undefined,
        ended: undefined,
        kill: new AbortController(),
        leaveQueue() {},
      };
      if (this.#running.size < this.slots) this.#start(flight);
      else this.#enqueue(flight);
    });
  }

  /** What waits is cancelled, what runs is awaited; then the threads end. Idempotent. */
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
    for (const control of this.#controls) control.close();
    await this.#pool?.destroy();
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
    const { work, options } = flight;
    const { signal, timeout } = options;
    const key = ++this.#key;
    this.#pool ??= this.#newPool();
    flight.leaveQueue();
    this.#running.set(key, flight);
    options.onStart?.();
    const onAbort = () => this.#abort(key, flight);
    signal?.addEventListener('abort', onAbort, { once: true });
    const done = () => {
      clearTimeout(flight.timer);
      signal?.removeEventListener('abort', onAbort);
      this.#running.delete(key);
      const next = this.#queue.shift();
      if (next) this.#start(next);
      else if (this.#running.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    };
    this.#pool.run({ ...work, key, announce: timeout !== undefined }, { signal: flight.kill.signal }).then(
      (result) => {
        done();
        flight.resolve(result as ThreadResult);
      },
      (error) => {
        done();
        flight.reject(new WorkEnded(flight.ended ?? 'died', error));
      },
    );
  }

  #newPool(): Piscina {
    const pool = new Piscina({
      filename: new URL('./thread-entry.js', import.meta.url).href,
      minThreads: this.slots,
      maxThreads: this.slots,
      idleTimeout: Number.POSITIVE_INFINITY,
      // A loader of the program (tsx) has nothing to do in a bundle; errors are to name the lines of its sources.
      execArgv: ['--enable-source-maps'],
      recordTiming: false,
    });
    pool.on('message', (message: ThreadMessage) => this.#hear(message));
    // A thread that died while it had nothing to do: another has taken its place.
    pool.on('error', () => {});
    return pool;
  }

  #hear(message: ThreadMessage): void {
    if (message.type === 'control') {
      const { port } = message;
      port.unref();
      this.#controls.add(port);
      port.on('close', () => this.#controls.delete(port));
      // A thread that was only starting when its run was aborted has not heard of it.
      for (const [key, { abortReason }] of this.#running) {
        if (abortReason !== undefined) port.postMessage({ abort: key, reason: abortReason } satisfies AbortMessage);
      }
      return;
    }
    const flight = this.#running.get(message.key);
    if (!flight) return;
    if (message.type === 'progress') flight.options.listener?.progress(message.fraction, message.note);
    else if (message.type === 'log') flight.options.listener?.log(message.text);
    else if (flight.abortReason === undefined) {
      // Now it runs: a thread that had to be started first took none of its time. `run.signal` aborts by the run's own timer.
      clearTimeout(flight.timer);
      const milliseconds = Math.min((flight.options.timeout ?? 0) * 1000 + GRACE_MS, MAX_TIMER);
      flight.timer = setTimeout(() => this.#end(flight, 'timeout'), milliseconds);
    }
  }

  #abort(key: number, flight: Flight): void {
    const { signal } = flight.options;
    const reason = signal?.reason instanceof Error ? signal.reason.message : 'the run was aborted';
    flight.abortReason = reason;
    for (const control of this.#controls) control.postMessage({ abort: key, reason } satisfies AbortMessage);
    clearTimeout(flight.timer);
    flight.timer = setTimeout(() => this.#end(flight, 'aborted'), GRACE_MS);
  }

  #end(flight: Flight, why: 'timeout' | 'aborted'): void {
    flight.ended = why;
    flight.kill.abort();
  }
}
