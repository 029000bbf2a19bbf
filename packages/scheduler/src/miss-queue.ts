// Misses on their way from the look-up to the runs: bounded, so that a million points are not in memory at once. Used by sweep.ts.

/** Misses that wait before the look-up pauses. */
const LIMIT = 2000;

export class MissQueue<T> {
  #items: T[] = [];
  #ended = false;
  #changed: (() => void)[] = [];

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
    this.#items.push(...items);
    this.#notify();
    while (this.#items.length > LIMIT && !signal.aborted) await this.#change(signal);
  }

  take(count: number): T[] {
    const taken = this.#items.splice(0, count);
    this.#notify();
    return taken;
  }

  /** In front of all others. */
  putBack(items: readonly T[]): void {
    this.#items = [...items, ...this.#items];
    this.#notify();
  }

  end(): void {
    this.#ended = true;
    this.#notify();
  }

  /** Until something was pushed or the end. */
  async untilMore(signal: AbortSignal): Promise<void> {
    if (this.#items.length === 0 && !this.#ended && !signal.aborted) await this.#change(signal);
  }

  /** All that is left, after the end. */
  async rest(): Promise<T[]> {
    const never = new AbortController().signal;
    const taken = this.take(Number.POSITIVE_INFINITY);
    while (!this.#ended) {
      await this.untilMore(never);
      taken.push(...this.take(Number.POSITIVE_INFINITY));
    }
    return taken;
  }

  async #change(signal: AbortSignal): Promise<void> {
    let listener!: () => void;
    await new Promise<void>((resolve) => {
      listener = resolve;
      this.#changed.push(resolve);
      signal.addEventListener('abort', listener, { once: true });
    });
    signal.removeEventListener('abort', listener);
  }

  #notify(): void {
    const waiting = this.#changed;
    this.#changed = [];
    for (const resolve of waiting) resolve();
  }
}
