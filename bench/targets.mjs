// What each row measures and what it is to reach: one entry a line of the table. Read by run.mjs (which peers to run, which cases
// must be printed) and table.mjs. The reasons for the targets: each is a peer's figure, measured in the same run, or a limit.

/**
 * @typedef {object} Target
 * @property {string} row the script in bench/rows
 * @property {string} title
 * @property {string} ours the case that the row prints
 * @property {PeerCase} [peer] left out: an absolute target
 * @property {'lower' | 'higher'} better which way our value is better
 * @property {'median' | 'best'} [stat] what of all repetitions is compared; median unless told
 * @property {number} [target] of the ratio if there is a peer, else of our value in `unit`; left out: context only
 * @property {string} [unit] what our value, and an absolute target, is shown in
 */

/**
 * @typedef {object} PeerCase
 * @property {string} script a key of `scripts` in peers.mjs
 * @property {string} peer as the script prints it
 * @property {string} case as the script prints it
 * @property {string} name for the table
 */

/** @param {string} script @param {string} peer @param {string} name @returns {(text: string) => PeerCase} */
const caseOf = (script, peer, name) => (text) => ({ script, peer, case: text, name });

const python = caseOf('entropic', 'entropic-py', 'Python entropic');
const pythonDask = caseOf('entropicDask', 'entropic-py+dask', 'Python entropic + Dask');
const dask = caseOf('dask', 'dask', 'Dask');
const joblib = caseOf('joblib', 'joblib', 'joblib');
const joblibMemory = caseOf('joblib', 'joblib.Memory', 'joblib.Memory');
const piscina = caseOf('piscina', 'piscina', 'raw Piscina');

const DURABLE_MISS = 'sweep of misses, serial, durability full, each';
const DURABLE_THREADS = 'sweep of 1,000 misses, 2 threads, durable, each';
const ONE_HIT = 'runOrRetrieve hit p50';
const NO_OPS = 'no-ops by submit, window 256';
const TINY = 'map of tiny tasks + gather';
const ROUND_TRIP = 'submit and result of one task p50';
const CPU = '50 ms of CPU a task, efficiency';
const SLEEP = '10 ms of sleep a task, efficiency';
const CONNECT = 'Client.connect to its first task’s value';

/** @type {readonly Target[]} */
export const targets = [
  {
    row: 'miss-serial',
    title: 'a miss, durable; 10,000 one after the other',
    ours: DURABLE_MISS,
    // Its misses are not durable: nothing is fsynced.
    peer: python('sweep 10000 misses, per run'),
    better: 'lower',
    target: 1,
    unit: 'us',
  },
  {
    row: 'miss-serial',
    title: 'a miss without fsync; 10,000 one after the other',
    ours: 'sweep of misses, serial, durability process, each',
    peer: python('sweep 10000 misses, per run'),
    better: 'lower',
    target: 0.4,
    unit: 'us',
  },
  {
    row: 'hits-10k',
    title: 're-sweep of 10,000 hits, best',
    ours: 're-sweep of hits',
    peer: python('re-sweep 10000 hits'),
    better: 'lower',
    stat: 'best',
    target: 0.33,
    unit: 'ms',
  },
  {
    row: 'hits-10k',
    title: 're-sweep of 10,000 hits, median',
    ours: 're-sweep of hits',
    peer: python('re-sweep 10000 hits'),
    better: 'lower',
    unit: 'ms',
  },
  {
    row: 'hit-one',
    title: 'one hit among 10,000, p50',
    ours: ONE_HIT,
    peer: python('run_or_retrieve hit p50 (db 10000 rows)'),
    better: 'lower',
    target: 0.05,
    unit: 'us',
  },
  {
    row: 'hit-one',
    title: 'one hit among 10,000, p50',
    ours: ONE_HIT,
    peer: joblibMemory('hit p50'),
    better: 'lower',
    target: 0.5,
    unit: 'us',
  },
  { row: 'hit-one', title: 'one hit among 10,000, p50', ours: ONE_HIT, better: 'lower', target: 45, unit: 'us' },
  { row: 'hit-one', title: 'one hit among 10,000, p99', ours: 'runOrRetrieve hit p99', better: 'lower', unit: 'us' },
  {
    row: 'miss-threads',
    title: 'a durable miss of 1,000 in two threads',
    ours: DURABLE_THREADS,
    peer: pythonDask('sweep 1000 misses, per run'),
    better: 'lower',
    target: 0.1,
    unit: 'us',
  },
  {
    row: 'miss-threads',
    title: 'a durable miss of 1,000 in two threads',
    ours: DURABLE_THREADS,
    better: 'lower',
    target: 420,
    unit: 'us',
  },
  {
    row: 'miss-threads',
    title: 'a durable miss of 10,000 in two threads',
    ours: 'sweep of 10,000 misses, 2 threads, durable, each',
    better: 'lower',
    target: 420,
    unit: 'us',
  },
  { row: 'hits-1m', title: '1,000,000 hits', ours: 'hits by for await', better: 'lower', target: 15, unit: 's' },
  {
    row: 'hits-1m',
    title: '1,000,000 hits: the first outcome',
    ours: 'hits by for await, first outcome',
    better: 'lower',
    target: 1,
    unit: 's',
  },
  {
    row: 'hits-1m',
    title: '1,000,000 hits: peak memory',
    ours: 'hits by for await, peak memory',
    better: 'lower',
    target: 250,
    unit: 'MB',
  },
  { row: 'hits-1m', title: 'plan of 1,000,000 points', ours: 'plan', better: 'lower', target: 15, unit: 's' },
  {
    row: 'hits-1m',
    title: 'plan of 1,000,000 points: peak memory',
    ours: 'plan, peak memory',
    better: 'lower',
    target: 250,
    unit: 'MB',
  },
  {
    row: 'noops-single',
    title: 'no-ops by `submit`, 256 under way',
    ours: NO_OPS,
    peer: dask('map 10000 no-ops + gather'),
    better: 'higher',
    target: 30,
    unit: 'tasks/s',
  },
  {
    row: 'noops-single',
    title: 'no-ops by `submit`, 256 under way',
    ours: NO_OPS,
    peer: piscina('50000 no-ops, window 256'),
    better: 'higher',
    target: 0.5,
    unit: 'tasks/s',
  },
  {
    row: 'noops-single',
    title: 'no-ops by `submit`, 256 under way',
    ours: NO_OPS,
    better: 'higher',
    target: 20_000,
    unit: 'tasks/s',
  },
  {
    row: 'noops-single',
    title: '50,000 no-ops by `submit`, all at once',
    ours: 'no-ops by submit, all at once',
    peer: piscina('50000 no-ops, Promise.all of all'),
    better: 'higher',
    unit: 'tasks/s',
  },
  {
    row: 'map-tiny',
    title: '100,000 tiny tasks by `map`',
    ours: TINY,
    peer: joblib('10000 no-ops (auto batch)'),
    better: 'higher',
    target: 1,
    unit: 'tasks/s',
  },
  {
    row: 'map-tiny',
    title: '100,000 tiny tasks by `map`',
    ours: TINY,
    better: 'higher',
    target: 400_000,
    unit: 'tasks/s',
  },
  {
    row: 'round-trip',
    title: 'round trip of one task, p50',
    ours: ROUND_TRIP,
    better: 'lower',
    target: 100,
    unit: 'us',
  },
  {
    row: 'round-trip',
    title: 'round trip of one task, p50',
    ours: ROUND_TRIP,
    peer: dask('submit().result() p50'),
    better: 'lower',
    unit: 'us',
  },
  {
    row: 'round-trip',
    title: 'round trip of one task, p50',
    ours: ROUND_TRIP,
    peer: piscina('run() round trip p50'),
    better: 'lower',
    unit: 'us',
  },
  {
    row: 'cpu-50ms',
    title: '200 × 50 ms of CPU on two threads: efficiency',
    ours: CPU,
    better: 'higher',
    target: 0.98,
    unit: 'ratio',
  },
  {
    row: 'cpu-50ms',
    title: '200 × 50 ms of CPU on two threads: efficiency',
    ours: CPU,
    peer: dask('200 x 50 ms CPU, efficiency (5 s / wall)'),
    better: 'higher',
    unit: 'ratio',
  },
  {
    row: 'cpu-50ms',
    title: '200 × 50 ms of CPU on two threads: efficiency',
    ours: CPU,
    peer: joblib('200 x 50 ms CPU, efficiency (5 s / wall)'),
    better: 'higher',
    unit: 'ratio',
  },
  {
    row: 'cpu-50ms',
    title: '200 × 50 ms of CPU on two threads: efficiency',
    ours: CPU,
    peer: piscina('200 x 50 ms CPU, efficiency (5 s / wall)'),
    better: 'higher',
    unit: 'ratio',
  },
  {
    row: 'cpu-50ms',
    title: '200 × 50 ms of CPU in two processes: efficiency',
    ours: '50 ms of CPU a task in processes, efficiency',
    better: 'higher',
    target: 0.95,
    unit: 'ratio',
  },
  {
    row: 'cpu-50ms',
    title: '2,000 × 10 ms of sleep in two threads: efficiency',
    ours: SLEEP,
    peer: joblib('2000 x sleep 10 ms, efficiency (10 s / wall)'),
    better: 'higher',
    unit: 'ratio',
  },
  {
    row: 'cpu-50ms',
    title: '2,000 × 10 ms of sleep in two threads: efficiency',
    ours: SLEEP,
    peer: piscina('2000 x sleep 10 ms, efficiency (10 s / wall)'),
    better: 'higher',
    unit: 'ratio',
  },
  {
    row: 'start',
    title: 'start of a process to its first task’s value',
    ours: 'start of the process to its first task’s value',
    better: 'lower',
    target: 150,
    unit: 'ms',
  },
  {
    row: 'start',
    title: 'connect to the first task’s value',
    ours: CONNECT,
    better: 'lower',
    target: 150,
    unit: 'ms',
  },
  {
    row: 'start',
    title: 'connect to the first task’s value',
    ours: CONNECT,
    // Without its first task, and without the start of Python.
    peer: dask('cluster + client start'),
    better: 'lower',
    unit: 'ms',
  },
  {
    row: 'start',
    title: 'connect to the first task’s value',
    ours: CONNECT,
    peer: piscina('pool start (2 threads) + first task'),
    better: 'lower',
    unit: 'ms',
  },
  {
    row: 'durability-price',
    title: 'price of durability for a run alone',
    ours: 'price of durability, a run alone',
    better: 'lower',
    target: 5,
    unit: 'ms',
  },
];

/** The rows, in the order in which they are run: rows with the same peers stand together. */
export const rowNames = [...new Set(targets.map(({ row }) => row))];

/** The cases that a row must print. @param {string} row */
export function casesOf(row) {
  return [...new Set(targets.filter((target) => target.row === row).map(({ ours }) => ours))];
}

/** The peers' scripts that a row is compared with. @param {string} row */
export function scriptsOf(row) {
  const scripts = targets.flatMap((target) => (target.row === row && target.peer ? [target.peer.script] : []));
  return [...new Set(scripts)];
}
