// What a pool has given to its slots in batches: how much goes together, what is taken back because a neighbour is slow, and what
// becomes of the rest when a slot dies. Made by pool.ts; one batch is batch.ts.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Task } from '@entropic/core/internal';
import { Batch } from './batch.js';
import { BatchSizes } from './batch-sizes.js';
import type { Flight } from './flight.js';
import type { FlightQueue } from './flight-queue.js';
import type { Answers, SlotBatch, SlotCode } from './slot-work.js';
import { type Slots, WorkEnded } from './slots.js';

/** After so many milliseconds what a batch has not begun is given to others. */
const RECALL_MS = 25;

export interface BatchOwner {
  readonly slots: number;
  readonly queue: FlightQueue;
  slotsFor(flight: Flight): Slots;
  /** The slot that had this one, first of its batch, is free. */
  freed(flight: Flight): void;
  /** Something was put back into the queue. */
  queued(): void;
  /** Answers came, perhaps the last ones; whose slot is free is told by `freed`. */
  answered(): void;
}

export class Batches {
  readonly #owner: BatchOwner;
  readonly #open = new Set<Batch<Flight>>();
  readonly #sizes = new BatchSizes();
  #recall: NodeJS.Timeout | undefined;

  constructor(owner: BatchOwner) {
    this.#owner = owner;
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** What slots have and do not run yet. */
  get waiting(): number {
    let waiting = 0;
    for (const { open } of this.#open) waiting += Math.max(0, open - 1);
    return waiting;
  }

  /** Out of the queue, with this one: those right behind it that may go in the same batch. */
  gather(first: Flight): Flight[] {
    const flights = [first];
    const { queue, slots: count } = this.#owner;
    const slots = this.#owner.slotsFor(first);
    if (!isBatched(first) || !slots.startBatch) return flights;
    const size = this.#sizes.next(first, queue.length + 1, count);
    while (flights.length < size) {
      const next = queue.peek();
      if (!next || !goTogether(first, next) || this.#owner.slotsFor(next) !== slots) break;
      flights.push(queue.shift() as Flight);
    }
    return flights;
  }

  /** One that went alone tells how many may go together. */
  learn(flight: Flight, milliseconds: number): void {
    this.#sizes.learn(flight, 1, milliseconds);
  }

  start(flights: readonly Flight[], firstKey: number): void {
    const first = flights[0] as Flight;
    const batch = new Batch(first.call ? 'calls' : 'tasks', flights, firstKey);
    const kill = new AbortController();
    for (const [i, flight] of flights.entries()) flight.take(firstKey + i, kill, batch);
    this.#open.add(batch);
    first.started();
    this.#recall ??= setTimeout(() => this.#recallLate(), RECALL_MS);
    this.#owner
      .slotsFor(first)
      .startBatch?.(orderOf(batch), { kill: kill.signal })
      .then(
        (answers) => {
          this.#sizes.learn(first, batch.doneCount, performance.now() - batch.sentAt);
          this.#settle(batch, answers);
          this.#owner.freed(first);
        },
        async (error) => {
          // What was told before the end comes by another way, perhaps later.
          await nextTurn();
          await nextTurn();
          const { running, others } = batch.lost();
          this.#open.delete(batch);
          // What cannot be sent together is sent alone: its neighbours are not to blame.
          const alone = running.length === 0 && others.length === flights.length;
          if (alone) for (const flight of others) flight.alone = true;
          for (const flight of running) flight.end(flight.ending ? new WorkEnded(flight.ending) : error);
          this.#putBack(others);
          this.#owner.freed(first);
        },
      );
  }

  /** What a slot told before the end of its batch. */
  hear(answers: Answers): void {
    for (const batch of this.#open) if (batch.has(answers.first)) this.#settle(batch, answers);
    this.#owner.answered();
  }

  /** Of a piece of work that runs in a batch. */
  flightOf(key: number): Flight | undefined {
    for (const batch of this.#open) if (batch.has(key)) return batch.pieces[key - batch.first];
    return undefined;
  }

  /** Takes back all that no slot has begun. */
  recallAll(): Flight[] {
    return [...this.#open].flatMap((batch) => batch.recallAll());
  }

  #settle(batch: Batch<Flight>, answers: Answers): void {
    batch.settle(answers, (flight, result) => flight.answer(result));
    // The last answers may come before others that were told on another way.
    if (batch.open === 0) this.#open.delete(batch);
    else if (batch.kind === 'tasks') batch.next?.started();
  }

  #putBack(flights: readonly Flight[]): void {
    const wanted = flights.filter(({ ending }) => ending === undefined);
    for (const flight of flights) if (flight.ending) flight.end(new WorkEnded('cancelled'));
    for (const flight of wanted) flight.putBack();
    this.#owner.queue.putBack(wanted);
  }

  /** A batch that lasts longer than it should has a slow one: those behind it do not wait for it. */
  #recallLate(): void {
    this.#recall = undefined;
    const now = performance.now();
    for (const batch of this.#open) {
      if (now - batch.sentAt >= RECALL_MS - 1) this.#putBack(batch.recallAll());
    }
    if (this.#open.size > 0) this.#recall = setTimeout(() => this.#recallLate(), RECALL_MS);
    this.#owner.queued();
  }
}

function orderOf({ kind, pieces, first, flags }: Batch<Flight>): SlotBatch {
  const { code } = pieces[0] as Flight;
  if (kind === 'tasks') return { kind, code, first, flags, tasks: pieces.map((flight) => flight.task as Task) };
  const names: string[] = [];
  const params: unknown[] = [];
  for (const { call } of pieces) {
    names.push(call?.name ?? '');
    params.push(call?.params);
  }
  return { kind, code, first, flags, names, params };
}

/** A timeout needs a message at its start, which a batch does not have. */
function isBatched({ call, task, kind, alone }: Flight): boolean {
  return (call ?? task) !== undefined && kind.timeout === undefined && !alone;
}

function goTogether(first: Flight, next: Flight): boolean {
  const same = (first.call === undefined) === (next.call === undefined);
  const priority = (first.kind.priority ?? 0) === (next.kind.priority ?? 0);
  return same && priority && isBatched(next) && sameCode(first.code, next.code);
}

function sameCode(a: SlotCode, b: SlotCode): boolean {
  return a === b || (a.file === b.file && a.export === b.export);
}
