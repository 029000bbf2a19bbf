// What goes to an executor and what comes back, as plain data: it crosses threads and sockets. Made by engine.ts.
import type { FailReason, WireError } from './errors.js';
import type { Retries } from './retries.js';

/** One attempt of one point, with everything that the slot needs to run it and to seal its result. */
export interface Task {
  id: string;
  params: Readonly<Record<string, unknown>>;
  paramsText: string;
  /** 1 for the first. */
  attempt: number;
  fence: number;
  /** Absolute path that the runner writes to. */
  tempFile: string;
  /** Absolute path of the private folder, made when the runner asks for it. */
  workDir: string;
  /** Absolute path of the journal that takes the manifest. */
  journal: string;
  /** Absolute path of the log, made at the first byte that the run prints. */
  log: string;
  /** JSON text of the caller's customData: in the manifest, so that a recovered run keeps it. */
  userData: string;
  codeDigest: string | null;
  /** `store.run` or `force`: the result may replace one that is whole. */
  forced: boolean;
  /** Seconds from the start of the run; undefined for none. */
  timeout: number | undefined;
  /** Bytes of memory of the run's process; undefined for no limit. */
  memoryLimit: number | undefined;
}

/** A finished run whose result is whole but not yet published: one line of a journal. */
export interface Manifest {
  id: string;
  fence: number;
  attempt: number;
  forced: boolean;
  /** Base name in the owner's folder. */
  file: string;
  paramsText: string;
  sha256: string;
  size: number;
  mtimeNs: string;
  codeDigest: string | null;
  elapsedSeconds: number;
  /** Milliseconds since 1970. */
  createdAt: number;
  /** JSON text for the column: the caller's, `elapsed_seconds` and `value`. */
  customData: string;
}

/** What an attempt came to, and for how long it had its slot, in seconds, where the slot tells. */
export type Outcome = { slotSeconds?: number } & (
  | { status: 'finished'; manifest: Manifest; valueDropped?: string }
  | {
      status: 'failed';
      reason: FailReason;
      message: string;
      error?: WireError;
      elapsedSeconds: number;
      exitCode?: number;
      signal?: string;
      peakBytes?: number;
      limit?: number;
    }
  | { status: 'cancelled' }
);

/** What an executor tells while a run goes on. */
export interface TaskListener {
  progress(fraction: number, note?: string): void;
  log(text: string): void;
}

/** What goes with a task to the slot that runs it, and no further. */
export interface SubmitOptions {
  signal?: AbortSignal | undefined;
  /** Aborts what has not begun, and only that. */
  drain?: AbortSignal | undefined;
  /** Of those that wait for a slot the larger goes first. @defaultValue 0 */
  priority?: number | undefined;
  listener: TaskListener;
}

/** The port to whatever runs tasks. The scheduler's executors implement it. */
export interface TaskRunner {
  /** What the runner itself says of its runs; a call's own options override it. Timeout in seconds, limit in bytes. */
  readonly defaults: {
    readonly timeout?: number | undefined;
    readonly memoryLimit?: number | undefined;
    readonly retries?: Retries | undefined;
  };
  /** What can be seen of the runner beforehand fits these columns. Called when a store is opened. @throws InvalidOptionError */
  check?(columns: readonly string[]): void;
  /**
   * Digest of the code that the next task runs; null where code cannot be told (a function of this process).
   * @throws InvalidOptionError for code that does not build
   */
  codeDigest(): Promise<string | null>;
  /**
   * Never rejects for what a runner does: that is an outcome.
   * @param options `signal` aborts the run; the outcome is then `cancelled`, or `finished` if it was whole already
   */
  submit(task: Task, options: SubmitOptions): Promise<Outcome>;
}
