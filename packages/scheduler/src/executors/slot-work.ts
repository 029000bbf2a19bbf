// What travels between a pool and its slots, threads or processes: plain data. Shared by both sides.
import type { Outcome, Task, WireError } from '@entropic/core/internal';

/** Code to run: one export of one bundle. */
export interface SlotCode {
  file: string;
  url: string;
  export: string;
}

/** A task of a store, or a call of a client that has no store. */
export type SlotWork = { key: number; code: SlotCode; announce: boolean } & (
  | { kind: 'task'; task: Task }
  | { kind: 'call'; name: string; params: unknown; timeout: number | undefined }
);

/** Work of one function with the keys `first`, `first + 1`, …; see batch.ts. */
export type SlotBatch = {
  code: SlotCode;
  first: number;
  /** Shared. */
  flags: Int32Array;
} & (
  | { kind: 'calls'; names: readonly string[]; params: readonly unknown[] }
  | { kind: 'tasks'; tasks: readonly Task[] }
);

export type CallResult =
  | { kind: 'value'; value: unknown }
  | { kind: 'error'; error: WireError; reason: 'exception' | 'code' | 'timeout' };

export type SlotResult = { kind: 'task'; outcome: Outcome } | CallResult;

/** Of a batch, from the key `first` on: values, and errors at their places among them; of tasks their outcomes. */
export interface Answers {
  first: number;
  values: readonly unknown[];
  errors?: readonly (readonly [index: number, error: CallResult])[];
}

/** What a slot tells while it works. */
export type SlotMessage =
  /** Its code is about to be loaded; and again, its function about to be called. */
  | { type: 'started'; key: number }
  | { type: 'progress'; key: number; fraction: number; note: string | undefined }
  | { type: 'log'; key: number; text: string }
  | { type: 'answers'; answers: Answers };

/** To a slot: abort the run of this key, if it has it. */
export interface AbortMessage {
  abort: number;
  reason: string;
}

/** Set in every slot that runs simulations: a store opened there would be a program that runs itself again. */
export const INSIDE_RUN = Symbol.for('entropic.insideRun');
