// What waits for a slot: the larger priority first, then first come, first served. What was cancelled is passed over. Used by pool.ts.
import { Fifo } from './fifo.js';
import type { Flight } from './flight.js';

interface Level {
  priority: number;
  flights: Fifo<Flight>;
}

export class FlightQueue {
  /** By priority, the largest first. Nearly always one. */
  #levels: Level[] = [];
  #length = 0;

  /** Without those that were cancelled. */
  get length(): number {
    return this.#length;
  }

  push(flight: Flight): void {
    this.#level(flight).push(flight);
    this.#length++;
  }

  /** In front of all others of their priority, in their order. */
  putBack(flights: readonly Flight[]): void {
    const [first] = flights;
    if (first === undefined) return;
    // They come from one batch, and so have one priority.
    this.#level(first).putBack(flights);
    this.#length += flights.length;
  }

  /** It stays where it is until its turn, and is passed over then. */
  forgetOne(): void {
    this.#length--;
  }

  peek(): Flight | undefined {
    for (let level = this.#levels[0]; level; level = this.#levels[0]) {
      for (let flight = level.flights.peek(); flight; flight = level.flights.peek()) {
        if (flight.state === 'queued') return flight;
        level.flights.shift();
      }
      this.#levels.shift();
    }
    return undefined;
  }

  shift(): Flight | undefined {
    const flight = this.peek();
    if (flight === undefined) return undefined;
    this.#levels[0]?.flights.shift();
    this.#length--;
    return flight;
  }

  #level({ kind: { priority = 0 } }: Flight): Fifo<Flight> {
    const [first] = this.#levels;
    if (first?.priority === priority) return first.flights;
    let level = this.#levels.find((one) => one.priority === priority);
    if (!level) {
      level = { priority, flights: new Fifo() };
      this.#levels = [...this.#levels, level].sort((a, b) => b.priority - a.priority);
    }
    return level.flights;
  }
}
