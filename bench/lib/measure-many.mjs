// One measurement over many points in a process of its own, so that the peak of memory is its own. Started by `measureMany`; prints
// one line of JSON.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gridOf, openStore } from './points.mjs';

const self = fileURLToPath(import.meta.url);

/**
 * @typedef {object} Many
 * @property {number} seconds
 * @property {number} firstSeconds until the first outcome; of a plan, which has none, all of it
 * @property {number} peakMb 10^6 bytes
 */

/** @typedef {'hits' | 'plan' | 'misses'} Kind */

/**
 * @param {Kind} kind `hits` and `plan`: in a store of the fixture; `misses`: in an empty folder
 * @param {number} size
 * @param {string} folder
 * @returns {Many}
 */
export function measureMany(kind, size, folder) {
  const child = spawnSync(process.execPath, [self, kind, String(size), folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.status !== 0) throw new Error(`${kind} of ${size} points ended with ${child.signal ?? child.status}`);
  return JSON.parse(child.stdout);
}

/** @param {Kind} kind @param {number} size @param {string} folder @returns {Promise<Many>} */
async function measure(kind, size, folder) {
  const hits = kind !== 'misses';
  const store = await openStore(folder, 'filled', { durability: 'process' });
  const grid = gridOf(size);
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  let firstSeconds = 0;
  let good = 0;
  if (kind === 'plan') {
    good = (await store.plan(grid)).hits;
  } else {
    for await (const { status } of store.sweep(grid)) {
      if (firstSeconds === 0) firstSeconds = seconds();
      if (status === (hits ? 'cached' : 'finished')) good++;
    }
  }
  const total = seconds();
  if (good !== size) {
    const hint = hits ? `; the store in ${folder} is not whole: remove the folder, it is made again` : '';
    throw new Error(`${kind}: ${good} of ${size} points${hint}`);
  }
  const peakMb = peakBytes() / 1e6;
  await store.close();
  return { seconds: total, firstSeconds: firstSeconds || total, peakMb };
}

/** On Linux the `maxRSS` of a process begins with that of the one that started it; VmHWM does not. */
function peakBytes() {
  const kb =
    process.platform === 'linux'
      ? Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
      : process.resourceUsage().maxRSS;
  return kb * 1024;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === self) {
  const [kind, size, folder] = process.argv.slice(2);
  const many = await measure(/** @type {Kind} */ (kind), Number(size), String(folder));
  process.stdout.write(`${JSON.stringify(many)}\n`);
}
