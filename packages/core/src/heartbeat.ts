// Renews this store's leases from a thread of its own: an inline runner may compute for hours without a turn of the event loop.
// Started by engine.ts before the first run, ended at close.
import { Worker } from 'node:worker_threads';
import type { DatabaseTarget } from './database/connection.js';

/** What the thread is told: heartbeat-thread.ts. */
export interface HeartbeatData {
  target: DatabaseTarget;
  owner: string;
  leaseMs: number;
}

export class Heartbeat {
  readonly #data: HeartbeatData;
  readonly #onTrouble: (error: Error) => void;
  #thread: Worker | undefined;

  constructor(data: HeartbeatData, onTrouble: (error: Error) => void) {
    this.#data = data;
    this.#onTrouble = onTrouble;
  }

  /** Idempotent. The thread keeps no process alive. */
  start(): void {
    if (this.#thread) return;
    // Not the flags of this process: a loader given there (tsx) would only slow the start.
    const thread = new Worker(new URL('./heartbeat-thread.js', import.meta.url), {
      workerData: this.#data,
      execArgv: [],
    });
    thread.on('message', (message: string) => this.#onTrouble(new Error(message)));
    thread.on('error', (error: Error) => {
      this.#thread = undefined;
      this.#onTrouble(error);
    });
    // Last: to listen for messages would keep the process alive again.
    thread.unref();
    this.#thread = thread;
  }

  async stop(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }
}
