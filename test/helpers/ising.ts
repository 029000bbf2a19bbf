// Runs examples/02-ising with a work folder of the test's own, or a copy of it whose runner counts its executions.
import { copyFileSync, mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ProcessResult, root, runProcess } from './example.js';

export const isingFolder = join(root, 'examples', '02-ising');

export type IsingEnv = Partial<
  Record<
    'ISING_FOLDER' | 'ISING_DB_URL' | 'ISING_SIZES' | 'ISING_SEEDS' | 'ISING_THREADS' | 'EXECUTIONS_LOG' | 'KILL_AT',
    string
  >
>;

/** The command of `scripts/demo.mjs`, in one process, so that a kill means all of it. */
export function runIsing(env: IsingEnv, folder = isingFolder): Promise<ProcessResult> {
  const tsx = pathToFileURL(join(isingFolder, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href;
  return runProcess(process.execPath, ['--import', tsx, 'main.ts'], { cwd: folder, env });
}

/** The example in a folder of its own: its ising.ts is now simulation.ts, called by test/helpers/counted-ising.ts. */
export function copyIsing(folder: string): string {
  mkdirSync(folder);
  for (const name of readdirSync(isingFolder)) {
    if (/\.ts$|^package\.json$/.test(name)) copyFileSync(join(isingFolder, name), join(folder, name));
  }
  renameSync(join(folder, 'ising.ts'), join(folder, 'simulation.ts'));
  copyFileSync(join(import.meta.dirname, 'counted-ising.ts'), join(folder, 'ising.ts'));
  symlinkSync(join(isingFolder, 'node_modules'), join(folder, 'node_modules'), 'junction');
  return folder;
}
