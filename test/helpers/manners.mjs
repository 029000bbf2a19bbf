// Everything that the quickstart does, in a process of its own that says nothing: what is found goes to the file `report` as JSON.
// Arguments: resultsDir dbUrl report how. how: 'closed' or 'open' (the store is never closed).
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineResult, float, int, Store } from 'entropic';

const [resultsDir, dbUrl, report, how] = process.argv.slice(2);
const EVENTS = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'exit',
  'beforeExit',
  'uncaughtException',
  'unhandledRejection',
  'warning',
];
const listeners = () => Object.fromEntries(EVENTS.map((name) => [name, process.listenerCount(name)]));
const resources = () =>
  process.getActiveResourcesInfo().filter((name) => !/^(TTY|Pipe|File)Wrap$|^FSReqCallback$/.test(name));

const before = listeners();
const during = [];
const store = await Store.open({
  model: defineResult('results', { n: int(), dt: float({ default: 0.5 }) }),
  runner: async ({ n, dt, resultFile }, run) => {
    during.push(JSON.stringify(listeners()));
    if (n === 13) throw new Error('unlucky');
    writeFileSync(join(run.workDir, 'scratch'), 'x');
    run.progress(0.5, 'half way');
    run.log('n is', n);
    writeFileSync(resultFile, `${n * dt}\n`);
    return { n };
  },
  resultsDir,
  dbUrl,
  fileSuffix: '.npy',
});
await store.runOrRetrieve({ n: 1 }, { customData: { gitSha: 'abc123' } });
await store.runOrRetrieve({ n: 1 });
await store.retrieve({ n: 1 });
await store.run({ n: 1 });
const made = join(resultsDir, '..', 'made-elsewhere.npy');
writeFileSync(made, 'x');
await store.register({ n: 2 }, made);
await store.sweep({ n: [1, 2, 3, 4], dt: [0.5, 0.25] });
for await (const outcome of store.sweep({ n: [3, 4, 5] })) during.push(typeof outcome.status);
await store.sweep({ n: [13, 14] }).catch(() => {});
// A sweep that nobody awaits and that fails.
store.sweep({ n: [13] });
await store.delete({ n: 4 }, { removeFile: true });
await store.verify({ readData: true });
if (how === 'closed') await store.close();
const after = listeners();
const left = existsSync(join(resultsDir, '.tmp')) ? readdirSync(join(resultsDir, '.tmp')) : [];
// Sockets that were closed are gone some moments later.
for (let i = 0; i < 200 && resources().length > 0 && how === 'closed'; i++) await sleep(10);
const listening = [...new Set(during)].filter((text) => text.startsWith('{'));
writeFileSync(report, JSON.stringify({ before, after, listening, left, resources: resources(), at: Date.now() }));
