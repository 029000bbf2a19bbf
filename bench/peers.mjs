// What users would use instead, measured by scripts of their own that are run unmodified. Finds or makes their environment, and
// knows how each script is called. Called by run.mjs.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readFigures } from './lib/process.mjs';

/** Dask and its like may not end by themselves. */
const SECONDS = 300;

/** @type {Readonly<Record<string, { command: 'python' | 'node', args: readonly string[], env?: Record<string, string> }>>} */
const scripts = {
  entropic: { command: 'python', args: ['a_entropic.py', '10000'], env: { NODASK: '1' } },
  // It measures a serial sweep first in any case: of ten points, to be quick.
  entropicDask: { command: 'python', args: ['a_entropic.py', '10'] },
  dask: { command: 'python', args: ['b_dask.py'] },
  joblib: { command: 'python', args: ['d_joblib.py'] },
  piscina: { command: 'node', args: ['f_piscina.mjs', '50000'] },
};

/**
 * The folder in which the scripts can be run: the given one if its environment is made, else a copy in the cache whose environment
 * is made by the scripts' own setup.sh.
 *
 * @param {{ folder: string, cache: string, setup: boolean }} options
 * @returns {{ folder: string } | { problem: string }}
 */
export function preparePeers({ folder, cache, setup }) {
  if (!existsSync(join(folder, 'setup.sh'))) return { problem: `no setup.sh in ${folder}` };
  if (isReady(folder) && !setup) return { folder };
  const copy = join(resolve(cache), 'peers');
  mkdirSync(copy, { recursive: true });
  for (const name of readdirSync(folder)) {
    const stat = statSync(join(folder, name));
    if (!stat.isFile()) continue;
    rmSync(join(copy, name), { force: true });
    copyFileSync(join(folder, name), join(copy, name));
    // They may be read-only; npm writes package.json.
    chmodSync(join(copy, name), stat.mode | 0o200);
  }
  if (isReady(copy) && !setup) return { folder: copy };
  process.stderr.write(`[bench] making the peers' environment in ${copy} …\n`);
  const made = spawnSync('bash', ['setup.sh'], {
    cwd: copy,
    // Ray is no peer of any row here, and the largest of all.
    env: { ...process.env, NO_RAY: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (made.status !== 0) return { problem: `setup.sh ended with ${made.signal ?? made.status}` };
  return { folder: copy };
}

/** @param {string} folder */
function isReady(folder) {
  return existsSync(join(folder, 'venv', 'bin', 'python')) && existsSync(join(folder, 'node_modules'));
}

/** @param {string} folder @param {string} name a key of `scripts` */
export function runPeer(folder, name) {
  const script = scripts[name];
  if (script === undefined) throw new Error(`no script "${name}"; there are ${Object.keys(scripts).join(', ')}`);
  const command = script.command === 'node' ? process.execPath : join(folder, 'venv', 'bin', 'python');
  return readFigures(command, script.args, {
    cwd: folder,
    env: { ...process.env, ...script.env },
    seconds: SECONDS,
  });
}
