// The port to whatever runs tasks. Implemented in executors/; the façade hands it to core, the sweep reads its slots.
import type { TaskRunner } from '@entropic/core/internal';

export interface Executor extends TaskRunner {
  /** Runs at once. */
  readonly slots: number;
  /** Runs in this very thread: nothing else has a turn while a runner computes. */
  readonly inline: boolean;
  /**
   * Short runs are better submitted before a slot is free: they go to the slots together, and those that no slot has begun are given
   * to another one, or back when `drain` aborts.
   */
  readonly batches: boolean;
  /** After the last outcome. Idempotent. */
  close(): Promise<void>;
}

/** What `sweep` takes as its client: somewhere else to run, in several slots at once. The client package implements it. */
export interface SweepClient {
  readonly slots: number;
  /**
   * @internal
   * @throws InvalidOptionError for a runner that cannot leave this process, ClosedError
   */
  executorFor(runner: unknown): Executor;
}
