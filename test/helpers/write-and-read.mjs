// A process of its own that runs one point, reads others and says what it sees, as one line of JSON. Started by the contract's tests
// under another time zone or working folder.
// argv: { dbUrl, resultsDir, run?: n, get?: ids, sweep?: n[] }
import { writeFileSync } from 'node:fs';
import { defineResult, float, int, Store } from 'entropic';

const { dbUrl, resultsDir, run, get = [], sweep } = JSON.parse(process.argv[2]);
const Clock = defineResult('clocks', { n: int(), dt: float({ default: 0.5 }) });
let executed = 0;
const store = await Store.open({
  model: Clock,
  runner: (params) => {
    executed++;
    writeFileSync(params.resultFile, `n=${params.n}`);
  },
  resultsDir,
  dbUrl,
});
const seen = ({ id, n, dt, createdAt, resultFile }) => ({ id, n, dt, createdAt: createdAt.toISOString(), resultFile });
const before = Date.now();
const written = run === undefined ? undefined : seen(await store.runOrRetrieve({ n: run }));
const after = Date.now();
const read = [];
for (const id of get) read.push(seen(await store.get(id)));
const swept = sweep ? (await store.sweep({ n: sweep })).map(seen) : undefined;
await store.close();
const hour = new Date('2026-01-15T12:00:00Z').getHours();
process.stdout.write(`${JSON.stringify({ written, read, swept, executed, before, after, hour })}\n`);
