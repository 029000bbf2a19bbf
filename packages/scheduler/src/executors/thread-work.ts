// What travels between a pool and its threads: plain data. Shared by threads.ts and thread-entry.ts.
import type { Outcome, Task, WireError } from '@entropic/core/internal';

/** Code to run: one export of one bundle. */
export interface ThreadCode {
  file: string;
  url: string;
  export: string;
}

/** A task of a store, or a call of a client that has no store. */
export type ThreadWork = { key: number; code: ThreadCode; announce: boolean } & (
  | { kind: 'task'; task: Task }
  | { kind: 'call'; name: string; params: unknown; timeout: number | undefined }
);

export type ThreadResult =
  | { kind: 'task'; outcome: Outcome }
  | { kind: 'value'; value: unknown }
  | { kind: 'error'; error: WireError; reason: 'exception' | 'code' | 'timeout' };

/** What a thread tells while it works. `control` comes once, with the port that takes aborts. */
export type ThreadMessage =
  | { type: 'control'; port: import('node:worker_threads').MessagePort }
  /** Its code is about to be loaded; and again, its function about to be called. */
  | { type: 'started'; key: number }
  | { type: 'progress'; key: number; fraction: number; note: string | undefined }
  | { type: 'log'; key: number; text: string };

/** To a thread: abort the run of this key, if it has it. */
export interface AbortMessage {
  abort: number;
  reason: string;
}

/** Set in every thread that runs simulations: a store opened there would be a program that runs itself again. */
export const INSIDE_RUN = Symbol.for('entropic.insideRun');
