// A small model, a runner that counts, and judges that are other programs: what the suites on files and on the Python faults share.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineResult, int, type RunnerFunction, Store, type StoreEvent, type StoreOptions } from 'entropic';
import { expect, onTestFinished } from 'vitest';
import type { Place } from './databases.js';

export const Toy = defineResult('toy', { n: int() });

/** A runner of Toy that remembers what it ran. Its content depends on n only, unless `content` says otherwise. */
export function countingRunner(content: (n: number, nth: number) => string = (n) => `the result of n = ${n}\n`) {
  const executions: number[] = [];
  const runner: RunnerFunction<{ n: number }> = ({ n, resultFile }) => {
    executions.push(n);
    writeFileSync(resultFile, content(n, executions.length));
  };
  return { runner, executions };
}

/** A store of Toy at a place: `await using store = await openToy(place)`. */
export function openToy(
  place: Pick<Place, 'resultsDir' | 'dbUrl'>,
  runner: RunnerFunction<{ n: number }> = countingRunner().runner,
  options: StoreOptions = {},
) {
  const { resultsDir, dbUrl } = place;
  return Store.open({ model: Toy, runner, resultsDir, dbUrl, ...options });
}

export type Entry = [path: string, kind: string, inode: number, size: number, mtimeNs: string, content: string];

const judge = fileURLToPath(new URL('./folder-judge.py', import.meta.url));

function ask<T>(...args: string[]): T {
  return JSON.parse(
    execFileSync('python3', ['-I', '-S', judge, ...args], { encoding: 'utf8', maxBuffer: 1 << 28 }),
  ) as T;
}

/** Everything in a folder: names, kinds, inodes, sizes, times of change, content. */
export function snapshot(folder: string): Entry[] {
  return ask<Entry[]>('snapshot', folder);
}

/** Digest and size of the regular files directly in a folder, by name. */
export function digests(folder: string): Record<string, [sha256: string, size: number]> {
  return existsSync(folder) ? ask('digests', folder) : {};
}

/** Every row of every table of the store, by own SQL. */
export async function allRows(place: Place, table = 'toy'): Promise<Record<string, unknown[]>> {
  const tables = [table, 'entropic_runs', 'entropic_leases', 'entropic_attempts', 'entropic_columns', 'entropic_meta'];
  const found: Record<string, unknown[]> = Object.fromEntries(tables.map((name) => [name, []]));
  if (place.kind === 'sqlite') {
    for (const name of tables) found[name] = await place.sql(`SELECT * FROM ${name} ORDER BY 1, 2`);
    return found;
  }
  // One question: each is a connection of its own.
  const parts = tables.map((name) => `SELECT '${name}', row_to_json(t)::text FROM ${name} t`);
  const rows = (await place.sql(`${parts.join(' UNION ALL ')} ORDER BY 1, 2`)) as [string, string][];
  for (const [name, row] of rows) found[name]?.push(row);
  return found;
}

/** I1 and I2, judged by own SQL and by Python: these points have a row each, and each row's file has its digest and size. */
export async function expectWhole(place: Place, ns: readonly number[]): Promise<void> {
  const rows = await place.sql(
    "SELECT t.n, t.result_file, x.sha256, x.size FROM toy t JOIN entropic_runs x ON x.table_name = 'toy' AND x.id = t.id ORDER BY t.n",
  );
  expect(rows.map(([n]) => Number(n))).toEqual([...ns].sort((a, b) => a - b));
  const found = digests(place.resultsDir);
  for (const [n, file, sha256, size] of rows) {
    const name = String(file).split('/').at(-1) as string;
    expect(found[name], `the file of n = ${n}`).toEqual([sha256, Number(size)]);
  }
}

/** The events of one type from now on, until the test ends. */
export function heard<T extends StoreEvent['type']>(type: T): Extract<StoreEvent, { type: T }>[] {
  const events: Extract<StoreEvent, { type: T }>[] = [];
  const listener = (event: unknown) => events.push(event as Extract<StoreEvent, { type: T }>);
  subscribe(`entropic:${type}`, listener);
  onTestFinished(() => void unsubscribe(`entropic:${type}`, listener));
  return events;
}

export interface ScriptResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** Milliseconds from start to end. */
  took: number;
}

export interface ScriptOptions {
  args?: readonly string[];
  /** Flags of Node, before the script. */
  flags?: readonly string[];
  env?: Record<string, string>;
  cwd?: string;
  /** The script is killed after so many milliseconds. */
  timeout?: number;
}

/** Runs a script of test/helpers in a Node of its own. */
export async function runScript(name: string, options: ScriptOptions = {}): Promise<ScriptResult> {
  const { args = [], flags = [], env = {}, cwd, timeout = 60_000 } = options;
  const script = fileURLToPath(new URL(name, import.meta.url));
  const started = performance.now();
  const child = spawn(process.execPath, [...flags, script, ...args], {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '', NODE_DEBUG: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.on('close', (...ended) => resolve(ended));
  });
  clearTimeout(timer);
  return { code, signal, stdout, stderr, took: performance.now() - started };
}

/** The script must end well; its last line of output is JSON. */
export async function askScript<T>(name: string, options: ScriptOptions = {}): Promise<T> {
  const { code, signal, stdout, stderr } = await runScript(name, options);
  expect({ code, signal, stderr }, stdout).toEqual({ code: 0, signal: null, stderr: '' });
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as T;
}

/** Absolute path of what is kept under `.quarantine`. */
export function quarantine(place: Pick<Place, 'resultsDir'>): string {
  return join(place.resultsDir, '.quarantine');
}

/** The id of a point of Toy, computed here and not by the library. */
export function idOfToy(n: number): string {
  return createHash('sha256').update(`{"n":${n}}`).digest('hex').slice(0, 16);
}
