// The distinct points of a sweep in a few bytes each: ids as two 32-bit words in an open-addressing table, no strings and no
// objects. A million points take about 30 MB with their states. Used by ledger.ts.

export class PointIndex {
  #high = new Uint32Array(1024);
  #low = new Uint32Array(1024);
  /** Slot → index + 1; 0 is empty. Always at least twice as long as there are points. */
  #slots = new Uint32Array(2048);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The index of an id; a new one if it was not there. */
  add(id: string): { index: number; isNew: boolean } {
    const high = Number.parseInt(id.slice(0, 8), 16);
    const low = Number.parseInt(id.slice(8), 16);
    const mask = this.#slots.length - 1;
    // Ids are digests: their bits are as good as any hash.
    let slot = low & mask;
    for (;;) {
      const entry = this.#slots[slot] as number;
      if (entry === 0) break;
      if (this.#high[entry - 1] === high && this.#low[entry - 1] === low) return { index: entry - 1, isNew: false };
      slot = (slot + 1) & mask;
    }
    const index = this.#size++;
    if (index >= this.#high.length) {
      this.#high = grown(this.#high);
      this.#low = grown(this.#low);
    }
    this.#high[index] = high;
    this.#low[index] = low;
    this.#slots[slot] = index + 1;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
    return { index, isNew: true };
  }

  idAt(index: number): string {
    return hex(this.#high[index] as number) + hex(this.#low[index] as number);
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let index = 0; index < this.#size; index++) {
      let slot = (this.#low[index] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = index + 1;
    }
    this.#slots = slots;
  }
}

/** A growing list of 32-bit numbers. */
export class Uint32List {
  #values = new Uint32Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length >= this.#values.length) this.#values = grown(this.#values);
    this.#values[this.length++] = value;
  }

  at(index: number): number {
    return this.#values[index] as number;
  }
}

export function grown(values: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(values.length * 2);
  larger.set(values);
  return larger;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
