// Functions that the tests of the client submit. Plain JavaScript, and nothing of ours.
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';

export default function square(n) {
  return n * n;
}

export const echo = (value) => value;

/** What a function can tell of the value that it was given. */
export const describe = (params) => ({
  map: params.map instanceof Map && params.map.get('a'),
  set: params.set instanceof Set && params.set.size,
  date: params.date instanceof Date && params.date.getTime(),
  array: params.array instanceof Float64Array && params.array.reduce((a, b) => a + b, 0),
  big: typeof params.big === 'bigint' && String(params.big),
  undefined: 'nothing' in params && params.nothing === undefined,
  ring: params.ring.self === params.ring,
  error: params.error instanceof RangeError && params.error.message,
});

export async function after({ ms, value }) {
  await sleep(ms);
  return value;
}

/** Says that it has begun, and ends when a file appears. */
export async function gate({ folder, n }) {
  appendFileSync(`${folder}/begun`, `${n}\n`);
  for (const end = Date.now() + 30_000; !existsSync(`${folder}/open`); await sleep(5)) {
    if (Date.now() > end) throw new Error('nobody opened the gate');
  }
  return n;
}

export async function patient({ folder }, run) {
  await new Promise((resolve, reject) => {
    setTimeout(resolve, 60_000);
    run.signal.addEventListener('abort', () => reject(run.signal.reason));
    appendFileSync(`${folder}/begun`, 'patient\n');
  });
}

export function endless({ folder }) {
  appendFileSync(`${folder}/begun`, 'endless\n');
  for (;;);
}

class Diverged extends RangeError {
  name = 'Diverged';
  code = 'E_DIVERGED';
  at = { step: 12 };
}

export async function diverge({ n }) {
  throw new Diverged(`at n = ${n}`, { cause: new TypeError('dt', { cause: 'too large' }) });
}

export const throwThis = ({ value }) => {
  throw value;
};

export const exit = ({ code }) => process.exit(code);

export const uncloneable = () => () => 1;

export const context = (_params, run) => {
  const refused = ['resultFile', 'workDir'].map((name) => {
    try {
      return run[name];
    } catch (error) {
      return error.message;
    }
  });
  run.progress(0.5);
  return { id: run.id, attempt: run.attempt, aborted: run.signal.aborted, refused };
};

export const thread = async () => {
  await sleep(30);
  return threadId;
};

/** A runner of a store: the result is written late where n is small. */
export async function backwards({ n, resultFile }) {
  await sleep(Math.max(0, 400 - 50 * n));
  writeFileSync(resultFile, `n = ${n}`);
  return n;
}

/** A runner of a store: each waits for the one after it, up to the fourth. */
export async function chained({ n, folder, resultFile }) {
  for (const end = Date.now() + 30_000; n < 4 && !existsSync(`${folder}/${n + 1}.done`); await sleep(5)) {
    if (Date.now() > end) throw new Error(`${n + 1} did not come`);
  }
  writeFileSync(resultFile, `n = ${n}`);
  appendFileSync(`${folder}/done`, `${n}\n`);
  writeFileSync(`${folder}/${n}.done`, '');
  return n;
}

/** The runner of the quickstart: it counts its executions beside the results folder. */
export function simulate({ resultFile, ...point }) {
  appendFileSync(join(resultFile, '../../../../executions'), `${JSON.stringify(point)}\n`);
  console.log('simulating n =', point.n);
  writeFileSync(resultFile, `n=${point.n} steps=${point.steps} dt=${point.dt} ${point.method}\n`);
}

/** A runner of a store that waits at a gate. */
export async function gated({ n, folder, resultFile }) {
  await gate({ folder, n });
  writeFileSync(resultFile, `n = ${n}`);
}

const leaks = [];
export function leak() {
  for (;;) leaks.push(Array.from({ length: 10_000 }, (_, i) => ({ i })));
}

/** Tiny, but for what stands in `special` at its number: how many milliseconds it computes, or how else it is odd. */
export function mostly({ n, special = {} }) {
  const odd = special[n];
  if (typeof odd === 'number') for (const end = performance.now() + odd; performance.now() < end; );
  if (odd === 'exit') process.exit(3);
  if (odd === 'throw') throw new RangeError(`n = ${n}`);
  if (odd === 'uncloneable') return () => n;
  if (odd === 'wait') return sleep(500).then(() => n);
  if (odd === 'print') console.log(`n = ${n}`);
  return n;
}

/** Counts its executions in a file. */
export function counted({ n, file, exit }) {
  appendFileSync(file, `${n}\n`);
  if (n === exit) process.exit(3);
  return n;
}
