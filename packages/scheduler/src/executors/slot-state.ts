// What a slot is doing now, and how the outer world reaches it: aborts come beside the work, output goes to the run's log, and what a
// run does after its end is told apart from what the next one does. Used by slot-run.ts, connected by thread-entry.ts or process-entry.ts.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { RunLog } from '@entropic/core/internal';
import { type AbortSource, thrownMessage } from './run-context.js';
import type { AbortMessage, SlotMessage } from './slot-work.js';

/** One piece of work in this slot. */
export interface Working {
  readonly key: number;
  readonly log: RunLog | undefined;
  readonly abort: AbortSource;
  over: boolean;
}

let current: OwnWorking | undefined;

class OwnWorking implements Working, AbortSource {
  readonly key: number;
  readonly log: RunLog | undefined;
  over = false;
  reason: Error | undefined;
  /** Made when somebody listens: most runs never look at their signal. */
  aborts: Set<() => void> | undefined;

  constructor(key: number, log: RunLog | undefined) {
    this.key = key;
    this.log = log;
  }

  get abort(): AbortSource {
    return this;
  }

  get aborted(): boolean {
    return this.reason !== undefined;
  }

  onAbort(listener: () => void): () => void {
    this.aborts ??= new Set();
    const { aborts } = this;
    aborts.add(listener);
    return () => aborts.delete(listener);
  }
}

/** Whose code runs: a timer or a promise that a run left behind belongs to that run, though another one has the slot by now. */
const whose = new AsyncLocalStorage<Working>();

/** Aborts that came before their work: in a thread the control port and the work's port are two queues. */
const early = new Map<number, string>();
const MAX_EARLY = 100;

export function beginWork(key: number, log: RunLog | undefined): Working {
  const working = new OwnWorking(key, log);
  const reason = early.size === 0 ? undefined : early.get(key);
  if (reason !== undefined) working.reason = new DOMException(reason, 'AbortError');
  current = working;
  return working;
}

export function inWork<T>(working: Working, body: () => T): T {
  return whose.run(working, body);
}

export function endWork(working: Working): void {
  working.over = true;
  working.log?.close();
  current = undefined;
}

/** The way out of this slot. */
export interface Outside {
  tell(message: SlotMessage): void;
  /** A run that has not ended has thrown where nobody catches it: it takes the slot along. */
  fail(error: unknown): void;
  /** A run ends the whole slot, now. */
  beforeEnd?(): void;
}

let outside: Outside | undefined;

/** Before the first work. */
export function connect(to: Outside): void {
  outside = to;
}

export function tell(message: SlotMessage): void {
  outside?.tell(message);
}

export function abortWork({ abort, reason }: AbortMessage): void {
  if (current?.key !== abort) {
    // Every thread hears of every abort; most never get the work.
    early.set(abort, reason);
    if (early.size > MAX_EARLY) early.delete(early.keys().next().value as number);
    return;
  }
  if (current.reason) return;
  current.reason = new DOMException(reason, 'AbortError');
  for (const listener of current.aborts ?? []) listener();
}

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
  if (!owner?.over) {
    outside?.beforeEnd?.();
    return outside?.fail(error);
  }
  owner.log?.addLate(`[after the end of the run: ${thrownMessage(error)}]\n`);
});

const { exit } = process;
process.exit = (code) => {
  if (whose.getStore()?.over) throw new Error(`it called process.exit(${code ?? ''})`);
  outside?.beforeEnd?.();
  return exit.call(process, code);
};
