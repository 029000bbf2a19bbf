// A Python with NumPy, in a virtual environment of this clone: made once, under node_modules/.cache.
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, runProcess } from './example.js';

const folder = join(root, 'node_modules', '.cache', 'numpy');
const windows = process.platform === 'win32';

/** @returns the path of a Python that imports numpy. @throws with what pip said, if it cannot be had */
export async function ensureNumpy(): Promise<string> {
  if (await works(folder)) return pythonOf(folder);
  // Two test files may begin at once: each makes its own beside it, and the first to be ready gives it the name.
  const own = `${folder}-${process.pid}`;
  rmSync(own, { recursive: true, force: true });
  await succeed(windows ? 'python' : 'python3', ['-m', 'venv', own]);
  await succeed(pythonOf(own), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'numpy']);
  try {
    renameSync(own, folder);
  } catch {
    // Another was first, or what stands there is broken.
    if (await works(folder)) rmSync(own, { recursive: true, force: true });
    else {
      rmSync(folder, { recursive: true, force: true });
      renameSync(own, folder);
    }
  }
  return pythonOf(folder);
}

function pythonOf(environment: string): string {
  return windows ? join(environment, 'Scripts', 'python.exe') : join(environment, 'bin', 'python');
}

async function works(environment: string): Promise<boolean> {
  const python = pythonOf(environment);
  return existsSync(python) && (await runProcess(python, ['-c', 'import numpy'])).code === 0;
}

async function succeed(file: string, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await runProcess(file, args);
  if (code !== 0) throw new Error(`${[file, ...args].join(' ')} ended with ${code}:\n${stdout}${stderr}`);
}
