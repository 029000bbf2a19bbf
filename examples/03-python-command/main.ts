// A simulation in another language: a NumPy script swept over its params, a process for each run, as many at once as there are cores.
// Its .npy files are read back here and compared with the exact solution. Needs a Python with NumPy:
//   python3 -m venv .venv && .venv/bin/pip install numpy
// Run it twice: the second time nothing runs. Edit the script and its runs are told apart by the digest of the code.
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, commandRunner, defineResult, float, int, Store } from 'entropic';
import { parse } from 'npyjs';

const { OSCILLATOR_FOLDER: folder = './output' } = process.env;
const ownPython = fileURLToPath(new URL('./.venv/bin/python', import.meta.url));
const python = process.env.PYTHON ?? (existsSync(ownPython) ? ownPython : 'python3');

// 1 · The params of a run.
const Oscillator = defineResult('oscillator', {
  gamma: float({ unit: '1/s', description: 'damping; below 1 it swings' }),
  dt: float({ unit: 's' }),
  steps: int(),
});

// 2 · The command. The script is named by a URL, so that it is found from anywhere; one thread a run is enough for NumPy.
const runner = commandRunner(
  [
    ...[python, new URL('./oscillator.py', import.meta.url)],
    ...['--gamma', '{gamma}', '--dt', '{dt}', '--steps', '{steps}', '--out', '{result_file}'],
  ],
  { timeout: '1m', env: { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' } },
);

// 3 · Every run ends at t = 10 s, with steps that are halved.
const points = [0.05, 0.1, 0.2].flatMap((gamma) =>
  [100, 200, 400, 800].map((steps) => ({ gamma, dt: 10 / steps, steps })),
);

await mkdir(folder, { recursive: true });
await using store = await Store.open({
  model: Oscillator,
  runner,
  resultsDir: join(folder, 'results'),
  dbUrl: process.env.OSCILLATOR_DB_URL ?? `sqlite:///${join(folder, 'runs.sqlite3')}`,
  fileSuffix: '.npy',
});
await using client = await Client.connect();
const sweep = store.sweep(points, { client });
const records = await sweep;

// 4 · The files, and how far each run is from the exact solution: sixteen times less for half a step.
console.log('gamma  steps   largest error');
for (const { gamma, steps, resultFile } of records) {
  const bytes = await readFile(resultFile);
  const { data, shape } = parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const series = data as Float64Array;
  if (shape.join() !== `${steps + 1},3`) throw new Error(`${resultFile} has the shape ${shape}`);
  let error = 0;
  for (let row = 0; row <= steps; row++) {
    const [t = 0, x = 0] = series.subarray(3 * row, 3 * row + 2);
    error = Math.max(error, Math.abs(x - exact(gamma, t)));
  }
  console.log(`${gamma.toFixed(2).padStart(5)}  ${String(steps).padStart(5)}   ${error.toExponential(2)}`);
}

// 5 · What a run printed is kept beside it.
const [first] = records;
for await (const text of store.log(first?.id ?? '')) process.stdout.write(`\nthe first run said: ${text}`);

const { total, finished, cached } = sweep.progress();
console.log(`${total} points: ${finished} run, ${cached} cached`);

/** x(t) of the damped oscillator that begins at 1 at rest. */
function exact(gamma: number, t: number): number {
  const omega = Math.sqrt(1 - gamma ** 2);
  return Math.exp(-gamma * t) * (Math.cos(omega * t) + (gamma / omega) * Math.sin(omega * t));
}
