// A program that is killed by SIGKILL, at a moment that the test chose; in its second life it ends by itself. Its last line of output is
// JSON. Arguments: folder, simulation, moment ('manifest', 'never'), kind ('threads', 'processes').
import { join } from 'node:path';
import { realSeams } from '@entropic/core/internal';
import { Client, defineResult, int, json, moduleRunner, text } from 'entropic';
import { openStore } from 'entropic/internal';

const [folder, simulation, moment, kind] = process.argv.slice(2);
const fs = {
  ...realSeams.fs,
  // The first thing that is done with a sealed result: its manifest is written, its row is not.
  async fsync(path) {
    if (moment === 'manifest') process.kill(process.pid, 'SIGKILL');
    return realSeams.fs.fsync(path);
  },
};
const store = await openStore(
  {
    model: defineResult('simulated', {
      n: int(),
      how: text({ default: 'fine' }),
      folder: text(),
      more: json({ default: {} }),
    }),
    runner: moduleRunner(new URL('./simulations.mjs', import.meta.url), { export: simulation }),
    ...{ resultsDir: join(folder, 'results'), dbUrl: `sqlite:///${join(folder, 'db')}` },
  },
  { ...realSeams, fs },
);
const client = await Client.connect({ threads: 2, isolation: kind === 'processes' ? 'process' : 'thread' });
const statuses = [];
for await (const { status, error } of store.sweep([{ n: 1, folder, how: simulation }], {
  client,
  customData: { by: process.pid },
}))
  statuses.push(error?.message ?? status);
const record = await store.runOrRetrieve({ n: 1, folder, how: simulation });
await client.close();
await store.close();
console.log(JSON.stringify({ pid: process.pid, statuses, id: record.id, customData: record.customData }));
