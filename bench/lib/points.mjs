// The model, the grid and the store of the rows: the same points and the same payload of one byte as the peer's script of Python
// entropic has.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineResult, float, int, Store } from 'entropic';

export const Point = defineResult('results', { n: int(), dt: float() });

/**
 * `size` distinct points: n of size / 10 values, dt of ten.
 *
 * @param {number} size a multiple of ten
 * @param {number} [from] the first n
 */
export function gridOf(size, from = 0) {
  return {
    n: Array.from({ length: size / 10 }, (_, i) => from + i),
    dt: Array.from({ length: 10 }, (_, i) => i / 100),
  };
}

/**
 * The same points as a list, in the order of the grid.
 *
 * @param {number} size
 */
export function pointsOf(size) {
  const { n, dt } = gridOf(size);
  return n.flatMap((one) => dt.map((step) => ({ n: one, dt: step })));
}

/** @param {unknown} _params @param {{ resultFile: string }} run */
export function writeOneByte(_params, run) {
  writeFileSync(run.resultFile, 'x');
}

/** Where the store named `name` in a folder lies. @param {string} folder @param {string} name */
export function storePlace(folder, name) {
  return { resultsDir: join(folder, name, 'results'), dbUrl: `sqlite:${join(folder, name, 'runs.sqlite3')}` };
}

/**
 * @param {string} folder
 * @param {string} name
 * @param {Partial<import('entropic').OpenOptions<typeof Point>>} [options]
 */
export function openStore(folder, name, options = {}) {
  return Store.open({ model: Point, runner: writeOneByte, ...storePlace(folder, name), ...options });
}

/**
 * A store that holds `size` results, as it is right after they were run.
 *
 * @param {string} folder
 * @param {number} size
 */
export async function openFilledStore(folder, size) {
  const store = await openStore(folder, 'filled', { durability: 'process' });
  await store.sweep(gridOf(size));
  return store;
}
