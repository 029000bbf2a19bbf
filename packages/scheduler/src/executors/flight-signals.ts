// Whose abort ends which work: a million points may share one signal, which gets one listener of a pool. Used by pool.ts.
import type { Flight } from './flight.js';

export class FlightSignals {
  readonly #onAbort: (flight: Flight, reason: unknown) => void;
  readonly #watched = new Map<AbortSignal, { flights: Set<Flight>; listener: () => void }>();

  constructor(onAbort: (flight: Flight, reason: unknown) => void) {
    this.#onAbort = onAbort;
  }

  watch(signal: AbortSignal, flight: Flight): void {
    let watched = this.#watched.get(signal);
    if (!watched) {
      const flights = new Set<Flight>();
      const listener = () => {
        this.#watched.delete(signal);
        for (const one of flights) this.#onAbort(one, signal.reason);
      };
      signal.addEventListener('abort', listener, { once: true });
      watched = { flights, listener };
      this.#watched.set(signal, watched);
    }
    watched.flights.add(flight);
  }

  forget(signal: AbortSignal, flight: Flight): void {
    const watched = this.#watched.get(signal);
    if (!watched?.flights.delete(flight) || watched.flights.size > 0) return;
    signal.removeEventListener('abort', watched.listener);
    this.#watched.delete(signal);
  }
}
