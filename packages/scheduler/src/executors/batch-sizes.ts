// How much of one function's work goes to a slot together: one piece at first, then by the time that the last ones took. Used by
// batches.ts.
import type { SlotCode } from './slot-work.js';

/** A batch is to last about so long, in milliseconds: long beside the message, short beside a human's patience. */
const BATCH_MS = 10;
const MAX_PIECES = 4096;
/** From one batch to the next, while nothing speaks against it. */
const GROWTH = 4;
const MAX_FUNCTIONS = 100;

interface Sized {
  readonly code: SlotCode;
  readonly task?: unknown;
}

export class BatchSizes {
  readonly #sizes = new Map<string, number>();

  /** @param queued how many pieces wait, for all slots together */
  next(work: Sized, queued: number, slots: number): number {
    // Some are left for the other slots, fewer and fewer, so that all end at about the same time.
    return Math.min(this.#sizes.get(keyOf(work)) ?? 1, Math.ceil(queued / (2 * slots)));
  }

  /** @param count how many the slot answered in that time */
  learn(work: Sized, count: number, milliseconds: number): void {
    const key = keyOf(work);
    const before = this.#sizes.get(key) ?? 1;
    const fitting = Math.floor((BATCH_MS * Math.max(count, 1)) / milliseconds);
    this.#sizes.delete(key);
    this.#sizes.set(key, Math.max(1, Math.min(fitting, Math.max(before, count) * GROWTH, MAX_PIECES)));
    if (this.#sizes.size > MAX_FUNCTIONS) this.#sizes.delete(this.#sizes.keys().next().value as string);
  }
}

/** A function takes its own time as a call, and another with a result file to seal. */
function keyOf({ code: { file, export: name }, task }: Sized): string {
  return `${task === undefined ? 'call' : 'task'} ${file}#${name}`;
}
