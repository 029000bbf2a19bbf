// The quickstart: what a store does, call by call, then a sweep. Run it twice: the second time there is nothing left to run.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineResult, float, int, type Logger, Store } from 'entropic';
import { printTable, say } from './report.js';
import { integrate, simulate, toNpy } from './simulate.js';

const folder = process.env.QUICKSTART_FOLDER ?? './output';
const started = new Date();

// 1 · A result model: the columns of your params. Types, validation, table and ids follow from it.
const Orbit = defineResult('orbits', {
  alpha: float({ unit: '1/year', description: 'births of hares' }),
  beta: float({ unit: '1/year', default: 0.028 }),
  gamma: float({ unit: '1/year', default: 0.8 }),
  delta: float({ unit: '1/year', default: 0.024 }),
  dt: float({ unit: 'year' }),
  n: int({ description: 'samples kept, five a year' }),
});

// 2 · A store: the model, the runner, a folder for the result files, a database for the rows.
const options = {
  model: Orbit,
  runner: simulate,
  resultsDir: join(folder, 'results'),
  dbUrl: process.env.QUICKSTART_DB_URL ?? `sqlite:///${join(folder, 'runs.sqlite3')}`,
  fileSuffix: '.npy',
};

async function onePoint() {
  await using store = await Store.open(options);
  const point = { alpha: 0.5, dt: 0.01, n: 1000 };
  console.log('one point', JSON.stringify(point));

  // 3 · Run once, then return what is stored.
  const record = await store.runOrRetrieve(point, { customData: { note: 'my first run' } });
  say('runOrRetrieve', record.createdAt >= started ? 'ran it' : 'had it already');
  const again = await store.runOrRetrieve(point);
  say('runOrRetrieve again', again.createdAt > record.createdAt ? 'ran it' : 'had it already');

  // 4 · The record: four fields and the params.
  say('record.id', record.id);
  say('record.resultFile', record.resultFile.slice(-record.id.length - '.npy'.length));
  say('record.createdAt', record.createdAt.toISOString());
  say('record.customData', `note: ${record.customData.note}, elapsedSeconds: ${record.customData.elapsedSeconds}`);
  say('record.alpha, .beta', record.alpha, record.beta);

  // 5 · Look without running: a miss is null.
  say('retrieve', (await store.retrieve(point))?.id);
  say('retrieve another', await store.retrieve({ ...point, alpha: 0.51 }));

  // 6 · Run whether or not it was run before: same id, new file, new row.
  const forced = await store.run(point, { customData: { note: 'my first run' } });
  say('run', `again, ${forced.id === record.id ? 'same id' : 'another id'}`);

  // 7 · Index a file that was made elsewhere, then forget it.
  const elsewhere = { alpha: 0.5, beta: 0.03, gamma: 0.8, delta: 0.024, dt: 0.02, n: 100 };
  const file = join(folder, 'made-elsewhere.npy');
  await writeFile(file, toNpy(integrate(elsewhere), elsewhere));
  const registered = await store.register(elsewhere, file, { customData: { from: 'my old laptop' } });
  say('register', registered.id, JSON.stringify(registered.customData));
  say('delete', await store.delete(elsewhere, { removeFile: true }));
  say('delete again', await store.delete(elsewhere));
}

async function withLog() {
  // 8 · Silent by default. Any logger that looks like pino's is told of hits, runs, ingestion and files.
  const info = (_fields: object, message: string) => console.log(`  · ${message.replaceAll(`${process.cwd()}/`, '')}`);
  const logger: Logger = { debug: () => {}, info, warn: info, error: info };
  console.log('\nthe same with a log');
  await using store = await Store.open({ ...options, logger });
  const short = { alpha: 0.5, dt: 0.02, n: 50 };
  await store.runOrRetrieve(short);
  await store.runOrRetrieve(short);
  await store.delete(short, { removeFile: true });
}

async function manyPoints() {
  await using store = await Store.open(options);
  // 9 · A sweep: all combinations, of which only those run that have no result yet.
  const grid = { alpha: [0.4, 0.45, 0.5, 0.55, 0.6, 0.65], dt: [0.04, 0.02, 0.01, 0.005], n: [5000] };
  console.log(`\na sweep over ${grid.alpha.length} alpha × ${grid.dt.length} dt, ${5000 / 5} years each`);
  const sweep = store.sweep(grid, { customData: { study: 'convergence' } });
  const records = await sweep;

  // Records come in the order of the grid, and hold what the runner returned.
  const orders = printTable(records);
  console.log('\n  halving dt divides the drift by 16: the order of Runge–Kutta 4');
  if (orders.some((order) => order < 3.7 || order > 4.3)) throw new Error('the invariant does not fall with dt⁴');

  const { total, finished, cached } = sweep.progress();
  console.log(`\n${total} points: ${finished} run, ${cached} cached`);
  if (finished === 0) console.log(`all ${total} points cached`);
}

await mkdir(folder, { recursive: true });
await onePoint();
await withLog();
await manyPoints();
