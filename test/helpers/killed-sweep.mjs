// A sweep whose process is killed when it gives the nth result its final name, just before the commit; 0: it is not.
// Arguments: resultsDir dbUrl log count nth.
import { appendFileSync, writeFileSync } from 'node:fs';
import { realSeams } from '@entropic/core/internal';
import { defineResult, int } from 'entropic';
import { openStore } from 'entropic/internal';

const [resultsDir, dbUrl, log, count, nth] = process.argv.slice(2);
let links = 0;
const fs = {
  ...realSeams.fs,
  link(from, to) {
    realSeams.fs.link(from, to);
    if (/[0-9a-f]{16}\.dat$/.test(to) && ++links === Number(nth)) process.kill(process.pid, 'SIGKILL');
  },
};
const runner = ({ n, resultFile }) => {
  appendFileSync(log, `${n}\n`);
  writeFileSync(resultFile, `the result of n = ${n}\n`);
};
const model = defineResult('toy', { n: int() });
const store = await openStore({ model, runner, resultsDir, dbUrl }, { ...realSeams, fs });
const records = await store.sweep({ n: Array.from({ length: Number(count) }, (_, n) => n) });
await store.close();
console.log(JSON.stringify(records.map(({ n }) => n)));
