// `pnpm bench`: every row in turn, ours and then the peers it is compared with, as often as --reps says; medians, ratios, a table.
// A whole run writes the table into bench/README.md and all figures to bench/results.json; any other run writes only where --out says.
//
//   node bench/run.mjs [--rows miss-serial,start] [--reps 5] [--peers <folder>] [--no-peers] [--setup] [--cache <folder>]
//                      [--out <folder>] [--small]
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureReady, root, runAsScript } from '../scripts/bootstrap.mjs';
import { makeFolder } from './lib/folder.mjs';
import { describeMachine } from './lib/machine.mjs';
import { writeBetweenMarkers } from './lib/markers.mjs';
import { endAtSignals, readFigures } from './lib/process.mjs';
import { preparePeers, runPeer } from './peers.mjs';
import { judge, summarize, toMarkdown } from './table.mjs';
import { casesOf, rowNames, scriptsOf, targets } from './targets.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const ROW_SECONDS = 900;

/** @typedef {import('./lib/process.mjs').Figure} Figure */

await runAsScript(import.meta.url, async () => {
  const options = readOptions();
  ensureReady();
  // Whatever a row or a peer leaves behind when it is killed goes with this folder.
  const temp = makeFolder('entropic-bench-run-');
  const forget = endAtSignals(() => rmSync(temp, { recursive: true, force: true }));
  try {
    return await runBench(options, temp);
  } finally {
    forget();
    rmSync(temp, { recursive: true, force: true });
  }
});

function readOptions() {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string' },
      reps: { type: 'string' },
      peers: { type: 'string', default: join(root, '..', 'shared', 'peers') },
      'no-peers': { type: 'boolean', default: false },
      setup: { type: 'boolean', default: false },
      cache: { type: 'string', default: join(tmpdir(), 'entropic-bench-cache') },
      out: { type: 'string' },
      small: { type: 'boolean', default: false },
    },
  });
  const rows = values.rows?.split(',') ?? rowNames;
  for (const row of rows) {
    if (!rowNames.includes(row)) throw new Error(`no row "${row}"; there are ${rowNames.join(', ')}`);
  }
  const reps = Number(values.reps ?? (values.small ? 1 : 5));
  if (!Number.isInteger(reps) || reps < 1) throw new Error(`--reps ${values.reps} is no number of repetitions`);
  const { small, setup } = values;
  const noPeers = values['no-peers'];
  // Rows of another day beside rows of today would be no table.
  const whole = !small && !noPeers && values.rows === undefined;
  const out = values.out === undefined ? (whole ? here : undefined) : resolve(values.out);
  return { rows, reps, small, setup, noPeers, out, table: whole && values.out === undefined, ...pathsOf(values) };
}

/** @param {{ peers: string, cache: string }} values */
function pathsOf({ peers, cache }) {
  return { peers: resolve(peers), cache: resolve(cache) };
}

/** @param {ReturnType<typeof readOptions>} options @param {string} temp @returns {Promise<number>} the exit code */
async function runBench(options, temp) {
  const { rows, reps, small, noPeers, peers: folder, cache, setup } = options;
  const peers = noPeers ? { problem: '--no-peers' } : preparePeers({ folder, cache, setup });
  if ('problem' in peers) progress(`peers are not run: ${peers.problem}`);
  if (rows.includes('hits-1m') && !small) makeFixture(cache);

  process.env.TMPDIR = temp;
  const started = new Date();
  /** @type {Figure[]} */
  const figures = [];
  /** @type {Set<string>} */
  const problems = new Set();
  /** @type {Set<string>} */
  const notes = new Set('problem' in peers ? [`Peers were not run: ${peers.problem}.`] : []);
  for (let rep = 1; rep <= reps; rep++) {
    /** @type {Set<string>} */
    const done = new Set();
    for (const row of rows) {
      progress(`${rep}/${reps} ${row}`);
      const ours = await runRow(row, options);
      figures.push(...ours.figures);
      for (const problem of problemsOf(row, ours)) problems.add(problem);
      if ('problem' in peers) continue;
      for (const script of scriptsOf(row).filter((name) => !done.has(name))) {
        done.add(script);
        progress(`${rep}/${reps} ${row}: ${script}`);
        const theirs = await runPeer(peers.folder, script);
        figures.push(...theirs.figures);
        if (theirs.problem === undefined) continue;
        progress(`${script} ${theirs.problem}`);
        const [first] = theirs.problem.split('\n');
        notes.add(`The peer’s script \`${script}\` ${first}; what it printed up to then counts.`);
      }
    }
  }
  report(options, { started, figures, problems: [...problems], notes: [...notes] });
  return problems.size === 0 ? 0 : 1;
}

/** @param {string} row @param {{ small: boolean, cache: string }} options */
function runRow(row, { small, cache }) {
  const args = [join(here, 'rows', `${row}.mjs`), '--cache', cache, ...(small ? ['--small'] : [])];
  return readFigures(process.execPath, args, { cwd: root, seconds: ROW_SECONDS });
}

/** A row of ours that fails, or does not print what it is there for, fails the whole run. @param {string} row */
function problemsOf(row, /** @type {import('./lib/process.mjs').Printed} */ { figures, problem }) {
  if (problem) return [`${row} ${problem}`];
  const printed = new Set(figures.map((figure) => figure.case));
  return casesOf(row)
    .filter((name) => !printed.has(name))
    .map((name) => `${row} printed no "${name}"`);
}

/** In a process of its own and before the first row: it takes minutes when it is made. @param {string} cache */
function makeFixture(cache) {
  progress(`a store of 1,000,000 results in ${cache}: made now unless it is there, which takes minutes and 5 GB`);
  const made = spawnSync(process.execPath, [join(here, 'fixture.mjs'), '1000000', cache], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (made.status !== 0) throw new Error(`the fixture could not be made: ${made.signal ?? made.status}`);
}

/** @param {ReturnType<typeof readOptions>} options @param {{ started: Date, figures: Figure[], problems: string[], notes: string[] }} run */
function report({ rows, reps, small, out, table }, { started, figures, problems, notes }) {
  const summaries = summarize(figures);
  const results = targets
    .filter((target) => rows.includes(target.row))
    .map((target) => judge(target, summaries))
    // A few points reach no target, and miss none.
    .map((result) => (small ? { ...result, verdict: '' } : result));
  const loads = summaries.flatMap((summary) => summary.load1);
  const machine = describeMachine();
  const date = started.toISOString().slice(0, 10);
  const load = loads.length > 0 ? `, load ${Math.min(...loads)}–${Math.max(...loads)}` : '';
  const head = `${date}, ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.os}, Node ${machine.node}; ${reps} ${reps === 1 ? 'repetition' : 'repetitions'}${load}.`;
  const text = `${head}\n\n${toMarkdown(/** @type {import('./table.mjs').Result[]} */ (results))}\n${notes.map((line) => `\n${line}\n`).join('')}`;
  const note = small ? '(small: it shows that everything runs, the figures mean nothing)\n\n' : '';
  process.stdout.write(`${note}${text}`);
  for (const problem of problems) process.stdout.write(`FAIL ${problem}\n`);
  if (out !== undefined) {
    mkdirSync(out, { recursive: true });
    const json = { date: started.toISOString(), machine, small, reps, rows, results, summaries, problems, notes };
    writeFileSync(join(out, 'results.json'), `${JSON.stringify(json, null, 2)}\n`);
  }
  if (table) writeBetweenMarkers(join(here, 'README.md'), 'results', text);
}

/** @param {string} line */
function progress(line) {
  process.stderr.write(`[bench] ${line}\n`);
}
