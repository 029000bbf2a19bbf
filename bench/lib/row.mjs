// What every row of the bench shares: its command line, its own temp folder, and how it prints a figure. Used by bench/rows.
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/**
 * @typedef {object} RowContext
 * @property {boolean} small a smoke test: everything is done once, with few points
 * @property {string} folder empty at the start, removed at the end
 * @property {string | undefined} cache where large fixtures are kept between runs
 */

/**
 * Runs a row in a fresh folder that is gone afterwards.
 *
 * @param {(row: RowContext) => Promise<void>} measure
 */
export async function runRow(measure) {
  const { values } = parseArgs({
    options: { small: { type: 'boolean', default: false }, cache: { type: 'string' } },
  });
  const folder = mkdtempSync(join(tmpdir(), 'entropic-bench-'));
  try {
    await measure({ small: values.small, folder, cache: values.cache });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Prints one figure as a line of JSON, in the form of the peers' scripts. The case does not name the number of points: it is the
 * same for a small run, and `n` tells.
 *
 * @param {string} name
 * @param {number} value
 * @param {string} unit
 * @param {Record<string, unknown>} [more]
 */
export function emit(name, value, unit, more = {}) {
  if (!Number.isFinite(value)) throw new Error(`bench: ${name} gave ${value}`);
  const load1 = Number((loadavg()[0] ?? 0).toFixed(2));
  const line = { peer: 'entropic', case: name, value: Number(value.toPrecision(6)), unit, load1, ...more };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/**
 * @param {readonly number[]} values
 * @param {number} part 0.5 is the median
 */
export function quantile(values, part) {
  const sorted = Float64Array.from(values).sort();
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  if (value === undefined) throw new Error('bench: no values');
  return value;
}

/** @param {() => Promise<unknown>} work @returns milliseconds */
export async function timed(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
