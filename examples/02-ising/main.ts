// The main demo: the 2-D Ising model over temperature × size × seed, on all cores, beside Onsager's exact solution. Run it twice: the
// second time there is nothing left to run. Kill it in the middle and run it again: it does only the rest.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, defineResult, float, int, range, Store } from 'entropic';
import { drawMagnetization } from './plot.js';
import { distanceFromExact, printTable, summarize } from './report.js';

const { ISING_FOLDER: folder = './output', ISING_SIZES = '16,32,64', ISING_SEEDS = '5', ISING_THREADS } = process.env;

// 1 · The columns of the params.
const Ising = defineResult('ising', {
  temperature: float({ unit: 'J/k_B' }),
  size: int({ description: 'spins on each side of the lattice' }),
  seed: int({ description: 'numbers the repetitions' }),
  sweeps: int({ default: 6000, description: 'measured sweeps over the lattice' }),
});

// 2 · The points: all combinations, closer to each other around the critical temperature of 2.269.
const grid = {
  temperature: [1.5, 1.75, 2, 2.1, 2.2, 2.25, 2.3, 2.35, 2.4, 2.5, 2.75, 3, 3.5],
  size: ISING_SIZES.split(',').map(Number),
  seed: range(0, Number(ISING_SEEDS), 1),
};

// 3 · A store whose runner is a module, so that it can run elsewhere, and a client: threads of this machine, one a core.
await mkdir(folder, { recursive: true });
await using store = await Store.open({
  model: Ising,
  runner: new URL('./ising.ts', import.meta.url),
  resultsDir: join(folder, 'results'),
  dbUrl: process.env.ISING_DB_URL ?? `sqlite:///${join(folder, 'runs.sqlite3')}`,
  fileSuffix: '.npy',
});
await using client = await Client.connect({ threads: ISING_THREADS ? Number(ISING_THREADS) : undefined });

// 4 · The sweep. It runs whatever has no result yet; meanwhile a line now and then.
const [temperatures, sizes, seeds] = [grid.temperature.length, grid.size.length, grid.seed.length];
console.log(`2-D Ising model: ${temperatures} temperatures × ${sizes} sizes × ${seeds} seeds, ${client.slots} at once`);
const sweep = store.sweep(grid, { client });
const started = performance.now();
const ticker = setInterval(() => {
  const { total, cached, finished } = sweep.progress();
  const seconds = Math.round((performance.now() - started) / 1000);
  console.error(`  ${cached + finished} of ${total} points after ${seconds} s`);
}, 3000);
const records = await sweep.finally(() => clearInterval(ticker));

// 5 · Records come in the order of the grid, and hold what the runner returned.
const summaries = summarize(records);
printTable(summaries);
console.log('');
for (const temperature of [1.5, 2]) {
  const { magnetization, energy, sizes } = distanceFromExact(summaries, temperature);
  if (sizes.length === 0) continue;
  console.log(
    `T = ${temperature}, L = ${sizes.join(', ')}: |m| within ${up(magnetization)}, energy within ${up(energy)}`,
  );
  if (magnetization > 0.01 || energy > 0.02) throw new Error('the simulation does not agree with the exact solution');
}
const picture = join(folder, 'magnetization.svg');
await writeFile(picture, drawMagnetization(summaries, seeds));
console.log(`picture: ${picture}`);

const { total, finished, cached } = sweep.progress();
console.log(`\n${total} points: ${finished} run, ${cached} cached`);
if (finished === 0) console.log(`all ${total} points cached`);

function up(distance: number): string {
  return (Math.ceil(distance * 1e4) / 1e4).toFixed(4);
}
