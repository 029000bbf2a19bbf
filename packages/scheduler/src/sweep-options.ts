// What `sweep` takes besides its points, raw and resolved. Called by sweep-handle.ts.
import { type CustomData, type Duration, InvalidOptionError } from '@entropic/core';
import { checkCustomData, checkOptionNames, integerOption, parseDuration, signalOption } from '@entropic/core/internal';
import type { Executor, SweepClient } from './executor.js';

/** Options of one sweep. */
export interface SweepOptions {
  /** Where to run: the threads of a client. @defaultValue none: in this process, or in the store's one slot for a module */
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
  const options = (raw ?? {}) as SweepOptions & { priority?: unknown; memoryLimit?: unknown };
  const { defaults, slots = 1 } = executor ?? {};
  for (const name of ['priority', 'memoryLimit'] as const) {
    if (options[name] !== undefined) {
      throw new InvalidOptionError(`sweep: ${name} is not supported yet in this version; leave it out`);
    }
  }
  const {
    signal,
    concurrency = slots,
    retries = defaults?.retries ?? 0,
    timeout,
    maxFailures,
    force = false,
    retryFailed = true,
    name,
  } = options;
  if (typeof force !== 'boolean') throw new InvalidOptionError('sweep: force must be true or false');
  if (typeof retryFailed !== 'boolean') throw new InvalidOptionError('sweep: retryFailed must be true or false');
  if (name !== undefined && typeof name !== 'string') throw new InvalidOptionError('sweep: name must be a text');
  return {
    userData: checkCustomData(options.customData),
    signal: signalOption(signal, 'sweep: signal'),
    concurrency: integerOption(concurrency, 1, 'sweep: concurrency'),
    retries: integerOption(retries, 0, 'sweep: retries'),
    timeout: timeout === undefined ? defaults?.timeout : parseDuration(timeout, 'sweep: timeout'),
    maxFailures:
      maxFailures === undefined ? Number.POSITIVE_INFINITY : integerOption(maxFailures, 1, 'sweep: maxFailures'),
    force,
    retryFailed,
    name,
  };
}
