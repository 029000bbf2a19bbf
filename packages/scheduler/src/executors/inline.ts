// Runs a function in this very process, one slot. It cannot be killed: a timeout or an abort only reaches `run.signal`.
import { format } from 'node:util';
import type { RunContext } from '@entropic/core';
import {
  type Execute,
  failedOutcome,
  JournalWriter,
  type Outcome,
  type Seams,
  sealRun,
  type Task,
  type TaskListener,
} from '@entropic/core/internal';
import type { Executor } from '../executor.js';

/** A runner whose params are not known to the compiler. */
export type AnyFunction = (
  params: Readonly<Record<string, unknown>> & { readonly resultFile: string },
  run: RunContext,
) => unknown;

export function inlineExecutor(runner: AnyFunction, seams: Seams): Executor {
  // One journal a store; a new path comes only with a new store.
  let journal: { path: string; writer: JournalWriter } | undefined;
  const journalOf = (path: string): JournalWriter => {
    if (journal?.path !== path) {
      journal?.writer.close();
      journal = { path, writer: new JournalWriter(seams.fs, path) };
    }
    return journal.writer;
  };

  const submit: Execute = async (task, { signal, listener }) => {
    if (signal?.aborted) return { status: 'cancelled' };
    const context = new InlineContext(task, listener, signal, seams);
    const started = seams.clock.elapsed();
    const seconds = () => seams.clock.elapsed() - started;
    let outcome: Outcome;
    try {
      const params = Object.freeze({ ...task.params, resultFile: task.tempFile });
      const value = await runner(params, context);
      outcome = context.timedOut
        ? timeoutOutcome(task, seconds())
        : await sealRun(task, {
            fs: seams.fs,
            journal: journalOf(task.journal),
            now: seams.clock.now(),
            elapsedSeconds: seconds(),
            value,
          });
    } catch (error) {
      if (context.timedOut) outcome = { ...timeoutOutcome(task, seconds()) };
      else if (signal?.aborted) outcome = { status: 'cancelled' };
      else outcome = failedOutcome('exception', messageOf(error), seconds(), error);
    } finally {
      context.end();
    }
    return outcome;
  };

  return {
    slots: 1,
    submit,
    async close() {
      journal?.writer.close();
      journal = undefined;
    },
  };
}

/** 24.8 days, the longest time of a Node timer, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;

/** What costs something (a signal, a folder) is made when the runner asks for it. */
class InlineContext implements RunContext {
  readonly id: string;
  readonly resultFile: string;
  readonly attempt: number;
  readonly seed: number;
  timedOut = false;
  readonly #task: Task;
  readonly #listener: TaskListener;
  readonly #outer: AbortSignal | undefined;
  readonly #seams: Seams;
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #workDirMade = false;
  readonly #onAbort = () => this.#controller?.abort(this.#outer?.reason);

  constructor(task: Task, listener: TaskListener, outer: AbortSignal | undefined, seams: Seams) {
    this.id = task.id;
    this.resultFile = task.tempFile;
    this.attempt = task.attempt;
    this.seed = Number.parseInt(task.id.slice(0, 8), 16);
    this.#task = task;
    this.#listener = listener;
    this.#outer = outer;
    this.#seams = seams;
    if (task.timeout !== undefined) {
      // Node fires a timer beyond its limit at once.
      const milliseconds = Math.min(task.timeout * 1000, MAX_TIMER);
      this.#timer = setTimeout(() => {
        this.timedOut = true;
        this.#controller?.abort(timeoutReason(task));
      }, milliseconds);
    }
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.timedOut) this.#controller.abort(timeoutReason(this.#task));
      if (this.#outer?.aborted) this.#onAbort();
      this.#outer?.addEventListener('abort', this.#onAbort, { once: true });
    }
    return this.#controller.signal;
  }

  get workDir(): string {
    if (!this.#workDirMade) this.#seams.fs.makeDir(this.#task.workDir, 0o700);
    this.#workDirMade = true;
    return this.#task.workDir;
  }

  progress(fraction: number, note?: string): void {
    this.#listener.progress(fraction, note);
  }

  log(...values: unknown[]): void {
    this.#listener.log(`${format(...values)}\n`);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#onAbort);
    if (!this.#workDirMade) return;
    try {
      this.#seams.fs.removeDir(this.#task.workDir);
    } catch {
      // It goes with the owner's folder.
    }
  }
}

function timeoutReason(task: Task): DOMException {
  return new DOMException(`the run took longer than ${task.timeout} s`, 'TimeoutError');
}

function timeoutOutcome(task: Task, seconds: number): Outcome {
  const message = `it took longer than its timeout of ${task.timeout} s`;
  return { status: 'failed', reason: 'timeout', message, elapsedSeconds: seconds, limit: task.timeout as number };
}

function messageOf(error: unknown): string {
  try {
    // A class may have anything as its message.
    if (error instanceof Error) return String(error.message || error.name);
    return `it threw ${typeof error === 'object' && error !== null ? 'an object' : String(error)}`;
  } catch {
    return 'it threw something that cannot be read';
  }
}
