// What goes into dispatch.ts and what comes out of it: plain data, so that a history can be written down and played again.
import type { FailReason } from '@entropic/core';

/** What dispatch.ts needs of a point. */
export interface Keyed {
  readonly id: string;
}

/** What has happened. */
export type DispatchEvent<P extends Keyed> =
  /** Misses came, each with its priority. */
  | { type: 'queued'; points: readonly P[]; priorities: readonly number[] }
  /** No more will come. */
  | { type: 'ended' }
  /** The answer to `claim`: ours to run, and run by others. The rest of what was asked is complete. */
  | { type: 'claimed'; claims: readonly P[]; held: readonly P[]; local: readonly P[] }
  /** The answer to `scout`: free, and run by others. The rest is complete. */
  | { type: 'scouted'; free: readonly P[]; held: readonly P[]; local: readonly P[] }
  /** The answer to `revisit`: without a result. The rest is complete. */
  | { type: 'revisited'; wanted: readonly P[] }
  /** Whoever ran this point in our process does so no longer. */
  | { type: 'freed'; point: P }
  /** The slot has done its part, in so many seconds; the result is not committed yet. */
  | { type: 'executed'; point: P; seconds: number }
  /** A started run is over: committed, taken over by somebody else, or aborted. */
  | { type: 'settled'; point: P; how: 'finished' | 'stale' | 'cancelled' }
  /** Or failed. `random`: from 0 to 1, for the time of a retry. */
  | { type: 'failed'; point: P; reason: FailReason; random: number }
  /** How many points of the sweep have failed so far, those among them that were never queued here. */
  | { type: 'failures'; count: number }
  /** It is the time that `wakeAt` told. */
  | { type: 'tick' }
  /** Nothing more is to be started; what runs may finish. */
  | { type: 'drain' }
  /** The same, and what runs is to be aborted. */
  | { type: 'cancel' };

/** What is to be done now. */
export type DispatchCommand<P extends Keyed> =
  /** Take the leases of these; answered by `claimed`. One question is open at a time. */
  | { do: 'claim'; points: readonly P[] }
  /** Somebody else is at the same points, and ahead: look which of these are free; answered by `scouted`. */
  | { do: 'scout'; points: readonly P[] }
  /** Look whether others have finished these; answered by `revisited`. */
  | { do: 'revisit'; points: readonly P[] }
  /** Run a claimed point, with so many times its memory limit; followed by `executed`, then `settled` or `failed`. */
  | { do: 'start'; point: P; priority: number; memoryFactor: number }
  /** The point failed and is tried again in so many seconds: to be told, nothing else. */
  | { do: 'retry'; point: P; seconds: number }
  /** The point has failed for good. `quarantined`: because it took its executor along that often; 0 for any other reason. */
  | { do: 'fail'; point: P; quarantined: number }
  /** These are cancelled; those of `claimed` have leases to be given back. */
  | { do: 'drop'; points: readonly P[]; claimed: readonly P[] }
  /** It was decided here that the sweep ends early. */
  | { do: 'stop'; why: 'failures' | 'closed' }
  /** Abort what runs. */
  | { do: 'abort' }
  /** Every point is complete, and no more will come. The last command. */
  | { do: 'end' };

export interface DispatchOptions {
  /** Runs at once. */
  slots: number;
  /** Short runs are started ahead of their turn: whoever runs them gives them to the slots together. */
  batches: boolean;
  maxFailures: number;
  /** Runs take the event loop's own thread. */
  inline: boolean;
}
