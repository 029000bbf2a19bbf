// Sweeps on threads that end in the middle, each in another way; then everything is closed, and the process tells what is left of it.
// Arguments: ways (with commas between them) resultsDir dbUrl. A table and a folder for each. Ends by itself.
import { readdirSync, readlinkSync } from 'node:fs';
import { Client, defineResult, int, Store } from 'entropic';

const [ways, resultsDir, dbUrl] = process.argv.slice(2);
const axis = Array.from({ length: 200 }, (_, n) => n);
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const [major] = process.versions.node.split('.').map(Number);
/** libsql, which serves Node below 24.11, closes a database file when its objects are collected, or the process ends. */
const ours = (file) => file.startsWith(resultsDir) || (major > 24 && file.includes('sqlite3'));

/** Threads of the kernel, and what is open of the store's folders. */
function resources() {
  const files = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
  return {
    threads: readdirSync('/proc/self/task').length,
    files: files.filter(ours),
    handles: process.getActiveResourcesInfo(),
  };
}

const endings = {
  /** The loop over the outcomes is left. */
  async left(store, client) {
    let count = 0;
    for await (const _ of store.sweep({ n: axis }, { client })) if (++count === 10) break;
  },
  async aborted(store, client) {
    const controller = new AbortController();
    const sweep = store.sweep({ n: axis }, { client, signal: controller.signal });
    while (sweep.progress().finished < 10) await pause(2);
    controller.abort();
    await sweep.then(() => {}).catch(() => {});
  },
  async cancelled(store, client) {
    const sweep = store.sweep({ n: axis }, { client });
    while (sweep.progress().finished < 10) await pause(2);
    await sweep.cancel();
  },
  /** Nobody looks at the sweep any more when the store closes. */
  async storeClosed(store, client) {
    const sweep = store.sweep({ n: axis }, { client });
    while (sweep.progress().finished < 10) await pause(2);
    await store.close();
  },
  async clientClosed(store, client) {
    const sweep = store.sweep({ n: axis }, { client });
    while (sweep.progress().finished < 10) await pause(2);
    await client.close();
    await sweep.then(() => {}).catch(() => {});
  },
  /** Both at once, in the middle. */
  async bothClosed(store, client) {
    const sweep = store.sweep({ n: axis }, { client });
    while (sweep.progress().finished < 10) await pause(2);
    await Promise.all([client.close(), store.close()]);
  },
  /** Without a client, in the store's own slot. */
  async ownSlot(store) {
    const sweep = store.sweep({ n: axis });
    while (sweep.progress().finished < 5) await pause(2);
    await sweep.cancel();
  },
  async maxFailures(store, client) {
    const failing = store.sweep({ n: axis.map((n) => -1 - n) }, { client, maxFailures: 3 });
    await failing.then(() => {}).catch(() => {});
  },
};

async function once(name, table) {
  const runner = new URL('./left-behind-runner.mjs', import.meta.url);
  const store = await Store.open({
    model: defineResult(table, { n: int() }),
    runner,
    resultsDir: `${resultsDir}-${table}`,
    dbUrl,
  });
  const client = await Client.connect({ threads: 2 });
  await endings[name](store, client);
  await client.close();
  await store.close();
}

// What Node, the driver and libuv start once and keep (their own pools of threads) is not ours: it is there before.
await once('cancelled', 'warmup');
await pause(50);
let before = resources();
for (const way of ways.split(',')) {
  await once(way, way);
  await pause(50);
  const after = resources();
  console.log(JSON.stringify({ way, before, after }));
  before = after;
}
