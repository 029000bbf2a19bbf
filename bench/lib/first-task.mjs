// The process that rows/start.mjs starts: prints the milliseconds from its `Client.connect` to the value of its first task.
import { Client } from 'entropic';
import { noop } from './tasks.mjs';

const started = performance.now();
const client = await Client.connect({ threads: 2 });
await client.submit(noop, 1).result();
process.stdout.write(`${performance.now() - started}\n`);
await client.close();
