// A sweep in processes whose program is killed by SIGKILL after so many outcomes; 0: it is not. Its last line of output is JSON.
// Arguments: resultsDir dbUrl count outcomes.
import { Client, defineResult, int, moduleRunner, Store } from 'entropic';

const [resultsDir, dbUrl, count, outcomes] = process.argv.slice(2);
const runner = moduleRunner(new URL('./runners.mjs', import.meta.url), { export: 'counts', memoryLimit: '1GB' });
const store = await Store.open({ model: defineResult('toy', { n: int() }), runner, resultsDir, dbUrl });
const client = await Client.connect({ threads: 2 });
const sweep = store.sweep({ n: Array.from({ length: Number(count) }, (_, n) => n) }, { client });
let seen = 0;
for await (const _ of sweep) if (++seen === Number(outcomes)) process.kill(process.pid, 'SIGKILL');
const { cached, finished, failed } = sweep.progress();
await client.close();
await store.close();
console.log(JSON.stringify({ cached, finished, failed }));
