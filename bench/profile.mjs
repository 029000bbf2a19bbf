// Where each microsecond of a miss and of a hit goes: the program's own CPU profile, each sample given to the first of the parts below
// that stands in its stack, so that the parts add up to the whole. Writes its tables into bench/README.md.
//
//   node bench/profile.mjs [--small] [--out <folder>]
import { rmSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureReady, runAsScript } from '../scripts/bootstrap.mjs';
import { makeFolder } from './lib/folder.mjs';
import { writeBetweenMarkers } from './lib/markers.mjs';

/**
 * What a part is called, and which functions or files of a stack belong to it, the innermost part first.
 *
 * @type {readonly (readonly [string, RegExp])[]}
 */
const PARTS = [
  ['waiting: fsync, threads', /^\(idle\) /],
  ['garbage collection', /^\(garbage collector\) /],
  ['the runner: one byte into a file', /^(writeOneByte|writeFileSync) .*(points|work)\.mjs|^writeOneByte /],
  ['BEGIN, COMMIT, checkpoints', /^exec .*sqlite-handle\.js/],
  ['leases: taken', /leases\.js/],
  ['rows: run, attempt, user’s table, lease given back', /^#?commit .*runs\.js/],
  ['the row looked up', /^findMany .*runs\.js|^#rowsOf .*lookup\.js/],
  ['the file looked at', /^(quickCheck|stat) .*(lookup|seams)\.js/],
  ['link to the final name', /publish\.js/],
  ['fsync: asked for', /^fsync .*seams\.js/],
  ['the private name removed', /^#removeTemp .*ingest\.js/],
  ['journal', /journals?\.js/],
  ['digest of the result', /^(digest|sha256Of) .*seams\.js/],
  ['message to a thread, and its answer', /piscina|worker_pool|executors\/(pool|threads|flight)\.js/],
  ['params checked, canonical text, id', /(params|canonical|columns|id)\.js/],
  ['the sweep: points, ledger, decisions, promises', /scheduler\/dist/],
  ['the engine: tasks, groups, records', /core\/dist/],
];

await runAsScript(import.meta.url, async () => {
  const { values } = parseArgs({ options: { small: { type: 'boolean', default: false }, out: { type: 'string' } } });
  ensureReady();
  const size = values.small ? 300 : 10_000;
  const folder = makeFolder('entropic-bench-profile-');
  try {
    const columns = await measure(folder, size);
    const text = toMarkdown(columns);
    process.stdout.write(text);
    const plain = columns.map(({ name, total, parts }) => ({ name, total, parts: Object.fromEntries(parts) }));
    if (values.out !== undefined) writeFileSync(join(values.out, 'profile.json'), JSON.stringify(plain, null, 2));
    else if (!values.small) writeBetweenMarkers(fileURLToPath(new URL('README.md', import.meta.url)), 'profile', text);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return 0;
});

/** @typedef {{ name: string, total: number, parts: Map<string, number> }} Column */

/** @param {string} folder @param {number} size @returns {Promise<Column[]>} */
async function measure(folder, size) {
  // The product is there only after `ensureReady`.
  const { Client } = await import('entropic');
  const { gridOf, openStore } = await import('./lib/points.mjs');
  const { oneByteModule } = await import('./lib/tasks.mjs');
  /** @param {string} name @param {Parameters<typeof openStore>[2]} options @param {import('entropic').Client} [client] */
  const misses = async (name, options, client) => {
    const store = await openStore(folder, name, options);
    const use = client ? { client } : {};
    // Before: compiled code is what a long sweep runs.
    await store.sweep(gridOf(size, -size), use);
    const column = await profiled(name, size, () => store.sweep(gridOf(size), use));
    return { store, column };
  };
  const full = await misses('a miss', {});
  await full.store.sweep(gridOf(size));
  const hits = await profiled('a hit', size, () => full.store.sweep(gridOf(size)));
  await full.store.close();
  const process = await misses('a miss without fsync', { durability: 'process' });
  await process.store.close();
  const client = await Client.connect({ threads: 2 });
  const threads = await misses('a miss in 2 threads: the main one', { runner: oneByteModule }, client);
  await threads.store.close();
  await client.close();
  return [full.column, process.column, threads.column, hits];
}

/** @param {string} name @param {number} size @param {() => PromiseLike<unknown>} work @returns {Promise<Column>} */
async function profiled(name, size, work) {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
  await work();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  return { name, ...partsOf(profile, size) };
}

/** @param {import('node:inspector').Profiler.Profile} profile @param {number} size */
function partsOf({ nodes, samples = [], timeDeltas = [] }, size) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  /** @type {Map<number, number>} */
  const parents = new Map();
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id);
  /** @type {Map<number, string>} */
  const known = new Map();
  const partOf = (/** @type {number} */ id) => {
    let part = known.get(id);
    if (part === undefined) {
      const stack = [];
      for (let at = /** @type {number | undefined} */ (id); at !== undefined; at = parents.get(at)) {
        const { functionName, url } = /** @type {import('node:inspector').Profiler.ProfileNode} */ (byId.get(at))
          .callFrame;
        stack.push(`${functionName} ${url}`);
      }
      part = PARTS.find(([, pattern]) => stack.some((frame) => pattern.test(frame)))?.[0] ?? 'Node: event loop, timers';
      known.set(id, part);
    }
    return part;
  };
  /** @type {Map<string, number>} */
  const parts = new Map();
  let total = 0;
  for (const [i, id] of samples.entries()) {
    const each = (timeDeltas[i] ?? 0) / size;
    total += each;
    parts.set(partOf(id), (parts.get(partOf(id)) ?? 0) + each);
  }
  return { total, parts };
}

/** @param {Column[]} columns */
function toMarkdown(columns) {
  const names = [...PARTS.map(([name]) => name), 'Node: event loop, timers'];
  const line = (/** @type {string} */ name, /** @type {(column: Column) => number} */ value) =>
    `| ${name} | ${columns.map((column) => (value(column) < 0.05 ? '' : value(column).toFixed(1))).join(' | ')} |\n`;
  return [
    `| µs each | ${columns.map(({ name }) => name).join(' | ')} |\n`,
    `|---|${columns.map(() => '---:').join('|')}|\n`,
    ...names.map((name) => line(name, ({ parts }) => parts.get(name) ?? 0)),
    line('**all**', ({ total }) => total),
  ].join('');
}
