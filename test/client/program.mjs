// A program with a client, which does one thing and then says what is left of it, as JSON in its last line. Arguments: folder, what,
// isolation.
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, defineResult, int, moduleRunner, Store, text } from 'entropic';

const [folder, what, isolation = 'thread'] = process.argv.slice(2);
const url = new URL('./functions.mjs', import.meta.url);
const fn = (name) => moduleRunner(url, { export: name });
const threads = () => readdirSync('/proc/self/task').length;
const resources = () =>
  process.getActiveResourcesInfo().filter((name) => !/^(TTY|Pipe|File)Wrap$|^FSReqCallback$/.test(name));
/** Without those of SQLite: on Node 20 its library closes them when the garbage is collected. */
const descriptors = () =>
  readdirSync('/proc/self/fd').filter((name) => !targetOf(name).startsWith(`${folder}/db`)).length;

function targetOf(name) {
  try {
    return readlinkSync(`/proc/self/fd/${name}`);
  } catch {
    return '';
  }
}

function open(name) {
  const model = defineResult('runs', { n: int(), folder: text({ default: '' }) });
  return Store.open({
    model,
    runner: fn(name),
    resultsDir: join(folder, 'results'),
    dbUrl: `sqlite:///${join(folder, 'db')}`,
  });
}

async function begun(count) {
  const file = join(folder, 'begun');
  while (!existsSync(file) || readFileSync(file, 'utf8').trimEnd().split('\n').length < count) await sleep(5);
}

async function wholeLife() {
  const told = [];
  const client = await Client.connect({ threads: 3, isolation });
  const store = await open('gated');
  const points = Array.from({ length: 20 }, (_, n) => ({ n, folder }));
  const future = client.submit(fn('patient'), { folder });
  await begun(1);
  const sweep = store.sweep(points, { client });
  await begun(3);
  future.cancel();
  const ended = Promise.resolve(sweep).catch((error) => told.push(error.name));
  const closing = client.close();
  // Opens the gate for what runs.
  writeFileSync(join(folder, 'open'), '');
  await ended;
  await closing;
  told.push((await future.exception())?.name);
  await store.close();
  return told;
}

const actions = {
  /** Closed in the middle of a sweep, three times more after the first, in which everything is loaded. */
  async closed() {
    await wholeLife();
    const before = { threads: threads(), descriptors: descriptors() };
    let told;
    for (let i = 0; i < 3; i++) {
      for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
      told = await wholeLife();
    }
    // Threads and sockets that were ended are gone some moments later.
    for (let i = 0; i < 300 && (threads() > before.threads || descriptors() > before.descriptors); i++) await sleep(10);
    const more = { threads: threads() - before.threads, descriptors: descriptors() - before.descriptors };
    return { told, more, resources: resources() };
  },
  /** Left open: nobody closes anything, and the program ends all the same. */
  async open() {
    const client = await Client.connect({ threads: 2, isolation });
    const store = await open('backwards');
    const records = await store.sweep({ n: [7, 8] }, { client });
    return { values: await client.gather(client.map(url, [1, 2, 3])), ns: records.map(({ n }) => n) };
  },
  /** Nothing but a client, and the promise of a value: the program must live until it is there. */
  async alone() {
    const client = await Client.connect({ threads: 1, isolation });
    return { value: await client.submit(fn('after'), { ms: 300, value: 'there' }).result() };
  },
  /** Started by the test with a small heap. */
  async heap() {
    const client = await Client.connect({ threads: 2, isolation });
    const store = await open('leak');
    let outcome;
    for await (outcome of store.sweep([{ n: 1, folder }], { client }));
    const called = await client.submit(fn('leak'), {}).exception();
    const values = await client.gather(client.map(url, [1, 2, 3, 4]));
    const [attempt] = await store.attempts(outcome.id);
    await client.close();
    await store.close();
    return { reasons: [outcome.error.reason, called.reason, attempt.reason], message: outcome.error.message, values };
  },
};

console.log(JSON.stringify(await actions[what]()));
