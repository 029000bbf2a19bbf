// A process of the single-flight tests: opens a store, then does what it is told by JSON lines on stdin and answers with JSON lines.
// Argument: { resultsDir, dbUrl, table, lease, how: 'threads' | 'inline' | 'waiting', threads, stopAt }. See flight.ts.
import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { realSeams } from '@entropic/core/internal';
import { Client, defineResult, int } from 'entropic';
import { openStore } from 'entropic/internal';
import run, { waiting } from './flight-runner.mjs';

const {
  resultsDir,
  dbUrl,
  table = 'results',
  lease,
  how = 'threads',
  threads = 1,
  stopAt,
} = JSON.parse(process.argv[2]);

/** `writeSync`: what was told is told, whatever happens next. */
function tell(line) {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

for (const type of ['run.stale', 'run.waiting', 'run.recovered', 'lease.taken-over', 'store.trouble']) {
  subscribe(`entropic:${type}`, (event) => tell({ event: type, id: event.id, message: event.message }));
}

/** Stops this very process, as SIGSTOP or a sleeping machine would, around one call on a result file. */
function stoppingFs(real) {
  let armed = true;
  const around = (name, call, args) => {
    const here = armed && name === stopAt.call && String(args[0]).endsWith('.dat');
    if (here && stopAt.when === 'before') stop();
    const result = call.apply(real, args);
    if (here && stopAt.when === 'after') stop();
    return result;
  };
  const stop = () => {
    armed = false;
    tell({ event: 'stopping' });
    process.kill(process.pid, 'SIGSTOP');
  };
  return Object.fromEntries(Object.entries(real).map(([name, call]) => [name, (...args) => around(name, call, args)]));
}

const runner = how === 'threads' ? new URL('./flight-runner.mjs', import.meta.url) : how === 'inline' ? run : waiting;
const seams = stopAt ? { ...realSeams, fs: stoppingFs(realSeams.fs) } : realSeams;
const model = defineResult(table, { n: int() });
const store = await openStore({ model, runner, resultsDir, dbUrl, ...(lease && { lease }) }, seams);
const client = how === 'threads' ? await Client.connect({ threads }) : undefined;
const controllers = new Map();

const actions = {
  async sweep({ count, tag, options }) {
    const { signal } = controllers.get(tag);
    const sweep = store.sweep({ n: Array.from({ length: count }, (_, n) => n) }, { client, signal, ...options });
    const records = await sweep;
    const inOrder = records.length === count && records.every((record, place) => record?.n === place);
    return { records: records.length, inOrder, progress: sweep.progress() };
  },
  async obtain({ n, tag, forced = false }) {
    const options = { signal: controllers.get(tag).signal };
    const record = await (forced ? store.run({ n }, options) : store.runOrRetrieve({ n }, options));
    return { id: record.id, execution: record.customData.value };
  },
  async abort({ which }) {
    controllers.get(which).abort();
    return {};
  },
  async close() {
    await client?.close();
    await store.close();
    return {};
  },
};

async function act(command) {
  controllers.set(command.tag, new AbortController());
  try {
    tell({ tag: command.tag, ...(await actions[command.do](command)) });
  } catch (error) {
    const { name, code, reason, message, failures = [] } = error;
    tell({ tag: command.tag, error: { name, code, reason, message, failures: failures.map((one) => one.message) } });
  }
}

tell({ event: 'ready' });
for await (const line of createInterface({ input: process.stdin })) void act(JSON.parse(line));
await actions.close();
