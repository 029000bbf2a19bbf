// Work of one function that a slot is given together: a message and a thread that wakes up cost more than a short run does. Each piece
// has a flag that both sides see, so that one which the slot has not begun can be taken back: nothing waits behind a slow neighbour.
// Used by batches.ts; the other side is slot-batch.ts.
import type { Outcome } from '@entropic/core/internal';
import type { Answers, SlotResult } from './slot-work.js';

/** States of a piece, in memory that a pool and its slot share. */
export const FREE = 0;
/** The slot runs it. */
export const TAKEN = 1;
/** The slot has run it; its answer is, or will soon be, on its way. */
export const DONE = 2;
/** The pool has taken it back. */
const RECALLED = 3;

/** Calls, or tasks, with their places from the first of them on. */
export class Batch<Piece> {
  readonly kind: 'calls' | 'tasks';
  readonly pieces: readonly Piece[];
  readonly flags: Int32Array;
  readonly first: number;
  readonly sentAt = performance.now();
  /** Those without an answer that were not taken back. */
  open: number;
  readonly #answered: Uint8Array;

  constructor(kind: 'calls' | 'tasks', pieces: readonly Piece[], first: number) {
    this.kind = kind;
    this.pieces = pieces;
    this.first = first;
    this.open = pieces.length;
    this.flags = new Int32Array(new SharedArrayBuffer(pieces.length * Int32Array.BYTES_PER_ELEMENT));
    this.#answered = new Uint8Array(pieces.length);
  }

  /** Those that the slot has run. */
  get doneCount(): number {
    return this.flags.reduce((count, state) => count + (state === DONE ? 1 : 0), 0);
  }

  /** The first that has no answer and was not taken back. */
  get next(): Piece | undefined {
    return this.pieces.find((_, index) => this.#answered[index] === 0 && this.flags[index] !== RECALLED);
  }

  has(key: number): boolean {
    return key >= this.first && key < this.first + this.pieces.length;
  }

  /** @returns whether the slot had not begun it, and now never will */
  recall(index: number): boolean {
    if (Atomics.compareExchange(this.flags, index, FREE, RECALLED) !== FREE) return false;
    this.open--;
    return true;
  }

  /** Takes back all that the slot has not begun. */
  recallAll(): Piece[] {
    return this.pieces.filter((_, index) => this.recall(index));
  }

  settle({ first, values, errors }: Answers, answer: (piece: Piece, result: SlotResult) => void): void {
    const failed = errors === undefined ? undefined : new Map(errors);
    for (let i = 0; i < values.length; i++) {
      const index = first - this.first + i;
      this.#answered[index] = 1;
      this.open--;
      answer(this.pieces[index] as Piece, failed?.get(i) ?? this.#result(values[i]));
    }
  }

  /**
   * The slot is gone. A call whose answer was lost may be made again; a task may not: it is one of those that ran.
   * @returns what ran, and what may be given to another slot
   */
  lost(): { running: Piece[]; others: Piece[] } {
    const running: Piece[] = [];
    const others: Piece[] = [];
    for (const [index, piece] of this.pieces.entries()) {
      const state = this.flags[index];
      if (this.#answered[index] === 1 || state === RECALLED) continue;
      const ran = state === TAKEN || (state === DONE && this.kind === 'tasks');
      (ran ? running : others).push(piece);
    }
    return { running, others };
  }

  #result(value: unknown): SlotResult {
    return this.kind === 'tasks' ? { kind: 'task', outcome: value as Outcome } : { kind: 'value', value };
  }
}
