// What a thread of a pool does: load the bundle once, run one task after the other, seal each result in the thread. Started by
// Piscina for threads.ts.
import { pathToFileURL } from 'node:url';
import { MessageChannel, parentPort, threadId } from 'node:worker_threads';
import type { RunContext } from '@entropic/core';
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
import { type AbortSource, TaskContext, thrownMessage, timeoutOutcome } from './run-context.js';
import {
  type AbortMessage,
  INSIDE_RUN,
  type ThreadCode,
  type ThreadMessage,
  type ThreadResult,
  type ThreadWork,
} from './thread-work.js';

type Runner = (params: unknown, run: RunContext | undefined) => unknown;

Object.defineProperty(globalThis, INSIDE_RUN, { value: true });

const runners = new Map<string, Promise<Runner>>();
/** Journals of the stores that sent tasks last: a pool may serve several. */
const journals = new Map<string, JournalWriter>();
const MAX_JOURNALS = 8;

let log: RunLog | undefined;
let current: { key: number; aborts: Set<() => void>; reason: Error | undefined } | undefined;

/** Aborts that came before their work: the control port and the work's port are two queues. */
const early = new Map<number, string>();
const MAX_EARLY = 100;

const { port1: control, port2 } = new MessageChannel();
control.on('message', ({ abort, reason }: AbortMessage) => {
  if (current?.key !== abort) {
    // Every thread hears of every abort; most never get the work.
    early.set(abort, reason);
    if (early.size > MAX_EARLY) early.delete(early.keys().next().value as number);
    return;
  }
  current.reason = new DOMException(reason, 'AbortError');
  for (const listener of current.aborts) listener();
});
control.unref();
tell({ type: 'control', port: port2 }, [port2]);

// What a run prints goes to its own log at once: a thread's own output is not live, and is lost when the thread is ended.
for (const stream of [process.stdout, process.stderr]) {
  const original = stream.write.bind(stream);
  const write = (chunk: string | Uint8Array, encoding?: unknown, done?: unknown): boolean => {
    if (!log) return original(chunk, encoding as BufferEncoding, done as () => void);
    log.write(chunk);
    const callback = typeof encoding === 'function' ? encoding : done;
    if (typeof callback === 'function') process.nextTick(callback);
    return true;
  };
  stream.write = write as typeof stream.write;
}

export default async function work(item: ThreadWork): Promise<ThreadResult> {
  const reason = early.get(item.key);
  current = {
    key: item.key,
    aborts: new Set(),
    reason: reason === undefined ? undefined : new DOMException(reason, 'AbortError'),
  };
  try {
    let runner: Runner;
    if (item.kind === 'task') log = new RunLog(item.task.log);
    try {
      runner = await load(item.code);
    } catch (error) {
      return codeError(item, error);
    }
    if (item.announce) tell({ type: 'started', key: item.key });
    if (item.kind === 'task') return { kind: 'task', outcome: await runTask(item.key, item.task, runner) };
    try {
      return { kind: 'value', value: await runner(item.params, undefined) };
    } catch (error) {
      return { kind: 'error', error: toWire(error), code: false };
    }
  } finally {
    log?.close();
    log = undefined;
    current = undefined;
  }
}

async function runTask(key: number, task: Task, runner: Runner): Promise<Outcome> {
  const { clock, fs } = realSeams;
  const listener: TaskListener = {
    progress: (fraction, note) => tell({ type: 'progress', key, fraction, note }),
    log(text) {
      log?.write(text);
      tell({ type: 'log', key, text });
    },
  };
  const context = new TaskContext(task, listener, abortSource(), fs);
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
    if (current?.reason) return { status: 'cancelled' };
    return failedOutcome('exception', thrownMessage(error), seconds(), error);
  } finally {
    context.end();
  }
}

async function load(code: ThreadCode): Promise<Runner> {
  const key = `${code.file}#${code.export}`;
  let runner = runners.get(key);
  if (!runner) {
    runner = importRunner(code);
    runners.set(key, runner);
    // A module that failed to load may load the next time: what it read may be there then.
    runner.catch(() => runners.delete(key));
  }
  return runner;
}

async function importRunner(code: ThreadCode): Promise<Runner> {
  const url = pathToFileURL(code.file);
  url.searchParams.set('runner', code.url);
  const module = (await import(url.href)) as Record<string, unknown>;
  const runner = module[code.export];
  if (typeof runner === 'function') return runner as Runner;
  const names = Object.keys(module).filter((name) => typeof module[name] === 'function');
  const has = names.length > 0 ? `it has ${names.join(', ')}` : 'it exports no function';
  throw new Error(`${code.url} has no function as export "${code.export}"; ${has}`);
}

function codeError(item: ThreadWork, error: unknown): ThreadResult {
  if (item.kind === 'call') return { kind: 'error', error: toWire(error), code: true };
  return {
    kind: 'task',
    outcome: failedOutcome('code', `the runner cannot be loaded: ${thrownMessage(error)}`, 0, error),
  };
}

function abortSource(): AbortSource {
  const own = current as NonNullable<typeof current>;
  return {
    get aborted() {
      return own.reason !== undefined;
    },
    get reason() {
      return own.reason;
    },
    onAbort(listener) {
      own.aborts.add(listener);
      return () => own.aborts.delete(listener);
    },
  };
}

/** Each thread has a file of its own beside the store's: lines of two writers cannot mix. */
function journalOf(path: string): JournalWriter {
  let writer = journals.get(path);
  if (!writer) {
    writer = new JournalWriter(realSeams.fs, `${path}.t${threadId}`);
    journals.set(path, writer);
    if (journals.size > MAX_JOURNALS) {
      const [oldest, old] = journals.entries().next().value as [string, JournalWriter];
      journals.delete(oldest);
      old.close();
    }
  }
  return writer;
}

/** The copy that crossed the thread boundary is not frozen any more. */
function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}

function tell(message: ThreadMessage, transfer: readonly import('node:worker_threads').MessagePort[] = []): void {
  parentPort?.postMessage(message, transfer);
}
