// One thing to wait for where many things may happen: whoever changes something calls `notify`. Not a race of promises, which would
// leave a trace on every promise that outlives it, once for each race. Used by sweep-misses.ts.

export class Wakeup {
  #waiting: (() => void)[] = [];

  /** Resolves at the next `notify`. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  notify(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
