// What a sweep does next with its misses: which point is claimed, which is started, what becomes of one that failed, when all is over.
// A state machine: an event goes in, commands come out (dispatch-messages.ts). It reads no clock, draws no random number and touches
// nothing; the same events give the same commands. Driven by sweep-misses.ts, held to its promises by dispatch-property.test.ts.
import { judgeFailure, memoryFactorOf, newTally, type RetryPolicy, type Tally } from '@entropic/core/internal';
import type { DispatchCommand, DispatchEvent, DispatchOptions, Keyed } from './dispatch-messages.js';
import { Heap } from './heap.js';

/** Most results that wait for their commit before the next run starts. */
export const MAX_UNCOMMITTED = 256;
/** A claimed point is locked for everybody else: claims are so many as run in about this time, doubling from one. */
const CLAIM_SECONDS = 0.02;
const MAX_CLAIM = 256;
/** Most runs that are started ahead of their turn. */
export const MAX_AHEAD = MAX_CLAIM / 2;
/** Runs shorter than this have the next claims ready before a slot is free. */
const SHORT_SECONDS = 0.5;
/** Of runs shorter than this some are started ahead of their turn, where they then go to a slot together. */
const TINY_SECONDS = 0.003;
/** Points looked through at once for free ones, where somebody else is at the same grid. */
const LOOK_AHEAD = 256;
/** After a run of this length its commit is waited for: a function that computes leaves the event loop no time for it. */
const LONG_SECONDS = 0.05;
/** How often points that another process runs are looked at: first and at most, in seconds. */
const POLL_SECONDS = [0.025, 0.25] as const;

interface Job<P> {
  readonly point: P;
  readonly priority: number;
  order: number;
  /** `asked`: a question about it is open. `running`: in a slot. `committing`: out of it, not settled yet. */
  state: 'waiting' | 'asked' | 'ready' | 'running' | 'committing' | 'delayed' | 'held';
  /** When a delayed one may be tried again. */
  due: number;
  tally: Tally | undefined;
}

export class Dispatch<P extends Keyed> {
  readonly #options: DispatchOptions;
  readonly #retries: RetryPolicy;
  /** All points that are not complete. */
  readonly #jobs = new Map<string, Job<P>>();
  readonly #waiting = new Heap<Job<P>>(comesBefore);
  readonly #ready = new Heap<Job<P>>(comesBefore);
  /** Failed, to be tried again. */
  readonly #delayed = new Heap<Job<P>>((a, b) => a.due < b.due);
  /** Run by others: outside this process, in it, and in it until now. */
  readonly #foreign = new Set<Job<P>>();
  readonly #local = new Set<Job<P>>();
  readonly #freed = new Set<Job<P>>();
  #asked: readonly Job<P>[] | undefined;
  #out: DispatchCommand<P>[] = [];
  #now = 0;
  #order = 0;
  #running = 0;
  #committing = 0;
  #failures = 0;
  #claimSize = 1;
  /** How long a run takes, by the last ones. */
  #seconds = 0;
  #poll: number = POLL_SECONDS[0];
  #revisitAt = 0;
  /** The last claim got nothing. */
  #crowded = false;
  #state: 'open' | 'draining' | 'ended' = 'open';
  /** No more will be queued. */
  #sourceEnded = false;
  #aborting = false;

  constructor(options: DispatchOptions, retries: RetryPolicy) {
    this.#options = options;
    this.#retries = retries;
  }

  /** Points in slots. */
  get running(): number {
    return Math.min(this.#running, this.#options.slots);
  }

  /** Points kept here that wait for their turn: as many as whoever queues them has to bound. */
  get backlog(): number {
    return this.#waiting.size + this.#delayed.size;
  }

  /** When there is something to do although nothing happens: a `tick` is wanted then. */
  get wakeAt(): number | undefined {
    const retryAt = this.#delayed.first?.due;
    if (this.#foreign.size === 0 || this.#asked || !this.#isIdle) return retryAt;
    return Math.min(this.#revisitAt, retryAt ?? this.#revisitAt);
  }

  /** @param now seconds on a clock that never goes back */
  step(event: DispatchEvent<P>, now: number): readonly DispatchCommand<P>[] {
    this.#out = [];
    this.#now = now;
    this.#take(event);
    this.#advance();
    return this.#out;
  }

  #take(event: DispatchEvent<P>): void {
    if (event.type === 'executed') this.#executed(event.point, event.seconds);
    else if (event.type === 'settled') this.#settle(event.point, event.how);
    else if (event.type === 'failed') this.#fail(event);
    else if (event.type === 'queued') this.#queue(event.points, event.priorities);
    else if (event.type === 'claimed') this.#claimed(event);
    else if (event.type === 'scouted') {
      this.#hold(event.held, event.local);
      this.#answered(event.free, 'waiting', this.#waiting);
    } else if (event.type === 'revisited') this.#revisited(event.wanted);
    else if (event.type === 'freed') this.#free(event.point);
    else if (event.type === 'failures') this.#countFailures(event.count);
    else if (event.type === 'ended') this.#sourceEnded = true;
    else if (event.type === 'drain') this.#drain();
    else if (event.type === 'cancel') this.#cancel();
  }

  #queue(points: readonly P[], priorities: readonly number[]): void {
    if (this.#state !== 'open') {
      this.#drop(points, []);
      return;
    }
    points.forEach((point, i) => {
      const order = ++this.#order;
      const priority = priorities[i] ?? 0;
      const job: Job<P> = { point, priority, order, state: 'waiting', due: 0, tally: undefined };
      this.#jobs.set(point.id, job);
      this.#waiting.push(job);
    });
  }

  #claimed({ claims, held, local }: Extract<DispatchEvent<P>, { type: 'claimed' }>): void {
    this.#crowded = claims.length === 0;
    if (claims.length > 0) this.#poll = POLL_SECONDS[0];
    this.#hold(held, local);
    this.#answered(claims, 'ready', this.#ready);
  }

  /** What was asked and comes back in no list is complete. */
  #answered(points: readonly P[], state: 'ready' | 'waiting', heap: Heap<Job<P>>): void {
    for (const { id } of points) {
      const job = this.#jobs.get(id) as Job<P>;
      job.state = state;
      heap.push(job);
    }
    for (const job of this.#asked ?? []) if (job.state === 'asked') this.#jobs.delete(job.point.id);
    this.#asked = undefined;
    // Asked before the end, answered after it.
    if (this.#state !== 'open') this.#dropAll();
  }

  #hold(held: readonly P[], local: readonly P[]): void {
    for (const { id } of held) this.#holdJob(this.#jobs.get(id) as Job<P>, this.#foreign);
    for (const { id } of local) this.#holdJob(this.#jobs.get(id) as Job<P>, this.#local);
  }

  #holdJob(job: Job<P>, where: Set<Job<P>>): void {
    job.state = 'held';
    if (this.#foreign.size === 0 && where === this.#foreign) this.#revisitAt = this.#now + this.#poll;
    where.add(job);
  }

  /** What others left without a result is ours to try, at once: it was waited for. */
  #revisited(wanted: readonly P[]): void {
    this.#poll = Math.min(this.#poll * 1.5, POLL_SECONDS[1]);
    this.#answered(wanted, 'waiting', this.#waiting);
    if (wanted.length > 0 && this.#state === 'open') this.#ask('claim', this.#waiting.take(wanted.length));
  }

  #free(point: P): void {
    const job = this.#jobs.get(point.id);
    if (job && this.#local.delete(job)) this.#freed.add(job);
  }

  #executed(point: P, seconds: number): void {
    const { inline, maxFailures, slots } = this.#options;
    const job = this.#jobs.get(point.id) as Job<P>;
    // The first starts threads, and one in between waits for a commit: that says little of those that come. A faster one says more.
    this.#seconds += (seconds - this.#seconds) * (this.#seconds === 0 ? 1 : seconds < this.#seconds ? 0.5 : 0.1);
    const inTime = Math.max(1, Math.floor((CLAIM_SECONDS * slots) / Math.max(this.#seconds, 1e-6)));
    this.#claimSize = Math.min(MAX_CLAIM, this.#claimSize * 2, inTime);
    // Which failure was the last that is allowed is known only when it is told: till then its slot is not free.
    if (maxFailures < Number.POSITIVE_INFINITY || (inline && seconds > LONG_SECONDS)) return;
    job.state = 'committing';
    this.#running--;
    this.#committing++;
  }

  #settle(point: P, how: 'finished' | 'stale' | 'cancelled'): void {
    const job = this.#leaveSlot(point);
    if (how === 'stale' && this.#state === 'open') {
      this.#holdJob(job, this.#foreign);
      return;
    }
    this.#jobs.delete(point.id);
    if (how === 'finished') return;
    // Nobody ended this sweep: its client was closed, and takes nothing any more. A generator may have no end.
    if (this.#state === 'open') this.#stop('closed');
    this.#drop([point], []);
  }

  #fail({ point, reason, random }: Extract<DispatchEvent<P>, { type: 'failed' }>): void {
    const job = this.#leaveSlot(point);
    job.tally ??= newTally();
    const verdict = judgeFailure(this.#retries, job.tally, reason, random);
    if (verdict.kind === 'retry' && this.#state === 'open') {
      job.state = 'delayed';
      job.due = this.#now + verdict.seconds;
      this.#delayed.push(job);
      this.#out.push({ do: 'retry', point, seconds: verdict.seconds });
      return;
    }
    this.#jobs.delete(point.id);
    this.#out.push({ do: 'fail', point, quarantined: verdict.kind === 'quarantine' ? job.tally.deaths : 0 });
    this.#countFailures(this.#failures + 1);
  }

  #leaveSlot(point: P): Job<P> {
    const job = this.#jobs.get(point.id) as Job<P>;
    if (job.state === 'running') this.#running--;
    else this.#committing--;
    return job;
  }

  #countFailures(count: number): void {
    this.#failures = Math.max(this.#failures, count);
    if (this.#failures >= this.#options.maxFailures && this.#state === 'open') this.#stop('failures');
  }

  #stop(why: 'failures' | 'closed'): void {
    this.#out.push({ do: 'stop', why });
    this.#drain();
  }

  #drain(): void {
    if (this.#state !== 'open') return;
    this.#state = 'draining';
    this.#dropAll();
  }

  #cancel(): void {
    this.#drain();
    if (!this.#aborting && this.#running > 0) this.#out.push({ do: 'abort' });
    this.#aborting = true;
  }

  /** All but what runs and what a question is open about. */
  #dropAll(): void {
    const claimed = this.#ready.take(Number.POSITIVE_INFINITY);
    const others = [
      ...claimed,
      ...this.#foreign,
      ...this.#local,
      ...this.#freed,
      ...this.#delayed.take(Number.POSITIVE_INFINITY),
      ...this.#waiting.take(Number.POSITIVE_INFINITY),
    ];
    for (const set of [this.#foreign, this.#local, this.#freed]) set.clear();
    for (const { point } of others) this.#jobs.delete(point.id);
    this.#drop(others.map(pointOf), claimed.map(pointOf));
  }

  #drop(points: readonly P[], claimed: readonly P[]): void {
    if (points.length > 0) this.#out.push({ do: 'drop', points, claimed });
  }

  #advance(): void {
    if (this.#state === 'open') {
      this.#wakeDelayed();
      this.#startReady();
      if (!this.#asked) this.#askNext();
    }
    if (!this.#sourceEnded || this.#jobs.size > 0 || this.#state === 'ended') return;
    this.#state = 'ended';
    this.#out.push({ do: 'end' });
  }

  /** Behind what came meanwhile, so that points that always fail do not keep the others waiting. */
  #wakeDelayed(): void {
    for (let job = this.#delayed.first; job && job.due <= this.#now; job = this.#delayed.first) {
      this.#delayed.pop();
      job.order = ++this.#order;
      job.state = 'waiting';
      this.#waiting.push(job);
    }
  }

  #startReady(): void {
    while (!this.#isFull && this.#ready.size > 0) {
      const job = this.#ready.pop() as Job<P>;
      job.state = 'running';
      this.#running++;
      const memoryFactor = memoryFactorOf(this.#retries, job.tally);
      this.#out.push({ do: 'start', point: job.point, priority: job.priority, memoryFactor });
    }
  }

  get #isFull(): boolean {
    return this.#running >= this.#atOnce || this.#committing >= MAX_UNCOMMITTED;
  }

  /** As many as may be started: half a claim, which is 10 ms of work, where runs are tiny. */
  get #atOnce(): number {
    const { slots, batches } = this.#options;
    const tiny = batches && this.#seconds > 0 && this.#seconds < TINY_SECONDS;
    return tiny ? Math.max(slots, this.#claimSize >> 1) : slots;
  }

  /** A slot is free, and there is nothing for it but what others run. */
  get #isIdle(): boolean {
    return !this.#isFull && this.#ready.size === 0 && this.#waiting.size === 0;
  }

  #askNext(): void {
    const ahead = this.#seconds < SHORT_SECONDS && !this.#options.inline;
    // Where runs are short the next claims come while half of the last ones are still to be started.
    if (this.#ready.size > (ahead ? this.#claimSize >> 1 : 0) || (this.#isFull && !ahead)) return;
    if (this.#waiting.size > 0) {
      const free = Math.min(MAX_CLAIM, this.#options.slots - this.#running);
      if (this.#crowded) this.#ask('scout', this.#waiting.take(LOOK_AHEAD));
      else this.#ask('claim', this.#waiting.take(Math.max(this.#claimSize, free)));
      this.#crowded = false;
    } else if (this.#isIdle) this.#revisit();
  }

  #revisit(): void {
    const jobs = [...this.#freed];
    this.#freed.clear();
    if (this.#foreign.size > 0 && this.#now >= this.#revisitAt) {
      jobs.push(...this.#foreign);
      this.#foreign.clear();
    }
    if (jobs.length > 0) this.#ask('revisit', jobs);
  }

  #ask(what: 'claim' | 'scout' | 'revisit', jobs: readonly Job<P>[]): void {
    for (const job of jobs) job.state = 'asked';
    this.#asked = jobs;
    this.#out.push({ do: what, points: jobs.map(pointOf) });
  }
}

/** The larger priority first, then who came first. */
function comesBefore<P>(a: Job<P>, b: Job<P>): boolean {
  return a.priority === b.priority ? a.order < b.order : a.priority > b.priority;
}

function pointOf<P>(job: Job<P>): P {
  return job.point;
}
