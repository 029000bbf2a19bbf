// Slots that are child processes: what crashes, leaks or exits there takes nothing of the program along, and the memory of a run may have
// a limit. Made by pool.ts.
import { memoryOf } from './process-tree.js';
import { SlotProcess } from './slot-process.js';
import type { SlotResult, SlotWork } from './slot-work.js';
import { type Hear, type Slots, type StartOptions, WorkEnded } from './slots.js';

/** How often the memory of runs with a limit is looked at, in milliseconds. Elsewhere than on Linux a program is started for it. */
const LOOK_MS = process.platform === 'linux' ? 50 : 500;

interface Limited {
  process: SlotProcess;
  limit: number;
  /** The most that was seen, in bytes. */
  peak: number;
}

export class ProcessSlots implements Slots {
  readonly #hear: Hear;
  readonly #idle: SlotProcess[] = [];
  readonly #busy = new Map<number, SlotProcess>();
  /** All that live. */
  readonly #processes = new Set<SlotProcess>();
  readonly #limited = new Set<Limited>();
  #looking: NodeJS.Timeout | undefined;

  constructor(hear: Hear) {
    this.#hear = hear;
  }

  async start(work: SlotWork, { kill, memoryLimit }: StartOptions): Promise<SlotResult> {
    const process = this.#take(memoryLimit);
    const limited = memoryLimit === undefined ? undefined : { process, limit: memoryLimit, peak: 0 };
    const onKill = () => process.kill();
    kill.addEventListener('abort', onKill);
    this.#busy.set(work.key, process);
    if (limited) this.#look(limited);
    try {
      if (kill.aborted) onKill();
      return await process.run(work);
    } finally {
      kill.removeEventListener('abort', onKill);
      this.#busy.delete(work.key);
      if (limited) this.#limited.delete(limited);
      if (process.usable) this.#idle.push(process);
    }
  }

  abort(key: number, reason: string): void {
    this.#busy.get(key)?.abort({ abort: key, reason });
  }

  async close(): Promise<void> {
    clearTimeout(this.#looking);
    const all = [...this.#processes];
    for (const process of all) process.kill();
    await Promise.all(all.map(({ ended }) => ended));
  }

  /** A process that waits, or a new one. One that earlier runs left large must not cost a run half of its limit. */
  #take(limit: number | undefined): SlotProcess {
    for (let process = this.#idle.pop(); process; process = this.#idle.pop()) {
      if (!process.usable) continue;
      const { base, now } = process.memory;
      if (limit === undefined || now <= base + Math.max(0, limit - base) / 2) return process;
      process.kill();
    }
    return this.#newProcess();
  }

  #newProcess(): SlotProcess {
    let process: SlotProcess;
    try {
      process = new SlotProcess(this.#hear);
    } catch (error) {
      const message = `its process could not be started: ${(error as Error).message}`;
      throw new WorkEnded('died', { reason: 'worker-lost', message });
    }
    this.#processes.add(process);
    void process.ended.then(() => this.#processes.delete(process));
    return process;
  }

  #look(limited: Limited): void {
    this.#limited.add(limited);
    this.#looking ??= setTimeout(() => this.#lookAtAll(), LOOK_MS).unref();
  }

  async #lookAtAll(): Promise<void> {
    for (const one of this.#limited) {
      one.peak = Math.max(one.peak, await memoryOf(one.process.pid));
      if (one.peak <= one.limit || !this.#limited.has(one)) continue;
      this.#limited.delete(one);
      const { peak: peakBytes, limit } = one;
      const message = `its process used ${megabytes(peakBytes)} of memory, more than its memoryLimit of ${megabytes(limit)}`;
      one.process.kill({ reason: 'oom', message, peakBytes, limit });
    }
    this.#looking = undefined;
    if (this.#limited.size > 0) this.#looking = setTimeout(() => this.#lookAtAll(), LOOK_MS).unref();
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e5) / 10} MB`;
}
