// Calls of one function that a slot is given together: a message and a thread that wakes up cost more than a tiny function does. Each
// call has a flag that both sides see, so that a call which the slot has not begun can be taken back: no call waits behind a slow
// neighbour. Used by pool.ts; the other side is slot-calls.ts.
import type { Answers, SlotCode, SlotResult } from './slot-work.js';

/** States of a call, in memory that a pool and its slot share. */
export const FREE = 0;
/** The slot runs it. */
export const TAKEN = 1;
/** The slot has run it; its answer may be on its way. */
export const DONE = 2;
/** The pool has taken it back. */
const RECALLED = 3;

/** Calls with their places, from the first of them on. */
export class CallBatch<Call> {
  readonly calls: readonly Call[];
  readonly flags: Int32Array;
  readonly first: number;
  readonly sentAt = performance.now();
  /** Those without an answer that were not taken back. */
  open: number;
  readonly #answered: Uint8Array;

  constructor(calls: readonly Call[], first: number) {
    this.calls = calls;
    this.first = first;
    this.open = calls.length;
    this.flags = new Int32Array(new SharedArrayBuffer(calls.length * Int32Array.BYTES_PER_ELEMENT));
    this.#answered = new Uint8Array(calls.length);
  }

  has(key: number): boolean {
    return key >= this.first && key < this.first + this.calls.length;
  }

  /** @returns whether the slot had not begun it, and now never will */
  recall(index: number): boolean {
    if (Atomics.compareExchange(this.flags, index, FREE, RECALLED) !== FREE) return false;
    this.open--;
    return true;
  }

  /** Takes back all that the slot has not begun. */
  recallAll(): Call[] {
    return this.calls.filter((_, index) => this.recall(index));
  }

  settle({ first, values, errors }: Answers, answer: (call: Call, result: SlotResult) => void): void {
    const failed = errors === undefined ? undefined : new Map(errors);
    for (let i = 0; i < values.length; i++) {
      const index = first - this.first + i;
      this.#answered[index] = 1;
      this.open--;
      answer(this.calls[index] as Call, failed?.get(i) ?? { kind: 'value', value: values[i] });
    }
  }

  /** The slot is gone. @returns the call that it ran, and those whose answers were lost or that it had not begun */
  lost(): { running: Call[]; others: Call[] } {
    const running: Call[] = [];
    const others: Call[] = [];
    for (const [index, call] of this.calls.entries()) {
      const state = this.flags[index];
      if (this.#answered[index] === 1 || state === RECALLED) continue;
      (state === TAKEN ? running : others).push(call);
    }
    return { running, others };
  }
}

/** A batch is to last about so long, in milliseconds: long beside the message, short beside a human's patience. */
const BATCH_MS = 10;
const MAX_CALLS = 4096;
/** From one batch to the next, while nothing speaks against it. */
const GROWTH = 4;
const MAX_FUNCTIONS = 100;

/** How many calls of a function go together: one at first, then by the time that they took. */
export class BatchSizes {
  readonly #sizes = new Map<string, number>();

  /** @param queued how many calls wait, for all slots together */
  next(code: SlotCode, queued: number, slots: number): number {
    // Some are left for the other slots, fewer and fewer, so that all end at about the same time.
    return Math.min(this.#sizes.get(keyOf(code)) ?? 1, Math.ceil(queued / (2 * slots)));
  }

  /** @param calls how many the slot answered in that time */
  learn(code: SlotCode, calls: number, milliseconds: number): void {
    const key = keyOf(code);
    const before = this.#sizes.get(key) ?? 1;
    const fitting = Math.floor((BATCH_MS * Math.max(calls, 1)) / milliseconds);
    this.#sizes.delete(key);
    this.#sizes.set(key, Math.max(1, Math.min(fitting, Math.max(before, calls) * GROWTH, MAX_CALLS)));
    if (this.#sizes.size > MAX_FUNCTIONS) this.#sizes.delete(this.#sizes.keys().next().value as string);
  }
}

function keyOf({ file, export: name }: SlotCode): string {
  return `${file}#${name}`;
}
