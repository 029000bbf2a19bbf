// How time and memory grow from a thousand points to a million: hits by `for await`, a plan, and misses without fsync, each in a
// process of its own. Writes growth.json here, two pictures into docs/images and their links into README.md; with --out the first
// three into that folder.
//
//   node bench/growth.mjs [--reps 3] [--cache <folder>] [--out <folder>] [--draw] [--small]
//
// --draw only makes the pictures again, from the growth.json that is there.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureReady, root, runAsScript } from '../scripts/bootstrap.mjs';
import { drawGrowth } from './growth-chart.mjs';
import { describeMachine } from './lib/machine.mjs';
import { writeBetweenMarkers } from './lib/markers.mjs';
import { endAtSignals } from './lib/process.mjs';

/** Misses write and commit each point: a million would take most of an hour. */
const MOST_MISSES = 100_000;
const LINKS = `![Time for each point, from a thousand points to a million](../docs/images/growth-time.svg)

![Peak of memory, from a thousand points to a million](../docs/images/growth-memory.svg)
`;

await runAsScript(import.meta.url, async () => {
  const { values } = parseArgs({
    options: {
      reps: { type: 'string' },
      cache: { type: 'string' },
      out: { type: 'string' },
      draw: { type: 'boolean', default: false },
      small: { type: 'boolean', default: false },
    },
  });
  const { small, draw } = values;
  if (small && values.out === undefined) throw new Error('--small needs --out: its figures are not for the documents');
  const reps = Number(values.reps ?? (small ? 1 : 3));
  if (!Number.isInteger(reps) || reps < 1) throw new Error(`--reps ${values.reps} is no number of repetitions`);
  const data = values.out === undefined ? join(root, 'bench') : resolve(values.out);
  const images = values.out === undefined ? join(root, 'docs', 'images') : data;
  for (const folder of [data, images]) mkdirSync(folder, { recursive: true });
  if (!draw) {
    ensureReady();
    const growth = await measureGrowth({ small, reps, cache: values.cache });
    writeFileSync(join(data, 'growth.json'), `${JSON.stringify(growth, null, 2)}\n`);
  }
  const growth = JSON.parse(readFileSync(join(data, 'growth.json'), 'utf8'));
  writeFileSync(join(images, 'growth-time.svg'), drawGrowth(growth, 'time'));
  writeFileSync(join(images, 'growth-memory.svg'), drawGrowth(growth, 'memory'));
  if (values.out === undefined) writeBetweenMarkers(join(data, 'README.md'), 'growth', LINKS);
  return 0;
});

/** @param {{ small: boolean, reps: number, cache: string | undefined }} options */
async function measureGrowth({ small, reps, cache }) {
  // The product is there only after `ensureReady`.
  const { ensureFixture } = await import('./fixture.mjs');
  const { measureMany } = await import('./lib/measure-many.mjs');
  const sizes = small ? [100, 1000] : [1000, 10_000, 100_000, 1_000_000];
  const temp = mkdtempSync(join(tmpdir(), 'entropic-bench-growth-'));
  const forget = endAtSignals(() => rmSync(temp, { recursive: true, force: true }));
  try {
    const samples = [];
    for (const size of sizes) {
      const filled = await ensureFixture(size, small ? temp : cache);
      for (let rep = 0; rep < reps; rep++) {
        for (const kind of /** @type {const} */ (['hits', 'plan', 'misses'])) {
          if (kind === 'misses' && size > MOST_MISSES) continue;
          const folder = kind === 'misses' ? join(temp, 'misses') : filled;
          const { seconds, peakMb } = measureMany(kind, size, folder);
          if (kind === 'misses') rmSync(folder, { recursive: true, force: true });
          const usPerPoint = Number(((seconds / size) * 1e6).toPrecision(4));
          const load1 = Number((loadavg()[0] ?? 0).toFixed(2));
          samples.push({ kind, size, usPerPoint, peakMb: Math.round(peakMb), load1 });
          process.stdout.write(`${JSON.stringify(samples.at(-1))}\n`);
        }
      }
    }
    return { date: new Date().toISOString(), machine: describeMachine(), reps, samples };
  } finally {
    forget();
    rmSync(temp, { recursive: true, force: true });
  }
}

/** @typedef {Awaited<ReturnType<typeof measureGrowth>>} Growth */
