// A pool of slots that run modules. What waits is queued here, so that it is known what runs: a queued piece of work is cancelled at
// once, a running one is asked to stop, and its slot ended after a grace. Used by module-executor.ts and the client.
import type { Isolation } from '@entropic/core';
import type { TaskListener } from '@entropic/core/internal';
import { Batches } from './batches.js';
import { type Flight, type FlightKind, SeatFlight, TaskFlight, type TaskWork } from './flight.js';
import { FlightQueue } from './flight-queue.js';
import { FlightSignals } from './flight-signals.js';
import { ProcessSlots } from './processes.js';
import { GRACE_MS, MAX_TIMER } from './run-context.js';
import type { SlotMessage, SlotResult } from './slot-work.js';
import { type Slots, WorkEnded } from './slots.js';
import { ThreadSlots } from './threads.js';

/**
 * How long a slot is kept from work of a smaller priority than what it did last, in milliseconds: whoever gave it that may only now
 * hear that it is done, and have more.
 */
const KEEP_MS = 25;

export interface PoolOptions extends FlightKind {
  signal?: AbortSignal | undefined;
  /** Cancels it if it has not begun. */
  drain?: AbortSignal | undefined;
  listener?: TaskListener | undefined;
  /** Called when a slot takes it. */
  onStart?: (() => void) | undefined;
}

export class Pool {
  readonly slots: number;
  readonly isolation: Isolation;
  readonly #queue = new FlightQueue();
  /** What runs, and what has only just ended. */
  readonly #running = new Map<number, Flight>();
  readonly #batches: Batches;
  readonly #aborts = new FlightSignals((flight, reason) =>
    this.cancel(flight, reason instanceof Error ? reason.message : 'the run was aborted'),
  );
  readonly #drains = new FlightSignals((flight) => void this.#withdraw(flight));
  /** Both kinds share the queue: there are never more runs than slots. */
  readonly #kinds = new Map<Isolation, Slots>();
  #busy = 0;
  #key = 0;
  /** While a slot is kept free. */
  #keeping: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #idle: (() => void)[] = [];

  /** The slots are started with the first work. */
  constructor(slots: number, isolation: Isolation = 'thread') {
    this.slots = slots;
    this.isolation = isolation;
    this.#batches = new Batches({
      slots,
      queue: this.#queue,
      slotsFor: (flight) => this.#slotsFor(flight),
      freed: (flight) => {
        this.#busy--;
        this.#fillAfter(flight);
      },
      queued: () => this.#fill(),
      answered: () => this.#tellIdle(),
    });
  }

  /** Short work of this kind is better added before a slot is free. */
  batches(kind: FlightKind): boolean {
    return this.#isolationOf(kind) === 'thread';
  }

  get queued(): number {
    return this.#queue.length + this.#batches.waiting;
  }

  get running(): number {
    return this.#busy;
  }

  /** Work is about to come: the slots start meanwhile. */
  warm(isolation?: Isolation): void {
    if (!this.#closing) this.#slotsOf(isolation ?? this.isolation);
  }

  /** Queues it, or begins it where a slot is free. */
  add(flight: Flight): void {
    if (this.#closing) {
      flight.end(new WorkEnded('cancelled'));
      return;
    }
    flight.state = 'queued';
    const before = this.#keeping === undefined ? undefined : this.#queue.peek();
    this.#queue.push(flight);
    if (this.#busy >= this.slots) return;
    if (before === undefined) this.#fill();
    else if (goesBefore(flight, before)) this.#startNext();
  }

  /** Never begins if it was queued, is asked to stop if it runs. Nothing happens to what is over. */
  cancel(flight: Flight, reason: string): void {
    if (this.#withdraw(flight) || flight.state !== 'running') return;
    flight.ending = 'aborted';
    this.#slotsFor(flight).abort(flight.key, reason);
    clearTimeout(flight.timer);
    flight.timer = setTimeout(() => flight.kill?.abort(), GRACE_MS);
  }

  /** @returns whether it had not begun, and now never will */
  #withdraw(flight: Flight): boolean {
    const { state, batch } = flight;
    // In the queue it stays where it is until its turn.
    if (state === 'queued') this.#queue.forgetOne();
    else if (state !== 'running' || !batch?.recall(flight.key - batch.first)) return false;
    flight.end(new WorkEnded('cancelled'));
    return true;
  }

  /** The same as a promise. @throws WorkEnded if there is no answer */
  run(work: TaskWork, { signal, drain, ...options }: PoolOptions = {}): Promise<SlotResult> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted || drain?.aborted) return reject(new WorkEnded('cancelled'));
      const over = () => {
        if (signal) this.#aborts.forget(signal, flight);
        if (drain) this.#drains.forget(drain, flight);
      };
      const flight = new TaskFlight(work, options, { resolve, reject, over });
      if (signal) this.#aborts.watch(signal, flight);
      if (drain) this.#drains.watch(drain, flight);
      this.add(flight);
    });
  }

  /**
   * A slot for a run that the pool does not run itself, in its turn.
   * @returns gives it back; undefined if it was cancelled before its turn
   */
  take({ signal, priority }: Pick<PoolOptions, 'signal' | 'priority'>): Promise<(() => void) | undefined> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve(undefined);
      const over = (giveBack: (() => void) | undefined) => {
        if (signal) this.#aborts.forget(signal, flight);
        resolve(giveBack);
      };
      const flight = new SeatFlight({ priority }, over, () => over(undefined));
      if (signal) this.#aborts.watch(signal, flight);
      this.add(flight);
    });
  }

  /** What waits is cancelled, what runs is awaited; then the slots end. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#keeping);
    for (let flight = this.#queue.shift(); flight; flight = this.#queue.shift()) flight.end(new WorkEnded('cancelled'));
    for (const flight of this.#batches.recallAll()) flight.end(new WorkEnded('cancelled'));
    while (!this.#isIdle) await new Promise<void>((resolve) => this.#idle.push(resolve));
    await Promise.all(Array.from(this.#kinds.values(), (slots) => slots.close()));
  }

  #fill(): void {
    while (this.#busy < this.slots && this.#startNext());
    this.#tellIdle();
  }

  #startNext(): boolean {
    const flight = this.#queue.shift();
    if (flight === undefined) return false;
    if (flight.seat) {
      this.#busy++;
      flight.state = 'running';
      flight.seat(() => {
        this.#busy--;
        this.#fillAfter(flight);
      });
      return true;
    }
    const flights = this.#batches.gather(flight);
    if (flights.length === 1) this.#start(flight);
    else {
      this.#busy++;
      this.#batches.start(flights, this.#key + 1);
      this.#key += flights.length;
    }
    return true;
  }

  /** A slot is free again. */
  #fillAfter(flight: Flight): void {
    const next = this.#queue.peek();
    if (next === undefined || !goesBefore(flight, next)) this.#fill();
    else {
      this.#keeping ??= setTimeout(() => {
        this.#keeping = undefined;
        this.#fill();
      }, KEEP_MS);
    }
  }

  get #isIdle(): boolean {
    return this.#busy === 0 && this.#batches.isEmpty;
  }

  #tellIdle(): void {
    if (this.#isIdle) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #start(flight: Flight): void {
    const key = ++this.#key;
    const kill = new AbortController();
    const started = performance.now();
    flight.take(key, kill);
    this.#running.set(key, flight);
    const done = () => {
      this.#busy--;
      // What a thread told and its answer have two ways: the last words may come a turn after the answer.
      if (flight.listener) setImmediate(() => setImmediate(() => this.#running.delete(key)));
      else this.#running.delete(key);
      this.#batches.learn(flight, performance.now() - started);
      // First the slot, so that it is not idle while the answer is looked at.
      this.#fillAfter(flight);
    };
    this.#busy++;
    flight.started();
    this.#slotsFor(flight)
      .start(flight.work(key), { kill: kill.signal, memoryLimit: flight.kind.memoryLimit })
      .then(
        (result) => {
          done();
          flight.answer(result);
        },
        (error) => {
          done();
          flight.end(flight.ending ? new WorkEnded(flight.ending) : error);
        },
      );
  }

  #slotsFor({ kind }: Flight): Slots {
    return this.#slotsOf(this.#isolationOf(kind));
  }

  #isolationOf({ isolation, memoryLimit }: FlightKind): Isolation {
    return memoryLimit === undefined ? (isolation ?? this.isolation) : 'process';
  }

  #slotsOf(isolation: Isolation): Slots {
    let slots = this.#kinds.get(isolation);
    if (!slots) {
      const hear = (message: SlotMessage) => this.#hear(message);
      slots = isolation === 'process' ? new ProcessSlots(hear) : new ThreadSlots(this.slots, hear);
      this.#kinds.set(isolation, slots);
    }
    return slots;
  }

  #hear(message: SlotMessage): void {
    if (message.type === 'answers') {
      this.#batches.hear(message.answers);
      return;
    }
    const flight = this.#running.get(message.key) ?? this.#batches.flightOf(message.key);
    if (!flight) return;
    if (message.type === 'progress') flight.listener?.progress(message.fraction, message.note);
    else if (message.type === 'log') flight.listener?.log(message.text);
    else if (flight.state === 'running' && flight.ending === undefined) {
      // Now it runs: a slot that had to be started first took none of its time. `run.signal` aborts by the run's own timer.
      clearTimeout(flight.timer);
      const milliseconds = Math.min((flight.kind.timeout ?? 0) * 1000 + GRACE_MS, MAX_TIMER);
      flight.timer = setTimeout(() => {
        flight.ending = 'timeout';
        flight.kill?.abort();
      }, milliseconds);
    }
  }
}

function goesBefore({ kind: { priority = 0 } }: Flight, other: Flight): boolean {
  return priority > (other.kind.priority ?? 0);
}
