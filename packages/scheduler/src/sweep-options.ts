// What `sweep` takes besides its points, raw and resolved. Called by sweep-handle.ts.
import { type CustomData, type Duration, InvalidOptionError, type Size } from '@entropic/core';
import {
  checkCustomData,
  checkOptionNames,
  integerOption,
  parseDuration,
  parseSize,
  signalOption,
} from '@entropic/core/internal';
import type { Executor, SweepClient } from './executor.js';

/** Options of one sweep. */
export interface SweepOptions {
  /** Where to run: the slots of a client. @defaultValue none: in this process, or in the store's one slot for a module */
  client?: SweepClient;
  /** Kept beside each result that this sweep runs; hits keep what they have. JSON of at most 64 KiB. */
  customData?: CustomData;
  /** Ends the sweep: queued points are cancelled, running ones aborted. `await` then rejects with an AbortError. */
  signal?: AbortSignal;
  /** Runs at once. @defaultValue 1 without a client, else the client's slots */
  concurrency?: number;
  /** How often a failed run is tried again at once. @defaultValue 0 */
  retries?: number;
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
  retries: number;
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
  const options = (raw ?? {}) as SweepOptions & { priority?: unknown };
  const { defaults, slots = 1 } = executor ?? {};
  if (options.priority !== undefined) {
    throw new InvalidOptionError('sweep: priority is not supported yet in this version; leave it out');
  }
  const {
    signal,
    concurrency = slots,
    retries = defaults?.retries ?? 0,
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
    retries: integerOption(retries, 0, 'sweep: retries'),
    timeout: timeout === undefined ? defaults?.timeout : parseDuration(timeout, 'sweep: timeout'),
    memoryLimit: memoryLimit === undefined ? undefined : parseSize(memoryLimit, 'sweep: memoryLimit'),
    maxFailures:
      maxFailures === undefined ? Number.POSITIVE_INFINITY : integerOption(maxFailures, 1, 'sweep: maxFailures'),
    force,
    retryFailed,
    name,
  };
}
