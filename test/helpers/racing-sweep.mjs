// One of two processes that sweep the same grid at the same time. Arguments: name, then JSON of a list of trials
// { resultsDir, dbUrl, folder, count }. The runner's own log counts executions. Prints one JSON line: what came of each trial.
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineResult, int, Store } from 'entropic';

const [name, text] = process.argv.slice(2);
const outcomes = [];
for (const { resultsDir, dbUrl, folder, count } of JSON.parse(text)) {
  const log = join(folder, 'executions.log');
  const runner = async ({ n, resultFile }) => {
    appendFileSync(log, `${name} ${n}\n`);
    await sleep(3);
    writeFileSync(resultFile, `the result of n = ${n}\n`);
  };
  const store = await Store.open({ model: defineResult('toy', { n: int() }), runner, resultsDir, dbUrl });
  // The barrier: both are there.
  writeFileSync(join(folder, `ready-${name}`), '');
  while (!existsSync(join(folder, 'ready-a')) || !existsSync(join(folder, 'ready-b'))) await sleep(1);
  // Not in the order of ids, nor of insertion.
  const axis = Array.from({ length: count }, (_, i) => (i * 7) % count);
  try {
    const records = await store.sweep({ n: axis });
    const inOrder = records.length === count && records.every(({ n }, place) => n === axis[place]);
    outcomes.push({ inOrder });
  } catch (error) {
    outcomes.push({ error: String(error) });
  }
  await store.close();
}
console.log(JSON.stringify(outcomes));
