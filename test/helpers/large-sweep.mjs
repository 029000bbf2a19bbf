// One large sweep over cached points in a process of its own. Arguments: how resultsDir dbUrl count [verify]. Prints what came as JSON.
import { defineResult, int, Store } from 'entropic';

const [how, resultsDir, dbUrl, text, verify = 'stat'] = process.argv.slice(2);
const count = Number(text);
const runner = ({ n }) => {
  throw new Error(`n = ${n} was not found in the cache`);
};
const store = await Store.open({ model: defineResult('toy', { n: int() }), runner, resultsDir, dbUrl, verify });
const started = performance.now();
const statuses = {};
let inOrder = true;
let points = 0;
let progress;
const distinct = new Set();
const see = (n, expected) => {
  if (n !== expected) inOrder = false;
  points++;
  distinct.add(n);
};
const axis = Array.from({ length: count }, (_, n) => n);
if (how === 'for-await') {
  const sweep = store.sweep({ n: axis });
  for await (const { status, record } of sweep) {
    statuses[status] = (statuses[status] ?? 0) + 1;
    see(record.n, record.n);
  }
  progress = sweep.progress();
} else if (how === 'grid') {
  const sweep = store.sweep({ n: axis });
  for (const [place, record] of (await sweep).entries()) see(record.n, place);
  progress = sweep.progress();
} else {
  // Every point twice, the second half in the opposite order.
  const list = axis.map((_, place) => ({ n: place < count / 2 ? place : count - 1 - place }));
  const sweep = store.sweep(list);
  for (const [place, record] of (await sweep).entries()) see(record.n, list[place].n);
  progress = sweep.progress();
}
const took = performance.now() - started;
await store.close();
console.log(
  JSON.stringify({
    points,
    distinct: distinct.size,
    inOrder,
    statuses,
    progress,
    megabytes: process.resourceUsage().maxRSS / 1024,
    took,
  }),
);
