// A Python with NumPy, in a virtual environment of this clone: made once, under node_modules/.cache.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, runProcess } from './example.js';

const folder = join(root, 'node_modules', '.cache', 'numpy');
const windows = process.platform === 'win32';
const python = windows ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');

/** @returns the path of a Python that imports numpy. @throws with what pip said, if it cannot be had */
export async function ensureNumpy(): Promise<string> {
  if (existsSync(python) && (await runProcess(python, ['-c', 'import numpy'])).code === 0) return python;
  rmSync(folder, { recursive: true, force: true });
  await succeed(windows ? 'python' : 'python3', ['-m', 'venv', folder]);
  await succeed(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'numpy']);
  return python;
}

async function succeed(file: string, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await runProcess(file, args);
  if (code !== 0) throw new Error(`${[file, ...args].join(' ')} ended with ${code}:\n${stdout}${stderr}`);
}
