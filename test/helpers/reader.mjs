// Reads one point all the time until a file says stop. Arguments: resultsDir dbUrl ready stop. Prints what it saw as JSON.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { defineResult, int, Store } from 'entropic';

const [resultsDir, dbUrl, ready, stop] = process.argv.slice(2);
const store = await Store.open({ model: defineResult('toy', { n: int() }), resultsDir, dbUrl });
const digests = new Set();
let reads = 0;
let misses = 0;
await store.retrieve({ n: 1 });
writeFileSync(ready, '');
while (!existsSync(stop)) {
  const record = await store.retrieve({ n: 1 });
  reads++;
  if (record === null) misses++;
  else digests.add(createHash('sha256').update(readFileSync(record.resultFile)).digest('hex'));
}
await store.close();
console.log(JSON.stringify({ reads, misses, digests: [...digests] }));
