// The other programs of a fault trial: processes that faults happen to, one that runs the same command afterwards, and the judges.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Answer, Trial, Verdict } from './trials.js';

const helper = (name: string) => fileURLToPath(new URL(`../helpers/${name}`, import.meta.url));

/** One process that answers each line on its stdin with a line. */
class LineServer<Question, Reply> {
  readonly #child: ChildProcess;
  readonly #waiting: { resolve(reply: Reply): void; reject(error: Error): void }[] = [];
  #errors = '';

  constructor(command: string, args: string[], env: Record<string, string> = {}) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    const { stdin, stdout, stderr } = this.#child;
    if (!stdin || !stdout || !stderr) throw new Error('no pipes');
    stderr.on('data', (chunk) => {
      this.#errors = `${this.#errors}${chunk}`.slice(-4000);
    });
    stdin.on('error', () => {});
    createInterface({ input: stdout }).on('line', (line) => this.#waiting.shift()?.resolve(JSON.parse(line)));
    this.#child.on('error', (error) => this.#fail(error));
    this.#child.on('close', (code, signal) => {
      this.#fail(new Error(`${command} ${args.join(' ')} ended with ${signal ?? code}: ${this.#errors}`));
    });
  }

  ask(question: Question): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin?.write(`${JSON.stringify(question)}\n`);
    });
  }

  /** Ends by the end of its input. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = new Promise<boolean>((resolve) => this.#child.once('close', () => resolve(true)));
    this.#child.stdin?.end();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), 60_000);
    });
    const inTime = await Promise.race([closed, late]);
    clearTimeout(timer);
    if (inTime) return;
    this.#child.kill('SIGKILL');
    throw new Error('the process did not end when its work was done: something was left open');
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

export type TrialServer = LineServer<Trial, Answer>;
export type JudgeServer = LineServer<object, Verdict>;
export type RowsServer = LineServer<{ url: string; table: string }, object>;

/** A process that performs trials one after another, each with a store of its own. */
export function startTrialServer(dbUrl = ''): TrialServer {
  return new LineServer(process.execPath, [helper('fault-child.mjs'), 'serve'], { ENTROPIC_FAULTS_DATABASE: dbUrl });
}

export function startJudge(): JudgeServer {
  return new LineServer('python3', [helper('fault-judge.py')]);
}

export function startRowsServer(): RowsServer {
  return new LineServer(process.execPath, [helper('fault-judge-postgres.mjs')]);
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** What it printed, a JSON value a line. */
  lines: Record<string, unknown>[];
  stderr: string;
  seconds: number;
}

/** A process for one trial; `wrap` is a command to run it under, such as strace. */
export function startOnce(
  trial: Trial,
  { wrap = [], onLine }: { wrap?: string[]; onLine?(line: Record<string, unknown>, child: ChildProcess): void } = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const started = performance.now();
  const [command, ...args] = [...wrap, process.execPath, helper('fault-child.mjs'), 'once', JSON.stringify(trial)];
  const child = spawn(command as string, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ENTROPIC_FAULTS_DATABASE: trial.dbUrl },
  });
  const lines: Record<string, unknown>[] = [];
  let stderr = '';
  if (!child.stdout || !child.stderr) throw new Error('no pipes');
  child.stderr.on('data', (chunk) => {
    stderr = `${stderr}${chunk}`.slice(-4000);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const value = JSON.parse(line) as Record<string, unknown>;
    lines.push(value);
    onLine?.(value, child);
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ code, signal, lines, stderr, seconds: (performance.now() - started) / 1000 }),
    );
  });
  return { child, ended };
}
