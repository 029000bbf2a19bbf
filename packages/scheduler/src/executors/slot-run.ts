// What a slot of a pool does: load the bundle once, run one task after the other, seal each result in the slot. Called by
// thread-entry.ts and process-entry.ts.
import { isMainThread, threadId } from 'node:worker_threads';
import {
  failedOutcome,
  JournalWriter,
  type Outcome,
  RunLog,
  realSeams,
  sealRun,
  type Task,
  type TaskListener,
  toWire,
} from '@entropic/core/internal';
import { CallContext, TaskContext, thrownMessage, timeoutOutcome } from './run-context.js';
import { loadRunner, type Runner } from './slot-loader.js';
import { beginWork, endWork, inWork, tell, type Working } from './slot-state.js';
import { type CallResult, INSIDE_RUN, type SlotResult, type SlotWork } from './slot-work.js';

Object.defineProperty(globalThis, INSIDE_RUN, { value: true });

/** Journals of the stores that sent tasks last: a pool may serve several. */
const journals = new Map<string, JournalWriter>();
const MAX_JOURNALS = 8;

export async function runWork(item: SlotWork): Promise<SlotResult> {
  const working = beginWork(item.key, item.kind === 'task' ? new RunLog(item.task.log) : undefined);
  try {
    return await inWork(working, () => doWork(item, working));
  } finally {
    endWork(working);
  }
}

async function doWork(item: SlotWork, working: Working): Promise<SlotResult> {
  // Twice: loading has its time, and the run has its own.
  const announce = () => item.announce && tell({ type: 'started', key: item.key });
  announce();
  let runner: Runner;
  try {
    runner = await loadRunner(item.code);
  } catch (error) {
    if (item.kind === 'call') return { kind: 'error', error: toWire(error), reason: 'code' };
    const message = `the runner cannot be loaded: ${thrownMessage(error)}`;
    return { kind: 'task', outcome: failedOutcome('code', message, 0, error) };
  }
  announce();
  if (item.kind === 'task') {
    const started = realSeams.clock.elapsed();
    const outcome = await runTask(item.task, runner, working);
    outcome.slotSeconds = realSeams.clock.elapsed() - started;
    return { kind: 'task', outcome };
  }
  return callWith(item, runner, working);
}

interface NewCall {
  key: number;
  name: string;
  params: unknown;
  /** Seconds. */
  timeout?: number | undefined;
}

/** One of many calls. A function that does not wait is answered without a turn of the event loop. */
export function runCall(call: NewCall, runner: Runner): CallResult | Promise<CallResult> {
  const working = beginWork(call.key, undefined);
  const result = inWork(working, () => callWith(call, runner, working));
  if (result instanceof Promise) return result.finally(() => endWork(working));
  endWork(working);
  return result;
}

function callWith(call: NewCall, runner: Runner, working: Working): CallResult | Promise<CallResult> {
  const context = new CallContext(call.name, working.abort, print);
  context.startTimeout(call.timeout);
  const answer = (value: unknown): CallResult => {
    const { timedOut } = context;
    context.end();
    return timedOut ? { kind: 'error', error: toWire(undefined), reason: 'timeout' } : { kind: 'value', value };
  };
  const fail = (error: unknown): CallResult => {
    const { timedOut } = context;
    context.end();
    return { kind: 'error', error: toWire(error), reason: timedOut ? 'timeout' : 'exception' };
  };
  try {
    const value = runner(call.params, context);
    return isThenable(value) ? Promise.resolve(value).then(answer, fail) : answer(value);
  } catch (error) {
    return fail(error);
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

function print(text: string): void {
  process.stdout.write(text);
}

async function runTask(task: Task, runner: Runner, working: Working): Promise<Outcome> {
  const { clock, fs } = realSeams;
  const { key, log, abort } = working;
  if (abort.aborted) return { status: 'cancelled' };
  const listener: TaskListener = {
    progress: (fraction, note) => tell({ type: 'progress', key, fraction, note }),
    log(text) {
      log?.write(text);
      tell({ type: 'log', key, text });
    },
  };
  const context = new TaskContext(task, listener, abort, fs);
  const started = clock.elapsed();
  const seconds = () => clock.elapsed() - started;
  context.startTimeout();
  try {
    const value = await runner(deepFreeze({ ...task.params, resultFile: task.tempFile }), context);
    if (context.timedOut) return timeoutOutcome(task, seconds());
    return await sealRun(task, {
      fs,
      journal: journalOf(task.journal),
      now: clock.now(),
      elapsedSeconds: seconds(),
      value,
    });
  } catch (error) {
    if (context.timedOut) return timeoutOutcome(task, seconds());
    if (abort.aborted) return { status: 'cancelled' };
    return failedOutcome('exception', thrownMessage(error), seconds(), error);
  } finally {
    context.end();
  }
}

/** Each slot has a file of its own beside the store's: lines of two writers cannot mix. */
function journalOf(path: string): JournalWriter {
  let writer = journals.get(path);
  if (!writer) {
    writer = new JournalWriter(realSeams.fs, `${path}.${isMainThread ? `p${process.pid}` : `t${threadId}`}`);
    journals.set(path, writer);
    if (journals.size > MAX_JOURNALS) {
      const [oldest, old] = journals.entries().next().value as [string, JournalWriter];
      journals.delete(oldest);
      old.close();
    }
  }
  return writer;
}

/** The copy that crossed the boundary is not frozen any more. */
function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
