// The process that faults happen to. `fault-child.mjs once '<trial>'` does one trial and prints each outcome the moment it is told;
// `fault-child.mjs serve` takes one trial a line on stdin and answers each with one line. See test/faults/trials.ts.
import { createHash } from 'node:crypto';
import { appendFileSync, closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { realSeams } from '@entropic/core/internal';
import { defineResult, int } from 'entropic';
import { openStore } from 'entropic/internal';
import { FaultPlan } from './fault-plan.mjs';
import { patchPostgres, patchSqlite } from './faulty-database.mjs';
import { faultyFs } from './faulty-fs.mjs';

/** Of the trial that is going on: the patched drivers ask for it. */
let plan;
const once = process.argv[2] === 'once';
let executions = 0;
const unhandled = [];

const actions = {
  sweep: (store, trial) => sweep(store, { n: trial.ns }),
  sweepForced: (store, trial) => sweep(store, { n: trial.ns }, { force: true }),
  async runOrRetrieve(store, trial) {
    const record = await store.runOrRetrieve({ n: trial.ns[0] });
    told(record.id, 'finished');
  },
  async run(store, trial) {
    const record = await store.run({ n: trial.ns[0] });
    told(record.id, 'finished');
  },
  async register(store, trial) {
    const record = await store.register({ n: trial.ns[0] }, trial.file);
    told(record.id, 'finished');
  },
  async delete(store, trial) {
    await store.delete({ n: trial.ns[0] }, { removeFile: true });
    told('', 'deleted');
  },
};

async function sweep(store, grid, options) {
  const errors = [];
  for await (const outcome of store.sweep(grid, options)) {
    if (outcome.error) errors.push(outcome.error);
    else told(outcome.id, outcome.status);
  }
  if (errors.length > 0) throw Object.assign(new Error('the sweep has failures'), { failures: errors });
}

let outcomes = [];
function told(id, status) {
  outcomes.push({ id, status });
  step('told', () => {
    if (once) print({ told: id, status });
  });
}

/** The simulation: its result says of itself whether it is whole, its own log says how often it ran. */
function runnerOf(trial) {
  return ({ n, resultFile }) => {
    const execution = `${process.pid}-${++executions}`;
    appendFileSync(trial.log, `${n} ${execution}\n`);
    const body = `n=${n} execution=${execution}\n${'x'.repeat(trial.bytes ?? 2000)}\n`;
    const text = `${body}${createHash('sha256').update(body).digest('hex')}`;
    const fd = openSync(resultFile, 'w');
    try {
      const half = Math.floor(text.length / 2);
      step('start');
      writeFileSync(fd, text.slice(0, half));
      step('half');
      writeFileSync(fd, text.slice(half));
      step('whole');
    } finally {
      closeSync(fd);
    }
    if (trial.spinMs) for (const end = performance.now() + trial.spinMs; performance.now() < end; );
  };
}

/** A point outside the library at which the process may be killed; an error there would only be the user's own. */
function step(name, work = () => {}) {
  if (plan === undefined) work();
  else plan.around(`user.${name}`, work);
}

function open(trial) {
  const seams = plan === undefined ? realSeams : { ...realSeams, fs: faultyFs(realSeams.fs, plan) };
  const { resultsDir, dbUrl, durability, lease } = trial;
  const model = defineResult(trial.table ?? 'results', { n: int() });
  const options = { model, runner: runnerOf(trial), resultsDir, dbUrl, fileSuffix: '.dat' };
  return openStore({ ...options, ...(durability && { durability }), ...(lease && { lease }) }, seams);
}

/** One trial: open, act, close; after a fault the disk is well again and the same store tries once more. */
async function perform(trial) {
  plan = trial.plan === undefined ? undefined : new FaultPlan(trial.plan);
  outcomes = [];
  const errors = [];
  const started = performance.now();
  let store;
  const attempt = async (phase, work) => {
    try {
      return await orHang(work());
    } catch (error) {
      for (const one of error.failures ?? [error]) errors.push({ phase, ...describe(one) });
      return undefined;
    }
  };
  store = await attempt('open', () => open(trial));
  if (store === undefined) {
    plan?.heal();
    store = await attempt('open again', () => open(trial));
  }
  if (once) print({ opened: store !== undefined });
  if (store !== undefined) {
    const before = errors.length;
    await attempt('act', () => actions[trial.action](store, trial));
    if (errors.length > before && trial.retry !== false) {
      plan?.heal();
      outcomes = [];
      await attempt('act again', () => actions[trial.action](store, trial));
    }
    await attempt('close', () => store.close());
  }
  plan?.heal();
  const seconds = (performance.now() - started) / 1000;
  const answer = {
    outcomes,
    errors,
    seconds,
    struck: plan?.struck,
    strikes: plan?.strikes ?? [],
    trace: plan?.trace ?? [],
  };
  plan = undefined;
  return { ...answer, unhandled: unhandled.splice(0) };
}

/** A promise that is never settled would stop all trials after it, and say nothing. */
function orHang(work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('it hangs: nothing happened for 90 s')), 90_000);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function describe(error) {
  const { name, code, reason, message, cause } = error;
  const causes = [];
  for (let one = cause; one !== undefined && causes.length < 5; one = one.cause)
    causes.push(String(one.code ?? one.name));
  return { name, code, reason, message, causes };
}

function print(value) {
  writeSync(1, `${JSON.stringify(value)}\n`);
}

async function main() {
  const url = process.env.ENTROPIC_FAULTS_DATABASE ?? '';
  if (url.startsWith('postgres')) patchPostgres(() => plan);
  else patchSqlite(() => plan);
  if (once) {
    print(await perform(JSON.parse(process.argv[3])));
    return;
  }
  process.on('unhandledRejection', (error) => unhandled.push(`unhandled rejection: ${error?.message ?? error}`));
  process.on('uncaughtException', (error) => unhandled.push(`uncaught: ${error?.message ?? error}`));
  for await (const line of createInterface({ input: process.stdin })) print(await perform(JSON.parse(line)));
}

await main();
