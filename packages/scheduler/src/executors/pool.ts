// A pool of slots that run modules. What waits is queued here, so that it is known what runs: a queued piece of work is cancelled at
// once, a running one is asked to stop, and its slot ended after a grace. Used by module-executor.ts and the client.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Isolation } from '@entropic/core';
import type { TaskListener } from '@entropic/core/internal';
import { BatchSizes, CallBatch } from './call-batch.js';
import { type Flight, type FlightKind, SeatFlight, TaskFlight, type TaskWork } from './flight.js';
import { FlightQueue } from './flight-queue.js';
import { ProcessSlots } from './processes.js';
import { GRACE_MS, MAX_TIMER } from './run-context.js';
import type { Answers, SlotCode, SlotMessage, SlotResult } from './slot-work.js';
import { type Slots, WorkEnded } from './slots.js';
import { ThreadSlots } from './threads.js';

/** After so many milliseconds what a batch has not begun is given to others. */
const RECALL_MS = 25;
/**
 * How long a slot is kept from work of a smaller priority than what it did last, in milliseconds: whoever gave it that may only now
 * hear that it is done, and have more.
 */
const KEEP_MS = 25;

export interface PoolOptions extends FlightKind {
  signal?: AbortSignal | undefined;
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
  readonly #batches = new Set<CallBatch<Flight>>();
  readonly #sizes = new BatchSizes();
  /** Both kinds share the queue: there are never more runs than slots. */
  readonly #kinds = new Map<Isolation, Slots>();
  #busy = 0;
  #key = 0;
  #recall: NodeJS.Timeout | undefined;
  /** While a slot is kept free. */
  #keeping: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #idle: (() => void)[] = [];

  /** The slots are started with the first work. */
  constructor(slots: number, isolation: Isolation = 'thread') {
    this.slots = slots;
    this.isolation = isolation;
  }

  get queued(): number {
    let waiting = this.#queue.length;
    for (const { open } of this.#batches) waiting += Math.max(0, open - 1);
    return waiting;
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
    if (flight.state === 'queued') {
      // It stays in the queue until its turn.
      this.#queue.forgetOne();
      flight.end(new WorkEnded('cancelled'));
    } else if (flight.state === 'running') {
      const { batch } = flight;
      if (batch?.recall(flight.key - batch.first)) flight.end(new WorkEnded('cancelled'));
      else {
        flight.ending = 'aborted';
        this.#slotsFor(flight).abort(flight.key, reason);
        clearTimeout(flight.timer);
        flight.timer = setTimeout(() => flight.kill?.abort(), GRACE_MS);
      }
    }
  }

  /** The same as a promise. @throws WorkEnded if there is no answer */
  run(work: TaskWork, { signal, ...options }: PoolOptions = {}): Promise<SlotResult> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new WorkEnded('cancelled'));
      const onAbort = () =>
        this.cancel(flight, signal?.reason instanceof Error ? signal.reason.message : 'the run was aborted');
      // One signal may serve a million points.
      const over = () => signal?.removeEventListener('abort', onAbort);
      const flight = new TaskFlight(work, options, { resolve, reject, over });
      signal?.addEventListener('abort', onAbort, { once: true });
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
      const onAbort = () => this.cancel(flight, 'the run was aborted');
      const over = (giveBack: (() => void) | undefined) => {
        signal?.removeEventListener('abort', onAbort);
        resolve(giveBack);
      };
      const flight = new SeatFlight({ priority }, over, () => over(undefined));
      signal?.addEventListener('abort', onAbort, { once: true });
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
    for (const batch of this.#batches) for (const flight of batch.recallAll()) flight.end(new WorkEnded('cancelled'));
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
    const calls = this.#callsLike(flight);
    if (calls.length > 1) this.#startCalls(calls);
    else this.#start(flight);
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
    return this.#busy === 0 && this.#batches.size === 0;
  }

  #tellIdle(): void {
    if (this.#isIdle) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** With it, those right behind it that may go in the same batch. */
  #callsLike(flight: Flight): Flight[] {
    const calls = [flight];
    const slots = this.#slotsFor(flight);
    if (!isBatched(flight) || !slots.startCalls) return calls;
    const { code } = flight;
    const size = this.#sizes.next(code, this.#queue.length + 1, this.slots);
    while (calls.length < size) {
      const next = this.#queue.peek();
      if (!next || !isBatched(next) || !sameCode(next.code, code) || this.#slotsFor(next) !== slots) break;
      calls.push(this.#queue.shift() as Flight);
    }
    return calls;
  }

  #start(flight: Flight): void {
    const key = ++this.#key;
    const kill = new AbortController();
    const { code } = flight;
    const started = performance.now();
    flight.take(key, kill);
    this.#running.set(key, flight);
    const done = () => {
      this.#busy--;
      // What a thread told and its answer have two ways: the last words may come a turn after the answer.
      if (flight.listener) setImmediate(() => setImmediate(() => this.#running.delete(key)));
      else this.#running.delete(key);
      if (flight.call) this.#sizes.learn(code, 1, performance.now() - started);
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

  #startCalls(calls: Flight[]): void {
    const slots = this.#slotsFor(calls[0] as Flight);
    const batch = new CallBatch(calls, this.#key + 1);
    const kill = new AbortController();
    const names: string[] = [];
    const params: unknown[] = [];
    for (const flight of calls) {
      flight.take(++this.#key, kill, batch);
      const { call } = flight;
      names.push(call?.name ?? '');
      params.push(call?.params);
    }
    const { code } = calls[0] as Flight;
    const { first, flags } = batch;
    this.#busy++;
    this.#batches.add(batch);
    calls[0]?.started();
    this.#recall ??= setTimeout(() => this.#recallLate(), RECALL_MS);
    slots.startCalls?.({ kind: 'calls', code, first, names, params, flags }, { kill: kill.signal }).then(
      (answers) => {
        this.#sizes.learn(code, answers.first + answers.values.length - first, performance.now() - batch.sentAt);
        this.#busy--;
        this.#settle(batch, answers);
        this.#fill();
      },
      async (error) => {
        // What was told before the end comes by another way, perhaps later.
        await afterMessages();
        const { running, others } = batch.lost();
        this.#busy--;
        this.#batches.delete(batch);
        // What cannot be sent together is sent alone: its neighbours are not to blame.
        const alone = running.length === 0 && others.length === calls.length;
        if (alone) for (const flight of others) flight.alone = true;
        for (const flight of running) flight.end(flight.ending ? new WorkEnded(flight.ending) : error);
        this.#putBack(others);
        this.#fill();
      },
    );
  }

  #settle(batch: CallBatch<Flight>, answers: Answers): void {
    batch.settle(answers, (flight, result) => flight.answer(result));
    // The last answers may come before others that were told on another way.
    if (batch.open === 0) this.#batches.delete(batch);
  }

  #putBack(flights: readonly Flight[]): void {
    const wanted = flights.filter(({ ending }) => ending === undefined);
    for (const flight of flights) if (flight.ending) flight.end(new WorkEnded('cancelled'));
    for (const flight of wanted) flight.putBack();
    this.#queue.putBack(wanted);
  }

  /** A batch that lasts longer than it should has a slow call: those behind it do not wait for it. */
  #recallLate(): void {
    this.#recall = undefined;
    const now = performance.now();
    for (const batch of this.#batches) {
      if (now - batch.sentAt >= RECALL_MS - 1) this.#putBack(batch.recallAll());
    }
    if (this.#batches.size > 0) this.#recall = setTimeout(() => this.#recallLate(), RECALL_MS);
    this.#fill();
  }

  #slotsFor({ kind: { isolation, memoryLimit } }: Flight): Slots {
    return this.#slotsOf(memoryLimit === undefined ? (isolation ?? this.isolation) : 'process');
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
      const { first } = message.answers;
      for (const batch of this.#batches) if (batch.has(first)) this.#settle(batch, message.answers);
      this.#tellIdle();
      return;
    }
    const flight = this.#running.get(message.key);
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

/** A timeout needs a message at its start, which a batch does not have. */
function isBatched({ call, kind, alone }: Flight): boolean {
  return call !== undefined && kind.timeout === undefined && !alone;
}

function sameCode(a: SlotCode, b: SlotCode): boolean {
  return a === b || (a.file === b.file && a.export === b.export);
}

async function afterMessages(): Promise<void> {
  await nextTurn();
  await nextTurn();
}

function goesBefore({ kind: { priority = 0 } }: Flight, other: Flight): boolean {
  return priority > (other.kind.priority ?? 0);
}
