// Misses on their way from the look-up to the runs: bounded, so that a million points are not in memory at once. Used by sweep.ts
// and sweep-misses.ts.
import type { Wakeup } from './wakeup.js';

/** Misses that wait before the look-up pauses. */
const LIMIT = 2000;

export class MissQueue<T> {
  #items: T[] = [];
  #ended = false;
  readonly #changed: Wakeup;

  /** @param changed told of every change here; whoever waits for a change waits there */
  constructor(changed: Wakeup) {
    this.#changed = changed;
  }

  get length(): number {
    return this.#items.length;
  }

  /** Nothing will be pushed any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves when there is room again, or the signal aborts. */
  async push(items: readonly T[], signal: AbortSignal): Promise<void> {
    if (items.length === 0) return;
    for (const item of items) this.#items.push(item);
    this.#changed.notify();
    while (this.#items.length > LIMIT && !signal.aborted) await this.#changed.wait();
  }

  take(count: number): T[] {
    const taken = this.#items.splice(0, count);
    this.#changed.notify();
    return taken;
  }

  /** In front of all others. */
  putBack(items: readonly T[]): void {
    this.#items = [...items, ...this.#items];
    this.#changed.notify();
  }

  end(): void {
    this.#ended = true;
    this.#changed.notify();
  }

  /** All that is left, after the end. */
  async rest(): Promise<T[]> {
    while (!this.#ended) await this.#changed.wait();
    return this.take(Number.POSITIVE_INFINITY);
  }
}
