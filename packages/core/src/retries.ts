// Which failure is tried again, how often and after how long: the option as users write it → a policy, and the decision itself,
// which is pure. Called by run-store.ts for single calls and by the scheduler's dispatch.ts for sweeps.
import { show } from './canonical.js';
import { type FailReason, InvalidOptionError } from './errors.js';
import { checkOptionNames, type Duration, integerOption, parseDuration } from './options.js';

/**
 * How often a run that failed is tried again, cause by cause. What is not named keeps its default: 2 for `worker-lost` and `signal`, 0
 * for every other reason.
 *
 * @example
 * { exception: 1, timeout: 1, delay: '2s' }
 */
export interface RetryOptions extends Partial<Record<FailReason, number>> {
  /**
   * Longest time before the first retry; twice as long before each further one of the point. The actual time is drawn evenly from 0 to
   * that, so that points that failed together do not come back together. 0 for none. @defaultValue '100ms'
   */
  delay?: Duration;
  /** What `delay` grows to at most. @defaultValue '30s' */
  maxDelay?: Duration;
  /**
   * A point whose run ended its own executor so often (`signal`, `worker-lost`) is not tried again, whatever is left of its retries.
   * @defaultValue 2
   */
  quarantine?: number;
  /**
   * Where there is a `memoryLimit`: a retry after `oom` may use so many times what the try before might. At least 1. @defaultValue 1
   */
  memoryFactor?: number;
}

/**
 * A number: how often a failed run is tried again in all. It is for what the run itself did (`exception`, `exit`, `timeout`, `oom`,
 * `no-output`, `bad-output`, `store`), and never lowers the 2 of `worker-lost` and `signal`, except by 0, which means none at all. `code`
 * is not among them: a module that does not load would not load a moment later, and every point would wait for it. Or an object, cause by cause.
 */
export type Retries = number | RetryOptions;

/** The option, resolved. */
export interface RetryPolicy {
  readonly limits: Readonly<Record<FailReason, number>>;
  /** Of all retries of a point that are its own doing. */
  readonly most: number;
  /** Seconds. */
  readonly delay: number;
  readonly maxDelay: number;
  readonly quarantine: number;
  readonly memoryFactor: number;
}

/** What was tried of one point in this call; made at its first failure. */
export interface Tally {
  /** Its own doing: what is not in `LOST`. */
  own: number;
  all: number;
  /** How often its run ended its executor. */
  deaths: number;
  byReason: Partial<Record<FailReason, number>>;
}

export type Verdict = { kind: 'retry'; seconds: number } | { kind: 'fail' } | { kind: 'quarantine' };

const NONE: Readonly<Record<FailReason, number>> = {
  exception: 0,
  exit: 0,
  signal: 0,
  timeout: 0,
  oom: 0,
  'no-output': 0,
  'bad-output': 0,
  'worker-lost': 0,
  code: 0,
  store: 0,
};
const REASONS = Object.keys(NONE) as FailReason[];
/** The executor died: rarely the point's doing, until it happens again. */
const LOST: ReadonlySet<FailReason> = new Set(['signal', 'worker-lost']);
const LOST_RETRIES = 2;
const UNNAMED = { ...NONE, signal: LOST_RETRIES, 'worker-lost': LOST_RETRIES };
const FAIL: Verdict = { kind: 'fail' };
const QUARANTINE: Verdict = { kind: 'quarantine' };

/** @throws InvalidOptionError */
export function resolveRetries(value: Retries | undefined, option: string): RetryPolicy {
  const shared = { most: Number.POSITIVE_INFINITY, delay: 0.1, maxDelay: 30, quarantine: 2, memoryFactor: 1 };
  if (value === undefined) return { ...shared, limits: UNNAMED };
  if (typeof value === 'number') {
    const most = integerOption(value, 0, option);
    const limits = Object.fromEntries(
      REASONS.map((reason) => {
        if (reason === 'code' || most === 0) return [reason, 0];
        return [reason, LOST.has(reason) ? Math.max(most, LOST_RETRIES) : most];
      }),
    ) as Record<FailReason, number>;
    return { ...shared, limits, most };
  }
  if (typeof value !== 'object' || value === null) {
    throw new InvalidOptionError(
      `${option}: ${show(value)} is neither a whole number of at least 0 nor an object such as { exception: 2, timeout: 1 }`,
    );
  }
  checkOptionNames(value, [...REASONS, 'delay', 'maxDelay', 'quarantine', 'memoryFactor'], option);
  const limits: Record<FailReason, number> = { ...UNNAMED };
  for (const reason of REASONS) {
    if (value[reason] !== undefined) limits[reason] = integerOption(value[reason], 0, `${option}.${reason}`);
  }
  const { delay, maxDelay, quarantine, memoryFactor = shared.memoryFactor } = value;
  if (!(typeof memoryFactor === 'number' && memoryFactor >= 1 && memoryFactor < Number.POSITIVE_INFINITY)) {
    throw new InvalidOptionError(`${option}.memoryFactor: ${show(memoryFactor)} is not a number of at least 1`);
  }
  return {
    limits,
    most: shared.most,
    delay: delay === undefined ? shared.delay : delay === 0 ? 0 : parseDuration(delay, `${option}.delay`),
    maxDelay: maxDelay === undefined ? shared.maxDelay : parseDuration(maxDelay, `${option}.maxDelay`),
    quarantine: quarantine === undefined ? shared.quarantine : integerOption(quarantine, 1, `${option}.quarantine`),
    memoryFactor,
  };
}

/** What the memory limit of the next try is multiplied by. */
export function memoryFactorOf(policy: RetryPolicy, tally: Tally | undefined): number {
  return policy.memoryFactor ** (tally?.byReason.oom ?? 0);
}

export function newTally(): Tally {
  return { own: 0, all: 0, deaths: 0, byReason: {} };
}

/**
 * What becomes of a point after a failure; notes it in its tally.
 * @param random from 0 to 1, drawn by the caller
 */
export function judgeFailure(policy: RetryPolicy, tally: Tally, reason: FailReason, random: number): Verdict {
  const lost = LOST.has(reason);
  if (lost && ++tally.deaths >= policy.quarantine) return QUARANTINE;
  const spent = tally.byReason[reason] ?? 0;
  if (spent >= policy.limits[reason] || (!lost && tally.own >= policy.most)) return FAIL;
  tally.byReason[reason] = spent + 1;
  if (!lost) tally.own++;
  // 2 ** 1024 is Infinity, which the cap takes; 0 times that would not be a number.
  const ceiling = policy.delay === 0 ? 0 : Math.min(policy.maxDelay, policy.delay * 2 ** tally.all);
  tally.all++;
  return { kind: 'retry', seconds: random * ceiling };
}
