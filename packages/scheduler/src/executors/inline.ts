// Runs a function in this very process, one slot. It cannot be killed: a timeout or an abort only reaches `run.signal`.
import type { RunContext } from '@entropic/core';
import {
  failedOutcome,
  JournalWriter,
  type Outcome,
  type Seams,
  sealRun,
  type Task,
  type TaskListener,
} from '@entropic/core/internal';
import type { Executor } from '../executor.js';
import { type AbortSource, TaskContext, thrownMessage, timeoutOutcome } from './run-context.js';

/** A runner whose params are not known to the compiler. */
export type AnyFunction = (
  params: Readonly<Record<string, unknown>> & { readonly resultFile: string },
  run: RunContext,
) => unknown;

export function inlineExecutor(runner: AnyFunction, seams: Seams): Executor {
  // A store writes to one part of its journal after the other.
  let journal: { path: string; writer: JournalWriter } | undefined;
  const journalOf = (path: string): JournalWriter => {
    if (journal?.path !== path) {
      journal?.writer.close();
      journal = { path, writer: new JournalWriter(seams.fs, path) };
    }
    return journal.writer;
  };

  return {
    slots: 1,
    inline: true,
    batches: false,
    defaults: {},
    codeDigest: async () => null,
    async submit(task, { signal, listener }) {
      if (signal?.aborted) return { status: 'cancelled' };
      return runInline(runner, task, { signal, listener, seams, journalOf });
    },
    async close() {
      journal?.writer.close();
      journal = undefined;
    },
  };
}

async function runInline(
  runner: AnyFunction,
  task: Task,
  parts: {
    signal: AbortSignal | undefined;
    listener: TaskListener;
    seams: Seams;
    journalOf: (path: string) => JournalWriter;
  },
): Promise<Outcome> {
  const { signal, listener, seams, journalOf } = parts;
  const { clock, fs } = seams;
  const context = new TaskContext(task, listener, abortSourceOf(signal), fs);
  const started = clock.elapsed();
  const seconds = () => clock.elapsed() - started;
  context.startTimeout();
  try {
    const value = await runner(Object.freeze({ ...task.params, resultFile: task.tempFile }), context);
    if (context.timedOut) return timeoutOutcome(task, seconds());
    const journal = journalOf(task.journal);
    return await sealRun(task, { fs, journal, now: clock.now(), elapsedSeconds: seconds(), value });
  } catch (error) {
    if (context.timedOut) return timeoutOutcome(task, seconds());
    if (signal?.aborted) return { status: 'cancelled' };
    return failedOutcome('exception', thrownMessage(error), seconds(), error);
  } finally {
    context.end();
  }
}

function abortSourceOf(signal: AbortSignal | undefined): AbortSource {
  return {
    get aborted() {
      return signal?.aborted ?? false;
    },
    get reason() {
      return signal?.reason;
    },
    onAbort(listener) {
      signal?.addEventListener('abort', listener, { once: true });
      return () => signal?.removeEventListener('abort', listener);
    },
  };
}
