// What became of one claimed point. Shared by claims.ts (waiters hear it) and engine.ts (which makes it).
import type { RunFailedError } from './errors.js';
import type { AnyRecord } from './record.js';

export type RunResult =
  | { status: 'finished'; record: AnyRecord }
  | { status: 'failed'; error: RunFailedError }
  | { status: 'cancelled' }
  /** The lease was lost while it ran; somebody newer has it. Look again. */
  | { status: 'stale' };
