// What `sweep` takes besides its points, raw and resolved. Called by sweep-handle.ts.
import { type CustomData, type Duration, InvalidOptionError, type Retries, type Size } from '@entropic/core';
import {
  checkCustomData,
  checkOptionNames,
  integerOption,
  parseDuration,
  parseSize,
  type RetryPolicy,
  resolveRetries,
  show,
  signalOption,
} from '@entropic/core/internal';
import type { Executor, SweepClient } from './executor.js';

/** Params as a function of them sees them that does not know the model. */
type AnyParams = Readonly<Record<string, unknown>>;

/** Options of one sweep. `Params`: all params of a point, as records have them. */
export interface SweepOptions<Params = AnyParams> {
  /** Where to run: the slots of a client. @defaultValue none: in this process, or in the store's one slot for a module */
  client?: SweepClient;
  /** Kept beside each result that this sweep runs; hits keep what they have. JSON of at most 64 KiB. */
  customData?: CustomData;
  /** Ends the sweep: queued points are cancelled, running ones aborted. `await` then rejects with an AbortError. */
  signal?: AbortSignal;
  /** Runs at once. @defaultValue 1 without a client, else the client's slots */
  concurrency?: number;
  /**
   * Which points run first: those with the larger number, in the order of the source where it is the same. A function of the params
   * sets it for each point, a number for the whole sweep. Of several sweeps on one client, runs of the larger number get a free slot
   * first; what runs is not interrupted.
   *
   * It reaches as far as points are known: a sweep looks up about 2,000 misses ahead of what runs and chooses among those, so in a longer
   * one a point far back does not come first. What was chosen is not changed any more: where runs are short that is up to 64 points.
   * @defaultValue 0
   */
  priority?: number | ((params: Params) => number);
  /** How often a failed run is tried again, and after how long. @defaultValue the runner's own, or 0; 2 after `signal` and `worker-lost` */
  retries?: Retries;
  /** Longest time of one run, from its start. @defaultValue none */
  timeout?: Duration;
  /**
   * Most memory of one run, see `moduleRunner`; the runs are in processes then. A function cannot be limited and is refused.
   * @defaultValue the runner's own, else none
   */
  memoryLimit?: Size;
  /** After so many failures what is queued is cancelled. @defaultValue no limit */
  maxFailures?: number;
  /** Runs every distinct point once more, whatever is stored. @defaultValue false */
  force?: boolean;
  /** Whether points that failed in an earlier call are tried again. @defaultValue true */
  retryFailed?: boolean;
  /** Shown in events. @defaultValue a random id */
  name?: string;
}

export interface ResolvedSweepOptions {
  userData: string;
  signal: AbortSignal | undefined;
  concurrency: number;
  /** @throws InvalidOptionError */
  priorityOf(params: AnyParams): number;
  retries: RetryPolicy;
  /** Seconds. */
  timeout: number | undefined;
  /** Bytes; undefined for the runner's own. */
  memoryLimit: number | undefined;
  maxFailures: number;
  force: boolean;
  retryFailed: boolean;
  name: string | undefined;
}

const NAMES = [
  'client',
  'customData',
  'signal',
  'concurrency',
  'priority',
  'retries',
  'timeout',
  'memoryLimit',
  'maxFailures',
  'force',
  'retryFailed',
  'name',
];

/** @throws InvalidOptionError */
export function resolveSweepOptions(
  raw: SweepOptions | undefined,
  executor: Executor | undefined,
): ResolvedSweepOptions {
  checkOptionNames(raw, NAMES, 'sweep');
  const options: SweepOptions = raw ?? {};
  const { defaults, slots = 1 } = executor ?? {};
  const {
    signal,
    concurrency = slots,
    retries = defaults?.retries,
    timeout,
    memoryLimit,
    maxFailures,
    force = false,
    retryFailed = true,
    name,
  } = options;
  if (typeof force !== 'boolean') throw new InvalidOptionError('sweep: force must be true or false');
  if (typeof retryFailed !== 'boolean') throw new InvalidOptionError('sweep: retryFailed must be true or false');
  if (memoryLimit !== undefined && executor?.inline) {
    throw new InvalidOptionError(
      "sweep: memoryLimit: a function runs in this process, whose memory cannot be limited. Put it into a module of its own and open the store with\n  runner: new URL('./simulate.ts', import.meta.url)",
    );
  }
  if (name !== undefined && typeof name !== 'string') throw new InvalidOptionError('sweep: name must be a text');
  return {
    userData: checkCustomData(options.customData),
    signal: signalOption(signal, 'sweep: signal'),
    concurrency: integerOption(concurrency, 1, 'sweep: concurrency'),
    priorityOf: priorityFunction(options.priority),
    retries: resolveRetries(retries, 'sweep: retries'),
    timeout: timeout === undefined ? defaults?.timeout : parseDuration(timeout, 'sweep: timeout'),
    memoryLimit: memoryLimit === undefined ? undefined : parseSize(memoryLimit, 'sweep: memoryLimit'),
    maxFailures:
      maxFailures === undefined ? Number.POSITIVE_INFINITY : integerOption(maxFailures, 1, 'sweep: maxFailures'),
    force,
    retryFailed,
    name,
  };
}

function priorityFunction(priority: SweepOptions['priority'] = 0): (params: AnyParams) => number {
  if (typeof priority === 'function') {
    return (params) => {
      let value: unknown;
      try {
        value = priority(params);
      } catch (cause) {
        throw new InvalidOptionError(`sweep: priority threw for ${show(params)}: ${String(cause)}`, { cause });
      }
      return priorityNumber(value, `sweep: priority of ${show(params)}`);
    };
  }
  const value = priorityNumber(priority, 'sweep: priority');
  return () => value;
}

function priorityNumber(value: unknown, option: string): number {
  if (typeof value === 'number' && !Number.isNaN(value)) return value;
  throw new InvalidOptionError(`${option}: ${show(value)} is no number`);
}
