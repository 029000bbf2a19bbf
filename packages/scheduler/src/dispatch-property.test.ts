// dispatch.ts in a world of its own: fake time, random happenings in any order that a driver could tell them, and a model that knows
// only the rules. ENTROPIC_TEST_SEED=<seed> plays the same histories again; ENTROPIC_TEST_HISTORIES says how many.
import type { FailReason } from '@entropic/core';
import { resolveRetries } from '@entropic/core/internal';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Dispatch, MAX_AHEAD, MAX_UNCOMMITTED } from './dispatch.js';
import type { DispatchCommand, DispatchEvent } from './dispatch-messages.js';

const seed = Number(process.env.ENTROPIC_TEST_SEED ?? Date.now() % 1_000_000);
const numRuns = Number(process.env.ENTROPIC_TEST_HISTORIES ?? 10_000);

interface Point {
  readonly id: string;
  readonly priority: number;
}
type Event = DispatchEvent<Point>;
type Command = DispatchCommand<Point>;
type Question = Extract<Command, { do: 'claim' | 'scout' | 'revisit' }>;

const LOST: readonly FailReason[] = ['signal', 'worker-lost'];
const OWN: readonly FailReason[] = ['exception', 'exit', 'timeout', 'oom', 'no-output', 'bad-output', 'store'];
const REASONS: readonly FailReason[] = [...OWN, ...LOST, 'code'];

/** What a user may ask for; with what it comes to, said here once more: limits by reason, and of all that is the run's own doing. */
const count = fc.nat({ max: 3 });
const retries = fc.oneof(
  fc.constant({ option: undefined, limitOf: (reason: FailReason) => (LOST.includes(reason) ? 2 : 0), most: 99 }),
  count.map((n) => ({
    option: n,
    limitOf: (reason: FailReason) => {
      if (n === 0 || reason === 'code') return 0;
      return LOST.includes(reason) ? Math.max(2, n) : n;
    },
    most: n,
  })),
  fc.record({ exception: count, oom: count, code: count, 'worker-lost': count, quarantine: count }).map((some) => {
    const quarantine = some.quarantine + 1;
    const limits = { ...some, quarantine: 0, signal: 2 } as Partial<Record<FailReason, number>>;
    return {
      option: { ...some, quarantine, memoryFactor: 2 },
      limitOf: (reason: FailReason) => limits[reason] ?? 0,
      most: 99,
    };
  }),
);

const setting = fc.record({
  slots: fc.integer({ min: 1, max: 5 }),
  maxFailures: fc.oneof(
    { weight: 2, arbitrary: fc.constant(Number.POSITIVE_INFINITY) },
    fc.integer({ min: 1, max: 4 }),
  ),
  inline: fc.boolean(),
  batches: fc.boolean(),
  retries,
  /** Priorities of the points that there will be. */
  points: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 40, size: 'max' }),
  /** How likely it is that a run fails, that somebody else runs a point, and that the sweep is ended before its time; of 100. */
  failing: fc.constantFrom(0, 10, 50, 90),
  contested: fc.constantFrom(0, 10, 60),
  ending: fc.constantFrom(0, 0, 0, 2),
});
type Setting = typeof setting extends fc.Arbitrary<infer S> ? S : never;

/** Numbers for every choice, from one seed that fast-check draws. */
function chooser(start: number) {
  let state = start | 0;
  const random = () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    random,
    chance: (percent: number) => random() * 100 < percent,
    pick: <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T,
  };
}

interface Known {
  point: Point;
  order: number;
  state: 'waiting' | 'asked' | 'ready' | 'running' | 'committing' | 'delayed' | 'held' | 'local' | 'over';
  due: number;
  executed: boolean;
  deaths: number;
  retries: number;
  own: number;
  byReason: Partial<Record<FailReason, number>>;
}

/** `expect` would take most of the time of a million checks. */
function must(holds: boolean, rule: string): void {
  if (!holds) throw new Error(rule);
}

/** The driver and its surroundings; throws where dispatch.ts breaks a rule. */
class World {
  readonly events: { event: Event; now: number }[] = [];
  readonly told: string[] = [];
  readonly #setting: Setting;
  readonly #choose: ReturnType<typeof chooser>;
  readonly #dispatch: Dispatch<Point>;
  readonly #jobs = new Map<string, Known>();
  readonly #coming: Point[];
  #now = 0;
  #order = 0;
  #question: Question | undefined;
  #failures = 0;
  #sourceEnded = false;
  #stopped = false;
  #aborted = 0;
  ended = false;

  constructor(one: Setting, start: number) {
    this.#setting = one;
    this.#choose = chooser(start);
    this.#dispatch = newDispatch(one);
    this.#coming = one.points.map((priority, n) => ({ id: `p${n}`, priority }));
  }

  /** One thing that may happen now. */
  happen(): void {
    const { ending } = this.#setting;
    const possible: (() => void)[] = [];
    const running = this.#in('running');
    const inSlots = running.filter(({ executed }) => !executed);
    if (!this.#sourceEnded) possible.push(() => this.#source());
    if (this.#question) possible.push(() => this.#answer());
    if (inSlots.length > 0) possible.push(() => this.#execute(this.#choose.pick(inSlots)));
    const leaving = [...running.filter(({ executed }) => executed), ...this.#in('committing')];
    if (leaving.length > 0) possible.push(() => this.#settle(this.#choose.pick(leaving)));
    const local = this.#in('local');
    if (local.length > 0) possible.push(() => this.#tell({ type: 'freed', point: this.#choose.pick(local).point }));
    const { wakeAt } = this.#dispatch;
    if (wakeAt !== undefined) {
      must(wakeAt > this.#now, 'it wants to be woken for what it could have done at once');
      possible.push(() => this.#wait(wakeAt));
    }
    // Somebody or something must be about to move it on.
    must(possible.length > 0, 'it stands still');
    if (this.#choose.chance(ending)) this.#tell({ type: this.#choose.pick(['drain', 'cancel']) });
    else this.#choose.pick(possible)();
  }

  #in(state: Known['state']): Known[] {
    return [...this.#jobs.values()].filter((job) => job.state === state);
  }

  #source(): void {
    // Points that fail where they are looked up count as well.
    if (this.#coming.length > 0 && this.#choose.chance(5)) {
      this.#coming.shift();
      this.#failures++;
      this.#tell({ type: 'failures', count: this.#failures });
      return;
    }
    const points = this.#coming.splice(0, 1 + Math.floor(this.#choose.random() * 12));
    if (points.length === 0) {
      this.#sourceEnded = true;
      this.#tell({ type: 'ended' });
      return;
    }
    for (const point of points) {
      const fresh = { due: 0, executed: false, deaths: 0, retries: 0, own: 0, byReason: {} };
      this.#jobs.set(point.id, { point, order: ++this.#order, state: 'waiting', ...fresh });
    }
    this.#tell({ type: 'queued', points, priorities: points.map(({ priority }) => priority) });
  }

  /** The world says what it likes of each point that was asked for. */
  #answer(): void {
    const { do: what, points } = this.#question as Question;
    this.#question = undefined;
    const free: Point[] = [];
    const held: Point[] = [];
    const local: Point[] = [];
    for (const point of points) {
      const contested = this.#choose.chance(this.#setting.contested);
      if (contested && this.#choose.chance(30)) this.#over(point);
      else if (contested && what !== 'revisit') (this.#choose.chance(50) ? held : local).push(point);
      else free.push(point);
    }
    for (const { id } of held) this.#job(id).state = 'held';
    for (const { id } of local) this.#job(id).state = 'local';
    for (const { id } of free) this.#job(id).state = what === 'claim' ? 'ready' : 'waiting';
    if (what === 'claim') this.#tell({ type: 'claimed', claims: free, held, local });
    else if (what === 'scout') this.#tell({ type: 'scouted', free, held, local });
    else this.#tell({ type: 'revisited', wanted: free });
  }

  #execute(job: Known): void {
    const { maxFailures, inline } = this.#setting;
    const seconds = this.#choose.pick([0.0001, 0.001, 0.02, 0.2, 5]);
    job.executed = true;
    // A slot is not free before it is known whether this was the last failure that is allowed, or its commit had a turn.
    if (maxFailures === Number.POSITIVE_INFINITY && !(inline && seconds > 0.05)) job.state = 'committing';
    this.#now += this.#choose.pick([0, 0.001, 1]);
    this.#tell({ type: 'executed', point: job.point, seconds });
  }

  #settle(job: Known): void {
    const { point } = job;
    job.executed = false;
    if (this.#choose.chance(this.#setting.failing)) {
      const reason = this.#choose.pick(REASONS);
      this.#tell({ type: 'failed', point, reason, random: this.#choose.random() });
      return;
    }
    const how = this.#choose.chance(this.#setting.contested)
      ? this.#choose.pick(['stale', 'stale', 'cancelled'] as const)
      : 'finished';
    if (how === 'finished') this.#over(point);
    else if (how === 'stale') job.state = 'held';
    this.#tell({ type: 'settled', point, how });
  }

  #wait(wakeAt: number): void {
    // A timer that fires too early is told too.
    const early = this.#choose.chance(10);
    this.#now = early ? this.#now + (wakeAt - this.#now) / 2 : wakeAt;
    this.#tell({ type: 'tick' });
  }

  #tell(event: Event): void {
    this.events.push({ event, now: this.#now });
    const aborts = event.type === 'cancel' && this.#aborted === 0 && this.#in('running').length > 0;
    if (event.type === 'drain' || event.type === 'cancel') this.#stopped = true;
    if (event.type === 'freed') this.#job(event.point.id).state = 'held';
    const commands = this.#dispatch.step(event, this.#now);
    this.told.push(JSON.stringify(commands));
    const aborted = commands.filter((command) => command.do === 'abort').length;
    must(aborted === (aborts ? 1 : 0), 'what runs is aborted once, and only when that is wanted');
    if (aborts) this.#aborted++;
    if (event.type === 'failed') this.#checkVerdict(event, commands);
    for (const job of this.#in('delayed')) if (job.due <= this.#now) job.state = 'waiting';
    for (const command of commands) this.#obey(command, event);
    this.#check();
  }

  #obey(command: Command, event: Event): void {
    must(!this.ended, 'a command after the end');
    if (command.do === 'claim' || command.do === 'scout' || command.do === 'revisit') this.#asked(command);
    else if (command.do === 'start') this.#started(command);
    else if (command.do === 'drop') {
      must(this.#stopped, 'points are dropped by a sweep that goes on');
      const claimed = new Set(command.claimed.map(({ id }) => id));
      for (const point of command.points) {
        // Whose lease is ours is told, so that it is given back.
        must(claimed.has(point.id) === (this.#job(point.id).state === 'ready'), 'a lease is not given back');
        this.#over(point);
      }
    } else if (command.do === 'stop') {
      must(!this.#stopped, 'it stops twice');
      this.#stopped = true;
      if (command.why === 'failures') must(this.#failures >= this.#setting.maxFailures, 'it stops too early');
      else must(event.type === 'settled' && event.how === 'cancelled', 'it stops for nothing');
    } else if (command.do === 'end') this.ended = true;
  }

  #asked(command: Question): void {
    must(!this.#question, 'two questions at once');
    must(!this.#stopped, 'a question after the stop');
    must(command.points.length > 0, 'a question about nothing');
    this.#question = command;
    const jobs = command.points.map(({ id }) => this.#job(id));
    for (const job of jobs) {
      // Not `delayed`: nothing is tried before its time.
      must(job.state === (command.do === 'revisit' ? 'held' : 'waiting'), `it asks about one that is ${job.state}`);
      job.state = 'asked';
    }
    if (command.do === 'revisit') return;
    const least = Math.min(...jobs.map(({ point }) => point.priority));
    for (const { point } of this.#in('waiting')) must(point.priority <= least, 'a larger priority has to wait');
  }

  #started({ point, priority, memoryFactor }: Extract<Command, { do: 'start' }>): void {
    must(!this.#stopped, 'a start after the stop');
    const job = this.#job(point.id);
    must(job.state === 'ready', `one that is ${job.state} is started`);
    must(priority === point.priority, 'another priority');
    const { option } = this.#setting.retries;
    const factor = typeof option === 'object' ? option.memoryFactor : 1;
    must(memoryFactor === factor ** (job.byReason.oom ?? 0), `${memoryFactor} times the memory`);
    for (const other of this.#in('ready')) {
      must(other.point.priority <= priority, 'a larger priority is not started');
      if (other !== job && other.point.priority === priority && other.retries === 0 && job.retries === 0) {
        must(other.order > job.order, 'out of order');
      }
    }
    job.state = 'running';
  }

  /** The rules of retries, written down once more. */
  #checkVerdict(event: Extract<Event, { type: 'failed' }>, commands: readonly Command[]): void {
    const { point, reason } = event;
    const job = this.#job(point.id);
    const { limitOf, most, option } = this.#setting.retries;
    const quarantine = typeof option === 'object' ? option.quarantine : 2;
    const isLost = LOST.includes(reason);
    if (isLost) job.deaths++;
    const killed = isLost && job.deaths >= quarantine;
    const spent = job.byReason[reason] ?? 0;
    const left = !killed && spent < limitOf(reason) && (isLost || job.own < most);
    const [first] = commands.filter((command) => 'point' in command && command.point.id === point.id);
    if (left && !this.#stopped) {
      const ceiling = Math.min(30, 0.1 * 2 ** job.retries);
      must(first?.do === 'retry', 'it is not tried again');
      const { seconds } = first as Extract<Command, { do: 'retry' }>;
      must(Math.abs(seconds - event.random * ceiling) < 1e-9, `in ${seconds} s, of at most ${ceiling} s`);
      job.state = 'delayed';
      job.due = this.#now + seconds;
      job.retries++;
      if (!isLost) job.own++;
      job.byReason[reason] = spent + 1;
      return;
    }
    must(first?.do === 'fail' && first.quarantined === (killed ? job.deaths : 0), 'it does not fail as it should');
    must(job.deaths <= quarantine, 'it was tried again after it had to be quarantined');
    this.#failures++;
    this.#over(point);
  }

  #over({ id }: Point): void {
    const job = this.#job(id);
    must(job.state !== 'over', 'it ends a second time');
    job.state = 'over';
  }

  #job(id: string): Known {
    return this.#jobs.get(id) as Known;
  }

  #check(): void {
    const { slots, batches, maxFailures } = this.#setting;
    const most = batches ? Math.max(slots, MAX_AHEAD) : slots;
    const running = this.#in('running').length;
    const committing = this.#in('committing').length;
    must(running <= most, 'more runs than slots');
    must(this.#dispatch.running === Math.min(running, slots), 'it counts wrongly what runs');
    must(committing <= MAX_UNCOMMITTED + most, 'too many wait for their commit');
    must(this.#stopped || this.#failures < maxFailures, 'more failures than are allowed');
    if (this.#stopped) {
      const left = [...this.#jobs.values()].filter(({ state }) => state !== 'over' && state !== 'asked');
      must(left.length === running + committing, 'what is neither running nor asked for stays');
    }
    const open = [...this.#jobs.values()].some(({ state }) => state !== 'over');
    must(this.ended === (this.#sourceEnded && !open), open ? 'it ends too early' : 'it does not end');
  }
}

function newDispatch({ slots, batches, maxFailures, inline, retries: { option } }: Setting): Dispatch<Point> {
  return new Dispatch<Point>({ slots, batches, maxFailures, inline }, resolveRetries(option as never, 'retries'));
}

describe('[D5] dispatch', () => {
  it(`keeps its promises in ${numRuns} random histories, and gives the same commands for the same events`, () => {
    console.log(`seed ${seed}`);
    let steps = 0;
    fc.assert(
      fc.property(setting, fc.integer(), (one, start) => {
        const world = new World(one, start);
        while (!world.ended) {
          world.happen();
          must(world.events.length < 5000, 'it goes round in circles');
        }
        steps += world.events.length;
        const again = newDispatch(one);
        const told = world.events.map(({ event, now }) => JSON.stringify(again.step(event, now)));
        must(told.join() === world.told.join(), 'the same events gave other commands');
      }),
      { numRuns, seed },
    );
    console.log(`${steps} events`);
    expect(steps).toBeGreaterThan(numRuns * 10);
  }, 300_000);
});
