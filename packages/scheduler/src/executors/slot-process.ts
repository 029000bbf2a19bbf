// One process of a pool, as its parent sees it: it takes one piece of work after the other, and when it goes it is told why. It leads a
// process group of its own, so that what a run started ends with it. Made by processes.ts; its other side is process-entry.ts.
import { type ChildProcess, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { fromWire, RunLog, type WireError } from '@entropic/core/internal';
import { killGroup, killTree } from './process-tree.js';
import type { AbortMessage, SlotMessage, SlotResult, SlotWork } from './slot-work.js';
import { type Death, type Hear, WorkEnded } from './slots.js';

export type ToProcess = { type: 'work'; work: SlotWork } | ({ type: 'abort' } & AbortMessage);

export type FromProcess =
  | SlotMessage
  /** Its memory, before any code of a runner is loaded. */
  | { type: 'ready'; memory: number }
  /** With its memory afterwards. */
  | { type: 'answer'; key: number; memory: number; result: SlotResult }
  /** The value cannot be sent. */
  | { type: 'unsent'; key: number; message: string }
  /** The run threw where nobody catches it. */
  | { type: 'failed'; message: string; error: WireError };

/** Kept of what a run wrote past its log, by native code or child processes, in bytes. */
const MAX_OUTPUT = 64_000;
/** How long after a run its output may still come, in milliseconds: it has another way than the answer. */
const LATE_MS = 100;
/** How long the output of a process that is gone is waited for, in milliseconds: what it started may hold it open. */
const PATIENCE_MS = 1000;

interface Flight {
  work: SlotWork;
  resolve(result: SlotResult): void;
  reject(error: WorkEnded): void;
}

export class SlotProcess {
  /** Resolves when it is gone. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #hear: Hear;
  #flight: Flight | undefined;
  /** The last one, whose output may still come. */
  #work: SlotWork | undefined;
  #output = Buffer.alloc(0);
  #overSince = 0;
  #ready = false;
  #memory = { base: 0, now: 0 };
  #death: Death | undefined;
  #gone = false;

  /** @throws what the system says of a process that cannot be started */
  constructor(hear: Hear) {
    this.#hear = hear;
    this.#child = fork(fileURLToPath(new URL('./process-entry.js', import.meta.url)), [String(process.pid)], {
      detached: true,
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A loader of the program (tsx) has nothing to do in a bundle; how large a heap may be was said to all of the program.
      execArgv: ['--enable-source-maps', ...process.execArgv.filter((flag) => /^--(max-|stack-)/.test(flag))],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr] as (Socket | null)[]) {
      stream?.on('data', (chunk: Buffer) => this.#print(chunk, stream === this.#child.stderr));
      stream?.unref();
    }
    this.#child.on('message', (message: FromProcess) => this.#take(message));
    this.ended = this.#untilEnded();
    this.#holdProgram(false);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Whether it may take work. */
  get usable(): boolean {
    return !this.#gone && this.#death === undefined && this.#child.connected;
  }

  /** What it had before its first run, and after its last; in bytes. */
  get memory(): { readonly base: number; readonly now: number } {
    return this.#memory;
  }

  run(work: SlotWork): Promise<SlotResult> {
    return new Promise((resolve, reject) => {
      this.#flight = { work, resolve, reject };
      this.#work = work;
      this.#output = Buffer.alloc(0);
      this.#holdProgram(true);
      try {
        this.#send({ type: 'work', work });
      } catch (error) {
        this.#over()?.reject(unsendable((error as Error).message));
      }
    });
  }

  abort(message: AbortMessage): void {
    this.#send({ type: 'abort', ...message });
  }

  /** @param death why, if somebody is to hear of it */
  kill(death?: Death): void {
    if (this.#gone) return;
    this.#death ??= death;
    this.#holdProgram(true);
    if (this.#child.pid !== undefined) killTree(this.#child.pid);
  }

  #send(message: ToProcess): void {
    // What cannot be written any more is told by its end.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  #take(message: FromProcess): void {
    if (message.type === 'ready') {
      this.#ready = true;
      this.#memory = { base: message.memory, now: message.memory };
    } else if (message.type === 'failed') {
      this.kill({ reason: 'exception', message: message.message, cause: fromWire(message.error) });
    } else if (message.type === 'answer') {
      this.#memory = { ...this.#memory, now: message.memory };
      this.#over()?.resolve(message.result);
    } else if (message.type === 'unsent') this.#over()?.reject(unsendable(message.message));
    else this.#hear(message);
  }

  /** The work has its answer, or none will come. */
  #over(): Flight | undefined {
    const flight = this.#flight;
    this.#flight = undefined;
    this.#overSince = performance.now();
    this.#holdProgram(false);
    if (flight && this.#output.length > 0) this.#keep(this.#output);
    return flight;
  }

  /** What did not go through the log of the run: native code and child processes write to the process itself. */
  #print(chunk: Buffer, isError: boolean): void {
    if (this.#work?.kind !== 'task') (isError ? process.stderr : process.stdout).write(chunk);
    if (this.#flight) this.#output = Buffer.concat([this.#output, chunk]).subarray(-MAX_OUTPUT);
    else if (performance.now() - this.#overSince < LATE_MS) this.#keep(chunk);
  }

  /** At the end of the log of a task: while it ran the slot itself wrote there. */
  #keep(output: Buffer): void {
    if (this.#work?.kind === 'task') new RunLog(this.#work.task.log).addLate(output);
  }

  async #untilEnded(): Promise<void> {
    const child = this.#child;
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const death = await new Promise<Death | undefined>((resolve) => {
      child.once('exit', (code, signal) => resolve(this.#death ?? endOf(code, signal)));
      child.on('error', (error) => {
        if (child.pid === undefined) resolve(lost(`its process could not be started: ${error.message}`));
      });
    });
    this.#gone = true;
    if (child.pid !== undefined) {
      killGroup(child.pid);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, PATIENCE_MS);
      });
      await Promise.race([closed, late]);
      clearTimeout(timer);
    }
    child.stdout?.destroy();
    child.stderr?.destroy();
    const printed = this.#output.toString('latin1');
    this.#over()?.reject(new WorkEnded('died', this.#explain(death as Death, printed)));
  }

  #explain(death: Death, printed: string): Death {
    if (this.#death !== undefined || this.#child.pid === undefined) return death;
    // V8 ends the process for it by a signal; the words alone may be of a program that the run started.
    if (death.signal !== undefined && printed.includes('JavaScript heap out of memory')) {
      const message =
        'the JavaScript heap of its process is full; a smaller point may do, or a larger heap: node --max-old-space-size=8192';
      return { reason: 'oom', message };
    }
    if (this.#ready) return death;
    return lost(`its process ended while it was starting: ${printed.trim().slice(-2000) || death.message}`);
  }

  /** A program lives for as long as something runs, and not because of processes that wait for work. */
  #holdProgram(hold: boolean): void {
    const method = hold ? 'ref' : 'unref';
    this.#child[method]();
    this.#child.channel?.[method]();
  }
}

function endOf(code: number | null, signal: NodeJS.Signals | null): Death {
  if (signal === null) {
    const exitCode = code ?? 0;
    return { reason: 'exit', message: `it called process.exit(${exitCode}) instead of returning`, exitCode };
  }
  const hint = signal === 'SIGKILL' ? '; the system does that when memory runs out' : '';
  return { reason: 'signal', message: `its process was ended by ${signal}${hint}`, signal };
}

function lost(message: string): Death {
  return { reason: 'worker-lost', message };
}

function unsendable(message: string): WorkEnded {
  return new WorkEnded('died', { reason: 'exception', message, cause: new DOMException(message, 'DataCloneError') });
}
