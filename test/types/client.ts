// The client and its futures, module runners typed by their module, and sweeps with a client. Checked by tsc, never run.
import {
  Client,
  type ClientOptions,
  defineResult,
  type FutureStatus,
  float,
  int,
  type ModuleRunner,
  moduleRunner,
  oneOf,
  type RunContext,
  type RunFuture,
  type SchedulerInfo,
  Store,
  type Sweep,
  type SweepOptions,
} from 'entropic';
import { assert, type Equal, some } from './equal.js';

const url = new URL('./simulate.ts', import.meta.url);
type Simulate = typeof import('./simulate.js');
interface Params {
  n: number;
  steps: number;
  dt: number;
}

// [D1] moduleRunner takes the types of params and value from the module and the name of the export
const simulate = moduleRunner<Simulate>(url);
assert<Equal<typeof simulate, ModuleRunner<Params, { energy: number; seed: number }>>>();
const fast = moduleRunner<Simulate, 'fast'>(url, { export: 'fast', timeout: '10m', retries: 2 });
assert<Equal<typeof fast, ModuleRunner<{ n: number; method: 'rk4' | 'euler' }, string>>>();
const untyped = moduleRunner(url, { export: 'whatever' });
assert<Equal<typeof untyped, ModuleRunner<unknown, unknown>>>();
moduleRunner('file:///a/b.js');
// @ts-expect-error a number is no URL
moduleRunner(7);
// @ts-expect-error an option that does not exist
moduleRunner(url, { exports: 'fast' });
// @ts-expect-error retries are counted
moduleRunner(url, { retries: 'often' });
// [D5] retries go by cause
moduleRunner(url, { retries: { exception: 2, 'worker-lost': 0, delay: '1s', maxDelay: 60, quarantine: 3 } });
// @ts-expect-error there is no such reason
moduleRunner(url, { retries: { error: 2 } });
// @ts-expect-error a number for each reason
moduleRunner(url, { retries: { exception: true } });

// [D1] submit takes the params of its runner and gives a future of its value
const client = await Client.connect({ threads: 4 });
const future = client.submit(simulate, { n: 1, steps: 2, dt: 0.1 });
assert<Equal<typeof future, RunFuture<{ energy: number; seed: number }>>>();
assert<Equal<Awaited<ReturnType<typeof future.result>>, { energy: number; seed: number }>>();
assert<Equal<Awaited<ReturnType<typeof future.exception>>, unknown>>();
assert<Equal<typeof future.status, FutureStatus>>();
assert<Equal<typeof future.status, 'pending' | 'running' | 'finished' | 'error' | 'cancelled'>>();
client.submit(fast, { n: 1, method: 'euler' }, { timeout: '10s' });
// @ts-expect-error steps is missing
client.submit(simulate, { n: 1, dt: 0.1 });
// @ts-expect-error a text for a number
client.submit(simulate, { n: '1', steps: 2, dt: 0.1 });
// @ts-expect-error a name that does not exist
client.submit(simulate, { n: 1, steps: 2, dt: 0.1, colour: 'red' });
// @ts-expect-error not one of the values
client.submit(fast, { n: 1, method: 'heun' });
// @ts-expect-error no params at all
client.submit(simulate);
// @ts-expect-error an option that does not exist
client.submit(simulate, { n: 1, steps: 2, dt: 0.1 }, { priority: 1 });
// @ts-expect-error a function cannot leave its process
client.submit((n: number) => n, 1);

// [D1] an untyped URL gives a future of unknown
const unknown = client.submit(url, { anything: [1, 'a'] });
assert<Equal<typeof unknown, RunFuture<unknown>>>();
assert<Equal<Awaited<ReturnType<typeof unknown.result>>, unknown>>();

// [D1] map gives futures of one type, gather their values, asCompleted the futures
const futures = client.map(fast, [
  { n: 1, method: 'rk4' },
  { n: 2, method: 'euler' },
]);
assert<Equal<typeof futures, RunFuture<string>[]>>();
assert<Equal<Awaited<ReturnType<typeof client.gather<string>>>, string[]>>();
const values = await client.gather(futures);
assert<Equal<typeof values, string[]>>();
for await (const one of client.asCompleted(futures)) assert<Equal<typeof one, RunFuture<string>>>();
client.cancel(futures);
client.cancel(future);
// @ts-expect-error one of the params is wrong
client.map(fast, [
  { n: 1, method: 'rk4' },
  { n: 2, method: 'heun' },
]);
// @ts-expect-error params are a list
client.map(fast, { n: 1, method: 'rk4' });
// @ts-expect-error a text is no future
client.cancel('run-1');

// [D1] a future is not thenable: awaiting it gives the future itself
type Awaitable<T> = T extends PromiseLike<unknown> ? true : false;
assert<Equal<Awaitable<RunFuture<string>>, false>>();
const same = await some<RunFuture<string>>();
assert<Equal<typeof same, RunFuture<string>>>();
// @ts-expect-error there is no then
future.then(() => {});
// @ts-expect-error its status is not set from outside
future.status = 'finished';

// [D1] connect takes a number of threads, schedulerInfo tells of them
await Client.connect();
await Client.connect(some<ClientOptions>());
// @ts-expect-error a text is no number of threads
await Client.connect({ threads: '4' });
// @ts-expect-error an option that does not exist
await Client.connect({ workers: 4 });
await Client.connect({ isolation: 'process' });
// @ts-expect-error an isolation that does not exist
await Client.connect({ isolation: 'fork' });
moduleRunner(new URL('file:///simulate.js'), { isolation: 'process', memoryLimit: '512MB' });
moduleRunner(new URL('file:///simulate.js'), { memoryLimit: 5e8 });
// @ts-expect-error an isolation that does not exist
moduleRunner(new URL('file:///simulate.js'), { isolation: 'fork' });
// @ts-expect-error a limit is a number of bytes or a text
moduleRunner(new URL('file:///simulate.js'), { memoryLimit: true });
assert<Equal<SchedulerInfo['kind'], 'threads' | 'processes'>>();
// @ts-expect-error it is connected, not constructed
new Client(4);
assert<Equal<SchedulerInfo, ReturnType<typeof client.schedulerInfo>>>();
assert<Equal<SchedulerInfo['threads'], number>>();
async function closed(): Promise<void> {
  await using own = await Client.connect();
  assert<Equal<typeof own, Client>>();
  await own.close();
}
void closed;

// [S11] a store takes a module runner whose params fit its model, and a sweep a client
const SimResult = defineResult('results', {
  n: int(),
  steps: int(),
  dt: float(),
  method: oneOf(['rk4', 'euler'], { default: 'rk4' }),
});
await Store.open({ model: SimResult, runner: url });
await Store.open({ model: SimResult, runner: moduleRunner(url) });
await Store.open({ model: SimResult, runner: moduleRunner(url, { export: 'fast' }) });
await Store.open({ model: SimResult, runner: fast });
await Store.open({ model: SimResult, runner: moduleRunner<Simulate, 'withFile'>(url, { export: 'withFile' }) });
const store = await Store.open({ model: SimResult, runner: simulate });
// @ts-expect-error its params have a colour, the model has none
await Store.open({ model: SimResult, runner: moduleRunner<Simulate, 'wantsMore'>(url, { export: 'wantsMore' }) });
// @ts-expect-error a path is no runner
await Store.open({ model: SimResult, runner: './simulate.ts' });
const sweep = store.sweep({ n: [1], steps: [2], dt: [0.1] }, { client, concurrency: 2, timeout: '10m', retries: 1 });
assert<Equal<typeof sweep, Sweep<{ n: number; steps: number; dt: number; method: 'rk4' | 'euler' }>>>();
store.sweep([{ n: 1, steps: 2, dt: 0.1 }], { client, force: true, maxFailures: 3, retryFailed: false, name: 'mine' });
// [D5] a priority is a number, or a function of all params of the point
store.sweep({ n: [1], steps: [2], dt: [0.1] }, { priority: 3, retries: { timeout: 1 } });
store.sweep(
  { n: [1], steps: [2], dt: [0.1] },
  {
    priority: (params) => {
      assert<Equal<typeof params, { n: number; steps: number; dt: number; method: 'rk4' | 'euler' }>>();
      return params.n;
    },
  },
);
const options: SweepOptions = { priority: (params) => Number(params.n), maxFailures: 1 };
store.sweep({ n: [1], steps: [2], dt: [0.1] }, options);
// @ts-expect-error a param that does not exist
store.sweep({ n: [1], steps: [2], dt: [0.1] }, { priority: ({ m }) => m });
// @ts-expect-error a text is no priority
store.sweep({ n: [1], steps: [2], dt: [0.1] }, { priority: () => 'high' });
// @ts-expect-error an address is no client
store.sweep({ n: [1], steps: [2], dt: [0.1] }, { client: 'localhost:8786' });
// @ts-expect-error a promise of a client is no client
store.sweep({ n: [1], steps: [2], dt: [0.1] }, { client: Client.connect() });
// @ts-expect-error the points are checked with a client too
store.sweep({ n: ['1'], steps: [2], dt: [0.1] }, { client });

// [S2] a runner's second argument is its context
declare const run: RunContext;
assert<Equal<typeof run.signal, AbortSignal>>();
assert<Equal<typeof run.seed, number>>();
// @ts-expect-error a context is read-only
run.resultFile = 'elsewhere';
