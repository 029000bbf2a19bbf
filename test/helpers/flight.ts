// Processes that share one store: started, told what to do, stopped, continued, killed. The process itself is flight-child.mjs.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Where the processes of a test meet. */
export interface FlightPlace {
  resultsDir: string;
  dbUrl: string;
  table?: string;
  /** The runner's own log. */
  log: string;
}

export interface FlightOptions {
  how?: 'threads' | 'inline' | 'waiting';
  threads?: number;
  lease?: string;
  /** The process stops itself (SIGSTOP) around its first such call on a result file. */
  stopAt?: { call: 'fsync' | 'link' | 'digest'; when: 'before' | 'after' };
  /** Shortest and longest run. */
  ms?: readonly [number, number];
  /** Runs of this process wait until this file is there. */
  gate?: string;
  fail?: boolean;
}

export interface Reply {
  tag?: string;
  event?: string;
  id?: string;
  execution?: string;
  records?: number;
  inOrder?: boolean;
  progress?: Record<string, number>;
  message?: string;
  error?: { name: string; code?: string; reason?: string; message: string; failures: string[] };
}

const script = fileURLToPath(new URL('./flight-child.mjs', import.meta.url));
/** Long enough for a machine that does ten other things. */
const PATIENCE_MS = 60_000;

export class FlightProcess {
  readonly child: ChildProcess;
  /** Milliseconds since 1970. */
  readonly startedAt = Date.now();
  readonly heard: Reply[] = [];
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  #wake: (() => void)[] = [];
  #errors = '';
  #over = false;
  #tags = 0;

  constructor(place: FlightPlace, options: FlightOptions = {}) {
    const { log, ...where } = place;
    const { ms, gate, fail, ...how } = options;
    this.child = spawn(process.execPath, [script, JSON.stringify({ ...where, ...how })], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ENTROPIC_FLIGHT: JSON.stringify({ log, ms, gate, fail }) },
    });
    const { stdin, stdout, stderr } = this.child;
    if (!stdin || !stdout || !stderr) throw new Error('no pipes');
    stdin.on('error', () => {});
    stderr.on('data', (chunk) => {
      this.#errors = `${this.#errors}${chunk}`.slice(-4000);
    });
    createInterface({ input: stdout }).on('line', (line) => {
      this.heard.push(JSON.parse(line));
      this.#changed();
    });
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code, signal) => {
        this.#over = true;
        this.#changed();
        resolve({ code, signal });
      });
    });
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** What it wrote to stderr. */
  get errors(): string {
    return this.#errors;
  }

  /** The first line for which the test holds, now or later. */
  async until(what: string, test: (line: Reply) => boolean): Promise<Reply> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const line = this.heard.find(test);
      if (line) return line;
      if (this.#over || Date.now() > deadline) {
        throw new Error(
          `process ${this.pid} ${this.#over ? 'ended' : 'is silent'} before: ${what}\n${this.#errors}\n${JSON.stringify(this.heard)}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  ready(): Promise<Reply> {
    return this.until('ready', (line) => line.event === 'ready');
  }

  event(name: string): Promise<Reply> {
    return this.until(name, (line) => line.event === name);
  }

  /** Gives a command; `answer` is what came of it. */
  tell(command: { do: 'sweep' | 'obtain' | 'abort' | 'close'; [option: string]: unknown }): {
    tag: string;
    answer: Promise<Reply>;
  } {
    const tag = `${command.do}-${++this.#tags}`;
    this.child.stdin?.write(`${JSON.stringify({ ...command, tag })}\n`);
    const answer = this.until(tag, (line) => line.tag === tag);
    // Not everybody asks for the answer of a process that is to be killed.
    answer.catch(() => {});
    return { tag, answer };
  }

  stop(): void {
    this.child.kill('SIGSTOP');
  }

  /** Until the kernel says that it stands still. */
  async stopped(): Promise<void> {
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; ) {
      const stat = readFileSync(`/proc/${this.pid}/stat`, 'latin1');
      if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')) return;
      await pause(5);
    }
    throw new Error(`process ${this.pid} does not stop`);
  }

  resume(): void {
    this.child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** Closes the store and waits for the end of the process by itself. */
  async close(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.child.stdin?.end();
    return this.ended;
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** One line of the runner's log. */
export interface Execution {
  n: number;
  pid: number;
  execution: string;
  /** Milliseconds since 1970. */
  at: number;
}

export function executionsOf(log: string): Execution[] {
  if (!existsSync(log)) return [];
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [n, execution = '', at] = line.split(' ');
      return { n: Number(n), pid: Number(execution.split('-')[0]), execution, at: Number(at) };
    });
}

/** Waits for what another process does; fails rather than waits for ever. */
export async function waitFor(what: string, test: () => boolean): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; !test(); await pause(5)) {
    if (Date.now() > deadline) throw new Error(`it did not happen: ${what}`);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
