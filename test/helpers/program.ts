// A program of a user's own in a folder of its own: files, packages, and Node, tsx or tsc to run them. For tests of what is bundled.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import { type ProcessResult, root, runProcess } from './example.js';

export interface Program {
  /** Absolute, real. */
  readonly folder: string;
  path(name: string): string;
  url(name: string): URL;
  write(files: Readonly<Record<string, string>>): void;
  node(name: string, options?: ProgramOptions): Promise<ProcessResult>;
  tsx(name: string, options?: ProgramOptions): Promise<ProcessResult>;
  /** Compiles by the tsconfig.json that is there; throws what tsc said. */
  tsc(): Promise<void>;
}

export interface ProgramOptions {
  args?: readonly string[];
  cwd?: string;
  env?: Record<string, string>;
}

/** A folder with these files and `node_modules/entropic`, removed after the test. */
export function makeProgram(files: Readonly<Record<string, string>>): Program {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'entropic-program-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string) => join(folder, name);
  const write = (more: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(more)) {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), text);
    }
  };
  write({ 'package.json': '{ "type": "module" }', ...files });
  mkdirSync(path('node_modules'), { recursive: true });
  symlinkSync(join(root, 'packages', 'entropic'), path('node_modules/entropic'));
  const run = (before: readonly string[], name: string, { args = [], cwd = folder, env = {} }: ProgramOptions = {}) =>
    runProcess(process.execPath, [...before, path(name), ...args], {
      cwd,
      env: { NODE_OPTIONS: '', NODE_V8_COVERAGE: '', ...env },
    });
  return {
    folder,
    path,
    url: (name) => pathToFileURL(path(name)),
    write,
    node: (name, options) => run([], name, options),
    tsx: (name, options) => run([join(root, 'test', 'node_modules', 'tsx', 'dist', 'cli.mjs')], name, options),
    async tsc() {
      const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
      const { code, stdout } = await runProcess(process.execPath, [tsc, '-p', folder]);
      if (code !== 0) throw new Error(stdout);
    },
  };
}

/** The last line of what a program printed, as JSON; throws all it said if it ended badly. */
export function answerOf<T>({ code, stdout, stderr }: ProcessResult): T {
  if (code !== 0) throw new Error(`it ended with ${code}\n${stdout}\n${stderr}`);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) as string) as T;
}
