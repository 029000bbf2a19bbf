// Commands: what commandRunner takes, and who takes what it makes.
import { Client, type CommandRunner, commandRunner, defineResult, int, Store } from 'entropic';
import { assert, type Equal } from './equal.js';

// [D1] a command is an array of texts and URLs, with options of its own
const runner = commandRunner(['python3', new URL('file:///sim.py'), '--n', '{n}', '{result_file}'], {
  inputs: ['mesh.dat', new URL('file:///table.csv')],
  env: { OMP_NUM_THREADS: '1' },
  timeout: '10m',
  memoryLimit: '2GB',
  retries: { exit: 1, delay: '1s' },
});
assert<Equal<typeof runner, CommandRunner>>();
commandRunner(['sim'] as const, { memoryLimit: 2e9, retries: 1, timeout: 60 });
// @ts-expect-error no shell splits a text
commandRunner('python3 sim.py');
// @ts-expect-error a number is to be written as a text
commandRunner(['sim', 5]);
// @ts-expect-error a variable is a text
commandRunner(['sim'], { env: { OMP_NUM_THREADS: 1 } });
// @ts-expect-error there is no shell
commandRunner(['sim'], { shell: true });
// @ts-expect-error a command has a process of its own already
commandRunner(['sim'], { isolation: 'process' });

// [D1] a store of any model takes a command, and submit takes none
const store = await Store.open({ model: defineResult('results', { n: int() }), runner });
const client = await Client.connect();
await store.sweep({ n: [1] }, { client });
// @ts-expect-error it has no value, and no place for its file
client.submit(runner, { n: 1 });
