// The port to whatever runs tasks. Implemented in executors/; the façade hands it to core, the sweep reads its slots.
import type { Execute } from '@entropic/core/internal';

export interface Executor {
  /** Runs at once. */
  readonly slots: number;
  /** Never rejects for what a runner does: that is an outcome. */
  readonly submit: Execute;
  /** After the last outcome. Idempotent. */
  close(): Promise<void>;
}
