// What a runner is, as users write it.
import { show } from './canonical.js';
import { InvalidOptionError } from './errors.js';
import { checkOptionNames, type Duration, oneOfOption, parseDuration, parseSize, type Size } from './options.js';
import { type Retries, resolveRetries } from './retries.js';

/** What a run knows and may do, the runner's second argument. */
export interface RunContext {
  /** The point's 16 hexadecimal digits. */
  readonly id: string;
  /** Absolute path to write the result to: one regular, non-empty file. Private until the run has returned; ends with `fileSuffix`. */
  readonly resultFile: string;
  /** Absolute path of a private, empty folder: made when first asked for, removed after the run. */
  readonly workDir: string;
  /** 1 for the first attempt of this point. */
  readonly attempt: number;
  /** An unsigned 32-bit number from the first 8 digits of the id: the same in every run of the point. */
  readonly seed: number;
  /** Aborts when the run is cancelled or its time is up; a function that computes without a pause cannot see it. */
  readonly signal: AbortSignal;
  /** Tells how far the run is, from 0 to 1. */
  progress(fraction: number, note?: string): void;
  /** Tells a line, formatted as `console.log` would. */
  log(...values: unknown[]): void;
}

/** What a run is given: its params, frozen, and the path of its result as `resultFile`. */
export type RunnerParams<Full> = Readonly<Full> & { readonly resultFile: string };

/**
 * A simulation as a function: writes `run.resultFile`, and may return JSON of at most 64 KiB, which is kept as `customData.value`.
 * It runs in the process that opened the store.
 */
export type RunnerFunction<Full> = (params: RunnerParams<Full>, run: RunContext) => unknown;

/**
 * `'thread'`: a thread of this process; a crash of native code ends the program, memory outside the JavaScript heap has no limit.
 * `'process'`: a child process, whose end is only the run's.
 */
export type Isolation = 'thread' | 'process';

/** Options of a module runner. A sweep's own options override them. */
export interface ModuleRunnerOptions {
  /** Which export is the runner. @defaultValue 'default' */
  export?: string;
  /** Where its runs are kept apart from your program. @defaultValue the client's; 'process' with a `memoryLimit` */
  isolation?: Isolation;
  /** Longest time of one run, from its start; then it is ended. @defaultValue none */
  timeout?: Duration;
  /**
   * Most memory that the process of a run may use, child processes of the run included: what it has in RAM, not what it has only
   * reserved. A Node process begins with about 60 MB of it. Beyond it the process is ended, and the run has failed with the reason
   * `oom`. Its runs are in processes then. @defaultValue none
   */
  memoryLimit?: Size;
  /** How often a failed run is tried again. @defaultValue 0; 2 after `signal` and `worker-lost` */
  retries?: Retries;
}

/**
 * A runner that is a module: made by {@link moduleRunner}, or from a plain URL.
 *
 * @typeParam Params - what its function takes: a store gives it all params of its model, and `resultFile`
 * @typeParam Value - what it returns
 */
export interface ModuleRunner<Params = unknown, Value = unknown> {
  readonly isEntropicRunner: 'module';
  readonly url: URL;
  readonly export: string;
  readonly isolation: Isolation | undefined;
  /** Seconds. */
  readonly timeout: number | undefined;
  /** Bytes. */
  readonly memoryLimit: number | undefined;
  readonly retries: Retries | undefined;
  /** Carries the types; never set. */
  readonly '~types'?: { readonly params: (params: Params) => void; readonly value: Value };
}

/** What a module's function takes and gives, for the types of `moduleRunner<typeof import('./simulate.js')>`. */
type ExportOf<M, E extends string> = E extends keyof M ? M[E] : unknown;
type ParamsOfFunction<F> = F extends (params: infer P, ...rest: never[]) => unknown ? P : unknown;
type ValueOfFunction<F> = F extends (...args: never[]) => infer V ? Awaited<V> : unknown;

/**
 * A module as a runner: it is bundled once with its imports and runs in a thread or a process, apart from this program.
 *
 * @param url `new URL('./simulate.ts', import.meta.url)`; a compiled program finds `./simulate.js` by it
 * @example
 * moduleRunner<typeof import('./simulate.js'), 'fast'>(new URL('./simulate.ts', import.meta.url), { export: 'fast', timeout: '10m' })
 * @throws InvalidOptionError
 */
export function moduleRunner<M = unknown, E extends string = 'default'>(
  url: URL | string,
  options?: ModuleRunnerOptions,
): ModuleRunner<ParamsOfFunction<ExportOf<M, E>>, ValueOfFunction<ExportOf<M, E>>> {
  checkOptionNames(options, ['export', 'isolation', 'timeout', 'memoryLimit', 'retries'], 'moduleRunner');
  const { export: name = 'default', isolation, timeout, memoryLimit, retries } = options ?? {};
  if (typeof name !== 'string' || name === '')
    throw new InvalidOptionError('moduleRunner: export must be the name of an export');
  if (retries !== undefined) resolveRetries(retries, 'moduleRunner: retries');
  if (isolation === 'thread' && memoryLimit !== undefined) {
    throw new InvalidOptionError(
      "moduleRunner: the memory of a thread cannot be limited; leave out isolation, or give isolation: 'process'",
    );
  }
  return Object.freeze({
    isEntropicRunner: 'module' as const,
    url: toUrl(url),
    export: name,
    isolation:
      isolation === undefined ? undefined : oneOfOption(isolation, ['thread', 'process'], 'moduleRunner: isolation'),
    timeout: timeout === undefined ? undefined : parseDuration(timeout, 'moduleRunner: timeout'),
    memoryLimit: memoryLimit === undefined ? undefined : parseSize(memoryLimit, 'moduleRunner: memoryLimit'),
    retries: typeof retries === 'object' ? Object.freeze({ ...retries }) : retries,
  });
}

/** Whatever names a module runner → the runner; undefined for anything else. */
export function asModuleRunner(value: unknown): ModuleRunner | undefined {
  if (value instanceof URL) return moduleRunner(value);
  if (typeof value === 'object' && value !== null && (value as ModuleRunner).isEntropicRunner === 'module')
    return value as ModuleRunner;
  return undefined;
}

function toUrl(url: URL | string): URL {
  if (url instanceof URL) return url;
  try {
    return new URL(url);
  } catch (cause) {
    throw new InvalidOptionError(
      `moduleRunner: ${show(url)} is no URL; give new URL('./simulate.ts', import.meta.url)`,
      { cause },
    );
  }
}
