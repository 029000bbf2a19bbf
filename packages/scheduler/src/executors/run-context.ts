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

/** 24.8 days, the longest time of a Node timer, in milliseconds: it fires a longer one at once. */
export const MAX_TIMER = 2 ** 31 - 1;

/** What costs something (a signal, a folder) is made when the runner asks for it. */
export class TaskContext implements RunContext {
  readonly id: string;
  readonly resultFile: string;
  readonly attempt: number;
  readonly seed: number;
  timedOut = false;
  readonly #task: Task;
  readonly #listener: TaskListener;
  readonly #outer: AbortSource;
  readonly #fs: FileSystem;
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopListening: (() => void) | undefined;
  #workDirMade = false;

  constructor(task: Task, listener: TaskListener, outer: AbortSource, fs: FileSystem) {
    this.id = task.id;
    this.resultFile = task.tempFile;
    this.attempt = task.attempt;
    this.seed = Number.parseInt(task.id.slice(0, 8), 16);
    this.#task = task;
    this.#listener = listener;
    this.#outer = outer;
    this.#fs = fs;
  }

  /** Begins to count the task's timeout; when it is over `run.signal` aborts. */
  startTimeout(): void {
    const { timeout } = this.#task;
    if (timeout === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.timedOut = true;
        this.#controller?.abort(timeoutReason(timeout));
      },
      Math.min(timeout * 1000, MAX_TIMER),
    );
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      const controller = new AbortController();
      this.#controller = controller;
      if (this.timedOut) controller.abort(timeoutReason(this.#task.timeout));
      else if (this.#outer.aborted) controller.abort(this.#outer.reason);
      else this.#stopListening = this.#outer.onAbort(() => controller.abort(this.#outer.reason));
    }
    return this.#controller.signal;
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
    clearTimeout(this.#timer);
    this.#stopListening?.();
    if (!this.#workDirMade) return;
    try {
      this.#fs.removeDir(this.#task.workDir);
    } catch {
      // It goes with the owner's folder.
    }
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
    // A class may have anything as its message.
    if (error instanceof Error) return String(error.message || error.name);
    return `it threw ${typeof error === 'object' && error !== null ? 'an object' : String(error)}`;
  } catch {
    return 'it threw something that cannot be read';
  }
}
