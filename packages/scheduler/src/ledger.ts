// What a sweep knows of its points: the order of places, the order of completion, and no more of each than must be kept. Outcomes
// that nobody has taken yet are read again from the store. Used by sweep.ts and sweep-handle.ts.
import type { RunFailedError } from '@entropic/core';
import type { AnyRecord, Point } from '@entropic/core/internal';
import { PointIndex, Uint32List } from './point-index.js';

export type SweepStatus = 'cached' | 'finished' | 'failed' | 'cancelled';

/** One completed point, as users of untyped code see it. */
export interface AnyOutcome {
  status: SweepStatus;
  id: string;
  params: Readonly<Record<string, unknown>>;
  record?: AnyRecord;
  error?: RunFailedError;
}

/** How far a sweep is. */
export interface SweepProgress {
  /** Points of the source, duplicates included; null while a generator is not exhausted. */
  total: number | null;
  cached: number;
  finished: number;
  failed: number;
  cancelled: number;
  running: number;
  /** Known and waiting. */
  queued: number;
}

/** Outcomes kept as they are for a reader that is close behind. */
const RECENT = 4096;

export class Ledger {
  readonly #index = new PointIndex();
  /** Place → distinct point. */
  readonly #places = new Uint32List();
  /** Distinct point → its first place. */
  readonly #firstPlaces = new Uint32List();
  /** Distinct point → its further places, until it completes. */
  readonly #copies = new Map<number, number>();
  /** Distinct points in the order of their completion. */
  readonly #completed = new Uint32List();
  #statuses = new Uint8Array(1024);
  readonly #recent = new Map<number, AnyOutcome>();
  /** What the store cannot tell again. */
  readonly #kept = new Map<number, AnyOutcome>();
  readonly failures: RunFailedError[] = [];
  /** All outcomes, where an `await` will ask for the records. */
  #records: (AnyRecord | undefined)[] | undefined;
  readonly counts = { cached: 0, finished: 0, failed: 0, cancelled: 0 };
  #waiting: (() => void)[] = [];
  #ended = false;
  /** Whether an outcome without a record must be kept: its params cannot be had again from its place. */
  readonly #keepAll: boolean;

  /** @param readOnce the points come from a generator */
  constructor(readOnce: boolean) {
    this.#keepAll = readOnce;
  }

  /** Somebody awaits the records: they are kept instead of read twice. Before the first completion. */
  keepRecords(): void {
    this.#records ??= [];
  }

  /** A point at the next place. @returns its index, if it was not there before */
  place(point: Point): number | undefined {
    const { index, isNew } = this.#index.add(point.id);
    this.#places.push(index);
    if (isNew) {
      this.#firstPlaces.push(this.#places.length - 1);
      return index;
    }
    const status = this.#statusOf(index);
    if (status) this.counts[asCopy(status)]++;
    else this.#copies.set(index, (this.#copies.get(index) ?? 0) + 1);
    return undefined;
  }

  complete(index: number, outcome: AnyOutcome): void {
    const code = CODES.indexOf(outcome.status) + 1;
    if (index >= this.#statuses.length) {
      const larger = new Uint8Array(Math.max(this.#statuses.length * 2, index + 1));
      larger.set(this.#statuses);
      this.#statuses = larger;
    }
    this.#statuses[index] = code;
    this.counts[outcome.status]++;
    this.counts[asCopy(outcome.status)] += this.#copies.get(index) ?? 0;
    this.#copies.delete(index);
    this.#completed.push(index);
    if (outcome.error) this.failures.push(outcome.error);
    // A million cancelled points are made again when somebody asks; a failure is told by nobody else.
    if (outcome.error || (outcome.record === undefined && this.#keepAll)) this.#kept.set(index, outcome);
    if (this.#records) this.#records[index] = outcome.record;
    else {
      this.#recent.set(index, outcome);
      if (this.#recent.size > RECENT) this.#recent.delete(this.#recent.keys().next().value as number);
    }
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  get ended(): boolean {
    return this.#ended;
  }

  get completedCount(): number {
    return this.#completed.length;
  }

  get placeCount(): number {
    return this.#places.length;
  }

  get distinctCount(): number {
    return this.#index.size;
  }

  /** The index of a point that has a place. */
  indexOf(id: string): number {
    return this.#index.add(id).index;
  }

  idAt(index: number): string {
    return this.#index.idAt(index);
  }

  /** The distinct point at a place, and at a position in the order of completion. */
  indexAtPlace(place: number): number {
    return this.#places.at(place);
  }

  indexCompletedAt(position: number): number {
    return this.#completed.at(position);
  }

  firstPlaceOf(index: number): number {
    return this.#firstPlaces.at(index);
  }

  statusOf(index: number): SweepStatus | undefined {
    return this.#statusOf(index);
  }

  /** The outcome, if it need not be read again. */
  outcomeAt(index: number): AnyOutcome | undefined {
    return this.#kept.get(index) ?? this.#recent.get(index);
  }

  recordAt(index: number): AnyRecord | undefined {
    return this.#records?.[index] ?? this.#recent.get(index)?.record;
  }

  /** Lets go of an outcome that its only reader has taken. */
  taken(index: number): void {
    this.#recent.delete(index);
  }

  /** Until something completes or the sweep ends. */
  untilMore(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #statusOf(index: number): SweepStatus | undefined {
    const code = this.#statuses[index] ?? 0;
    return code === 0 ? undefined : CODES[code - 1];
  }
}

/** A point that was run once has its result from the cache at its further places. */
function asCopy(status: SweepStatus): SweepStatus {
  return status === 'finished' ? 'cached' : status;
}

const CODES: readonly SweepStatus[] = ['cached', 'finished', 'failed', 'cancelled'];
