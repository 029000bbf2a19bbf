// The context of a run as its runner sees it. Made by the inline executor and in every thread.
import { format } from 'node:util';
import type { RunContext } from '@entropic/core';
import type { FileSystem, Outcome, Task, TaskListener } from '@entropic/core/internal';

/** Where the outer world's abort comes from; asked for only if the runner looks at `run.signal`. */
export interface AbortSource {
  readonly aborted: boolean;
  readonly reason: unknown;
  /** @returns how to stop listening */
  onAbort(listener: () => void): () => void;
}

/** How long a run may go on after it was asked to stop, in milliseconds; then its slot, or its process group, is ended. */
export const GRACE_MS = 5000;

/** 24.8 days, the longest time of a Node timer, in milliseconds: it fires a longer one at once. */
export const MAX_TIMER = 2 ** 31 - 1;

/** When a run is to stop: `run.signal`, made when the runner asks for it, and the timeout. */
class Stopping {
  readonly #outer: AbortSource;
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timeout: number | undefined;
  #started = 0;
  #stopListening: (() => void) | undefined;

  constructor(outer: AbortSource) {
    this.#outer = outer;
  }

  startTimeout(timeout: number | undefined): void {
    if (timeout === undefined) return;
    this.#timeout = timeout;
    this.#started = performance.now();
    this.#timer = setTimeout(
      () => this.#controller?.abort(timeoutReason(timeout)),
      // A timer may fire a little early by the other clock.
      Math.min(Math.ceil(timeout * 1000) + 1, MAX_TIMER),
    );
  }

  /** By the clock, not by the timer: a function that computes without a pause gives no timer its turn. */
  get timedOut(): boolean {
    return this.#timeout !== undefined && performance.now() - this.#started > this.#timeout * 1000;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      const controller = new AbortController();
      this.#controller = controller;
      if (this.timedOut) controller.abort(timeoutReason(this.#timeout));
      else if (this.#outer.aborted) controller.abort(this.#outer.reason);
      else this.#stopListening = this.#outer.onAbort(() => controller.abort(this.#outer.reason));
    }
    return this.#controller.signal;
  }

  /** No timer and no listener is left. */
  end(): void {
    clearTimeout(this.#timer);
    this.#stopListening?.();
  }
}

/** The context of a task of a store. */
export class TaskContext implements RunContext {
  readonly id: string;
  readonly resultFile: string;
  readonly attempt: number;
  readonly seed: number;
  readonly #task: Task;
  readonly #listener: TaskListener;
  readonly #stopping: Stopping;
  readonly #fs: FileSystem;
  #workDirMade = false;

  constructor(task: Task, listener: TaskListener, outer: AbortSource, fs: FileSystem) {
    this.id = task.id;
    this.resultFile = task.tempFile;
    this.attempt = task.attempt;
    this.seed = Number.parseInt(task.id.slice(0, 8), 16);
    this.#task = task;
    this.#listener = listener;
    this.#stopping = new Stopping(outer);
    this.#fs = fs;
  }

  /** Begins to count the task's timeout; when it is over `run.signal` aborts. */
  startTimeout(): void {
    this.#stopping.startTimeout(this.#task.timeout);
  }

  get timedOut(): boolean {
    return this.#stopping.timedOut;
  }

  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  get workDir(): string {
    if (!this.#workDirMade) this.#fs.makeDir(this.#task.workDir, 0o700);
    this.#workDirMade = true;
    return this.#task.workDir;
  }

  progress(fraction: number, note?: string): void {
    this.#listener.progress(fraction, note);
  }

  log(...values: unknown[]): void {
    this.#listener.log(`${format(...values)}\n`);
  }

  /** After the run: no timer, no listener, no folder is left. */
  end(): void {
    this.#stopping.end();
    if (!this.#workDirMade) return;
    try {
      this.#fs.removeDir(this.#task.workDir);
    } catch {
      // It goes with the owner's folder.
    }
  }
}

/** The context of a client's call: there is no store, so there is no place for files. */
export class CallContext implements RunContext {
  readonly id: string;
  readonly attempt = 1;
  readonly seed = 0;
  readonly #outer: AbortSource;
  readonly #print: (text: string) => void;
  /** Made for who has a timeout or looks at `signal`: a tiny function does neither. */
  #stopping: Stopping | undefined;

  constructor(id: string, outer: AbortSource, print: (text: string) => void) {
    this.id = id;
    this.#outer = outer;
    this.#print = print;
  }

  get signal(): AbortSignal {
    this.#stopping ??= new Stopping(this.#outer);
    return this.#stopping.signal;
  }

  get resultFile(): string {
    throw new Error('run.resultFile: a submitted run has no store and so no result file; return the value');
  }

  get workDir(): string {
    throw new Error('run.workDir: a submitted run has no store and so no folder; return the value');
  }

  progress(): void {}

  log(...values: unknown[]): void {
    this.#print(`${format(...values)}\n`);
  }

  startTimeout(timeout: number | undefined): void {
    if (timeout === undefined) return;
    this.#stopping ??= new Stopping(this.#outer);
    this.#stopping.startTimeout(timeout);
  }

  get timedOut(): boolean {
    return this.#stopping?.timedOut ?? false;
  }

  end(): void {
    this.#stopping?.end();
  }
}

/** What a run that took too long came to. */
export function timeoutOutcome(task: Task, seconds: number): Outcome {
  return {
    status: 'failed',
    reason: 'timeout',
    message: `it took longer than its timeout of ${task.timeout} s`,
    elapsedSeconds: seconds,
    limit: task.timeout as number,
  };
}

function timeoutReason(timeout: number | undefined): DOMException {
  return new DOMException(`the run took longer than ${timeout} s`, 'TimeoutError');
}

/** The message of anything that was thrown. */
export function thrownMessage(error: unknown): string {
  try {
    // As text: an error may carry anything as its message, and this crosses threads.
    if (error instanceof Error) return String(error.message || error.name);
    return `it threw ${typeof error === 'object' && error !== null ? 'an object' : String(error)}`;
  } catch {
    return 'it threw something that cannot be read';
  }
}
