// What a runner is, as users write it.
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
