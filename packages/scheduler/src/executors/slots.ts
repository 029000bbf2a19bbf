// The port between a pool and the places that it runs its work in. Implemented by threads.ts and processes.ts, used by pool.ts.
import type { FailReason } from '@entropic/core';
import type { Answers, SlotBatch, SlotMessage, SlotResult, SlotWork } from './slot-work.js';

export interface Slots {
  /**
   * Begins the work in a free slot; the pool never begins more than there are.
   * @throws WorkEnded if the slot was ended, or went of itself
   */
  start(work: SlotWork, options: StartOptions): Promise<SlotResult>;
  /**
   * The same for many calls, or tasks, at once; what was not answered by messages comes at the end. Left out where a slot and its
   * pool share no memory: they then go one by one.
   */
  startBatch?(batch: SlotBatch, options: StartOptions): Promise<Answers>;
  /** Asks the run of this key to stop, also one whose slot is only starting. */
  abort(key: number, reason: string): void;
  /** When nothing runs any more. */
  close(): Promise<void>;
}

export interface StartOptions {
  /** Ends the slot in the middle of the work. */
  kill: AbortSignal;
  /** Bytes; processes only. */
  memoryLimit?: number | undefined;
}

/** Takes what the slots tell while they work. */
export type Hear = (message: SlotMessage) => void;

/** Why a slot went, as far as it is known. */
export interface Death {
  reason: FailReason;
  message: string;
  /** What the run threw, where that took its slot along. */
  cause?: unknown;
  exitCode?: number;
  signal?: string;
  /** The most memory that was seen, and its limit, in bytes. */
  peakBytes?: number;
  limit?: number;
}

/** The work gave no answer: its slot is gone, or it never began. */
export class WorkEnded extends Error {
  /** `cancelled`: before it began. Otherwise why its slot is gone; `died`: of itself, with `death`. */
  readonly why: 'cancelled' | 'aborted' | 'timeout' | 'died';
  readonly death: Death | undefined;

  constructor(why: WorkEnded['why'], death?: Death) {
    super(`the work ended without an answer: ${death?.message ?? why}`, { cause: death?.cause });
    this.why = why;
    this.death = death;
  }
}
