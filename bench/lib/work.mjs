// The module runners of the rows: what runs in the threads.
import { writeFileSync } from 'node:fs';

/** @param {number} i */
export const noop = (i) => i;

export const sleep10 = () =>
  /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      setTimeout(resolve, 10);
    })
  );

/**
 * A fixed amount of work: on a busy machine it takes longer, and does not become less.
 *
 * @param {number} rounds
 */
export const work = (rounds) => {
  let x = 1;
  for (let i = 0; i < rounds; i++) x = (Math.imul(x, 1664525) + 1013904223) | 0;
  return x;
};

/** @param {{ n: number, dt: number }} _params @param {{ resultFile: string }} run */
export default function writeOneByte(_params, run) {
  writeFileSync(run.resultFile, 'x');
}
