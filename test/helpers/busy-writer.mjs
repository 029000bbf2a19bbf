// One of several processes on one database. Its argument is JSON { action, table, places, ns }: for each place { resultsDir, dbUrl }
// it opens the store, says "ready", waits for a line, acts, closes. Prints what came of it, JSON a line. With `openTogether` the
// line is waited for before the store is opened.
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { defineResult, int, Store } from 'entropic';

const { action, places, ns, openTogether = false } = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const model = defineResult('toy', { n: int() });
const runner = ({ resultFile }) => writeFileSync(resultFile, 'x');
const open = ({ resultsDir, dbUrl }) => Store.open({ model, runner, resultsDir, dbUrl, durability: 'process' });

const actions = {
  async sweep(store) {
    return (await store.sweep({ n: ns })).length;
  },
  async each(store) {
    let count = 0;
    for (const n of ns) count += (await store.runOrRetrieve({ n })).n === n ? 1 : 0;
    return count;
  },
  async delete(store) {
    return Number(await store.delete({ n: ns[0] }));
  },
};

async function barrier() {
  console.log('"ready"');
  await lines.next();
}

for (const place of places) {
  try {
    if (openTogether) await barrier();
    const store = await open(place);
    try {
      if (!openTogether) await barrier();
      console.log(JSON.stringify({ done: await actions[action](store) }));
    } finally {
      await store.close();
    }
  } catch ({ name, code, message, cause }) {
    console.log(JSON.stringify({ name, code, message, cause: cause?.message }));
  }
}
process.stdin.destroy();
