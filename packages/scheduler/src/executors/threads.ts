// Slots that are threads (Piscina). Native crashes and memory outside the JavaScript heap are not isolated: that is what processes are
// for. Made by pool.ts.
import { createRequire } from 'node:module';
import type { MessagePort } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import { thrownMessage } from './run-context.js';
import type { AbortMessage, Answers, SlotBatch, SlotMessage, SlotResult, SlotWork } from './slot-work.js';
import { type Death, type Hear, type Slots, type StartOptions, WorkEnded } from './slots.js';

/** What a thread tells. `control` comes once, with the port that takes aborts. */
export type ThreadMessage = SlotMessage | { type: 'control'; port: MessagePort };

export class ThreadSlots implements Slots {
  readonly #pool: Piscina;
  readonly #hear: Hear;
  readonly #controls = new Set<MessagePort>();
  /** Of runs that were asked to stop and have not ended. */
  readonly #aborts = new Map<number, string>();

  constructor(slots: number, hear: Hear) {
    this.#hear = hear;
    // Only now: a program that finds all its results never starts a thread.
    const { Piscina: Pool } = createRequire(import.meta.url)('piscina') as typeof import('piscina');
    this.#pool = new Pool({
      filename: new URL('./thread-entry.js', import.meta.url).href,
      minThreads: 1,
      maxThreads: slots,
      idleTimeout: Number.POSITIVE_INFINITY,
      // A loader of the program (tsx) has nothing to do in a bundle; errors are to name the lines of its sources.
      execArgv: ['--enable-source-maps'],
      recordTiming: false,
    });
    this.#pool.on('message', (message: ThreadMessage) => {
      if (message.type === 'control') this.#addControl(message.port);
      else this.#hear(message);
    });
    // A thread that died while it had nothing to do: another has taken its place.
    this.#pool.on('error', () => {});
  }

  async start(work: SlotWork, options: StartOptions): Promise<SlotResult> {
    try {
      return await this.#run<SlotResult>(work, options);
    } finally {
      this.#aborts.delete(work.key);
    }
  }

  async startBatch(batch: SlotBatch, options: StartOptions): Promise<Answers> {
    try {
      return await this.#run<Answers>(batch, options);
    } finally {
      if (this.#aborts.size > 0) for (const i of batch.flags.keys()) this.#aborts.delete(batch.first + i);
    }
  }

  async #run<Answer>(order: SlotWork | SlotBatch, { kill }: StartOptions): Promise<Answer> {
    try {
      return (await this.#pool.run(order, { signal: kill })) as Answer;
    } catch (error) {
      throw new WorkEnded('died', deathOf(error));
    }
  }

  abort(key: number, reason: string): void {
    this.#aborts.set(key, reason);
    for (const control of this.#controls) control.postMessage({ abort: key, reason } satisfies AbortMessage);
  }

  async close(): Promise<void> {
    for (const control of this.#controls) control.close();
    await this.#pool.destroy();
  }

  #addControl(port: MessagePort): void {
    port.unref();
    this.#controls.add(port);
    port.on('close', () => this.#controls.delete(port));
    // A thread that was only starting when its run was aborted has not heard of it.
    for (const [abort, reason] of this.#aborts) port.postMessage({ abort, reason } satisfies AbortMessage);
  }
}

/** What a thread that went of itself tells of the run it took along. */
function deathOf(cause: unknown): Death {
  const { code, message = '' } = (cause ?? {}) as { code?: unknown; message?: unknown };
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return {
      reason: 'oom',
      message: 'the JavaScript heap of its thread is full; a smaller point, or a process with more memory, may do',
    };
  }
  const exit = /^worker exited with code: (-?\d+)$/.exec(String(message));
  if (!exit) return { reason: 'exception', message: thrownMessage(cause), cause };
  return {
    reason: 'exit',
    message: `it called process.exit(${exit[1]}) instead of returning`,
    exitCode: Number(exit[1]),
  };
}
