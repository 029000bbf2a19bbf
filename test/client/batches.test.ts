// Calls of a tiny function travel together (packages/scheduler/src/executors/batches.ts): that must never show but in the speed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, moduleRunner, type RunFailedError } from 'entropic';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshFolder } from './kit.js';

const url = new URL('./functions.mjs', import.meta.url);
const mostly = moduleRunner<(params: { n: number; special?: object }) => number>(url, { export: 'mostly' });
const COUNT = 20_000;

let client: Client;
beforeAll(async () => {
  client = await Client.connect({ threads: 2 });
  // From here on it is known that the function is tiny.
  await client.gather(client.map(mostly, points(2000)));
});
afterAll(() => client.close());

function points(count: number, special: object = {}) {
  return Array.from({ length: count }, (_, n) => ({ n, special }));
}

describe('[D1] many calls of a tiny function (threads)', () => {
  it('give their values in order', async () => {
    const values = await client.gather(client.map(mostly, points(COUNT)));
    expect(values).toEqual(Array.from({ length: COUNT }, (_, n) => n));
  });

  it.each([
    ['computes', 2500],
    ['waits', 'wait'],
  ])('do not wait for one among them that %s for long', async (_, odd) => {
    const futures = client.map(mostly, points(COUNT, { 7000: odd }));
    let others = 0;
    for await (const future of client.asCompleted(futures)) {
      if (future === futures[7000]) break;
      others++;
    }
    // Answers that were on their way out when a thread began to compute are held by it: a fifth of a millisecond's work.
    expect(others).toBeGreaterThan(COUNT - 2000);
    expect(await client.gather(futures)).toHaveLength(COUNT);
  });

  it('fail one by one', async () => {
    const special = { 5: 'throw', 4000: 'uncloneable', 4001: 'throw', 9000: 'exit' };
    const futures = client.map(mostly, points(COUNT, special));
    const errors = (await Promise.all(futures.map((future) => future.exception()))) as (RunFailedError | undefined)[];
    const failed = errors.flatMap((error, n) => (error ? [[n, error.reason, error.message] as const] : []));
    expect(failed).toEqual([
      [5, 'exception', expect.stringContaining('n = 5')],
      [4000, 'exception', expect.stringMatching(/cannot be sent.*could not be cloned/s)],
      [4001, 'exception', expect.stringContaining('n = 4001')],
      [9000, 'exit', expect.stringContaining('process.exit(3)')],
    ]);
    expect(errors[9000]?.exitCode).toBe(3);
    const good = futures.filter((_, n) => errors[n] === undefined);
    expect((await client.gather(good)).length).toBe(COUNT - 4);
  });

  it('fail one by one where the params of one cannot be sent', async () => {
    const params = points(1000);
    params[600] = { n: 600, special: { odd: () => 1 } };
    const futures = client.map(mostly, params);
    const errors = (await Promise.all(futures.map((future) => future.exception()))) as (RunFailedError | undefined)[];
    expect(errors.flatMap((error, n) => (error ? [n] : []))).toEqual([600]);
    expect(errors[600]?.message).toMatch(/cannot be sent.*could not be cloned/s);
  });

  it('are each run once, those beside one that ends its thread too', async () => {
    const file = join(freshFolder(), 'executions');
    const counted = moduleRunner<(params: object) => number>(url, { export: 'counted' });
    const run = (count: number, exit?: number) =>
      client.map(
        counted,
        Array.from({ length: count }, (_, n) => ({ n, file, exit })),
      );
    await client.gather(run(500));
    const futures = run(2000, 1000);
    const errors = await Promise.all(futures.map((future) => future.exception()));
    expect(errors.flatMap((error, n) => (error ? [n] : []))).toEqual([1000]);
    const executions = readFileSync(file, 'utf8').trimEnd().split('\n').slice(500).map(Number);
    expect(executions.sort((a, b) => a - b)).toEqual(Array.from({ length: 2000 }, (_, n) => n));
  });

  it('are cancelled where they have not begun', async () => {
    const futures = client.map(mostly, points(COUNT, { 100: 300, 101: 300 }));
    await sleep(100);
    client.cancel(futures);
    await Promise.all(futures.map((future) => future.exception()));
    const statuses = new Set(futures.map(({ status }) => status));
    expect(statuses).toContain('cancelled');
    expect([...statuses].every((status) => status === 'cancelled' || status === 'finished')).toBe(true);
    const left = futures.filter(({ status }) => status === 'finished').length;
    // What was cancelled was not run: else all would be over by then.
    expect(left).toBeLessThan(COUNT);
    expect(client.schedulerInfo()).toMatchObject({ running: 0, queued: 0 });
    expect(await client.submit(mostly, { n: 1 }).result()).toBe(1);
  });

  it('are counted while they wait, and cancelled when the client closes', async () => {
    const own = await Client.connect({ threads: 1 });
    await own.gather(own.map(mostly, points(2000)));
    const futures = own.map(mostly, points(5000, { 0: 400 }));
    await sleep(150);
    const { running, queued } = own.schedulerInfo();
    expect(running).toBe(1);
    const open = futures.filter(({ status }) => status === 'pending' || status === 'running').length;
    expect(queued).toBe(open - 1);
    await own.close();
    expect(futures.every(({ status }) => status === 'finished' || status === 'cancelled')).toBe(true);
    expect(futures.at(-1)?.status).toBe('cancelled');
  });
});
