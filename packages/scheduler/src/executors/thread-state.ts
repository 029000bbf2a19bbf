// What a thread is doing now, and how the outer world reaches it: aborts come by a port of their own, output goes to the run's log, and
// what a run does after its end is told apart from what the next one does. Used by thread-entry.ts.
import { AsyncLocalStorage } from 'node:async_hooks';
import { MessageChannel, type MessagePort, parentPort } from 'node:worker_threads';
import { fromWire, type RunLog, toWire } from '@entropic/core/internal';
import { type AbortSource, thrownMessage } from './run-context.js';
import type { AbortMessage, ThreadMessage } from './thread-work.js';

/** One piece of work in this thread. */
export interface Working {
  readonly key: number;
  readonly log: RunLog | undefined;
  readonly abort: AbortSource;
  over: boolean;
}

let current: (Working & { aborts: Set<() => void>; reason: Error | undefined }) | undefined;

/** Whose code runs: a timer or a promise that a run left behind belongs to that run, though another one has the thread by now. */
const whose = new AsyncLocalStorage<Working>();

/** Aborts that came before their work: the control port and the work's port are two queues. */
const early = new Map<number, string>();
const MAX_EARLY = 100;

export function beginWork(key: number, log: RunLog | undefined): Working {
  const aborts = new Set<() => void>();
  const reason = early.get(key);
  const own = {
    key,
    log,
    over: false,
    aborts,
    reason: reason === undefined ? undefined : new DOMException(reason, 'AbortError'),
    abort: {
      get aborted() {
        return own.reason !== undefined;
      },
      get reason() {
        return own.reason;
      },
      onAbort(listener: () => void) {
        aborts.add(listener);
        return () => aborts.delete(listener);
      },
    },
  } as NonNullable<typeof current>;
  current = own;
  return own;
}

export function inWork<T>(working: Working, body: () => T): T {
  return whose.run(working, body);
}

export function endWork(working: Working): void {
  working.over = true;
  working.log?.close();
  current = undefined;
}

export function tell(message: ThreadMessage, transfer: readonly MessagePort[] = []): void {
  parentPort?.postMessage(message, transfer);
}

const { port1: control, port2 } = new MessageChannel();
control.on('message', ({ abort, reason }: AbortMessage) => {
  if (current?.key !== abort) {
    // Every thread hears of every abort; most never get the work.
    early.set(abort, reason);
    if (early.size > MAX_EARLY) early.delete(early.keys().next().value as number);
    return;
  }
  if (current.reason) return;
  current.reason = new DOMException(reason, 'AbortError');
  for (const listener of current.aborts) listener();
});
control.unref();
tell({ type: 'control', port: port2 }, [port2]);

// What a run prints goes to its own log at once: a thread's own output is not live, and is lost when the thread is ended.
for (const stream of [process.stdout, process.stderr]) {
  const original = stream.write.bind(stream);
  const write = (chunk: string | Uint8Array, encoding?: unknown, done?: unknown): boolean => {
    const owner = whose.getStore() ?? current;
    // After its end a run has no log any more, and its output is nobody else's.
    if (!owner?.over) {
      if (!owner?.log) return original(chunk, encoding as BufferEncoding, done as () => void);
      const plain = typeof chunk !== 'string' || typeof encoding !== 'string';
      owner.log.write(plain ? chunk : Buffer.from(chunk, encoding as BufferEncoding));
    }
    const callback = typeof encoding === 'function' ? encoding : done;
    if (typeof callback === 'function') process.nextTick(callback);
    return true;
  };
  stream.write = write as typeof stream.write;
}

// A run that has returned may throw all the same, by a timer or a promise that it left behind. It must not take the next run along.
process.on('uncaughtException', (error) => {
  const owner = whose.getStore();
  // A DOMException would lose its name and message on the way out of the thread.
  if (!owner?.over) throw error instanceof DOMException ? fromWire(toWire(error)) : error;
  owner.log?.addLate(`[after the end of the run: ${thrownMessage(error)}]\n`);
});

const { exit } = process;
process.exit = (code) => {
  if (whose.getStore()?.over) throw new Error(`it called process.exit(${code ?? ''})`);
  return exit.call(process, code);
};
