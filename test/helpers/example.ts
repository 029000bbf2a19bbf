// Runs examples/01-quickstart as `npm run quickstart` does, with a work folder of the test's own.
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export const root = resolve(import.meta.dirname, '..', '..');
export const exampleFolder = join(root, 'examples', '01-quickstart');

export interface ProcessResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

/** Starts a program and waits for its end; never rejects for what the program does. */
export function runProcess(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<ProcessResult> {
  const started = performance.now();
  const child = spawn(file, args, {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) =>
      done({ code, signal, stdout, stderr, seconds: (performance.now() - started) / 1000 }),
    );
  });
}

/** The command of `scripts/demo.mjs`, in the folder of the example. */
export function runQuickstart(work: string, env: Record<string, string> = {}): Promise<ProcessResult> {
  const tsx = join(exampleFolder, 'node_modules', 'tsx', 'dist', 'cli.mjs');
  return runProcess(process.execPath, [tsx, 'main.ts'], {
    cwd: exampleFolder,
    env: { QUICKSTART_FOLDER: work, ...env },
  });
}

/** The same in one process, behind a module that is loaded first: it may count, or end the process at a chosen call. */
export function runQuickstartBehind(
  preload: string,
  work: string,
  env: Record<string, string> = {},
): Promise<ProcessResult> {
  const tsx = join(exampleFolder, 'node_modules', 'tsx', 'dist', 'loader.mjs');
  const imports = [preload, tsx].flatMap((path) => ['--import', pathToFileURL(path).href]);
  return runProcess(process.execPath, [...imports, 'main.ts'], {
    cwd: exampleFolder,
    env: { QUICKSTART_FOLDER: work, ...env },
  });
}

/** The last lines of an output, without the empty line at its end. */
export function lastLines(text: string, count: number): string[] {
  return text.trimEnd().split('\n').slice(-count);
}
