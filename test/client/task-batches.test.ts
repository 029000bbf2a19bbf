// Short runs of a sweep travel together (packages/scheduler/src/executors/batches.ts): that must never show but in the speed.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, defineResult, int, moduleRunner, type RunFailedError, Store, type StoreEvent, text } from 'entropic';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshFolder } from './kit.js';

const Model = defineResult('short', { n: int(), how: text({ default: '' }), folder: text() });
const simulation = moduleRunner(new URL('./short-runs.mjs', import.meta.url));
const COUNT = 600;

let client: Client;
beforeAll(async () => {
  client = await Client.connect({ threads: 2 });
});
afterAll(() => client.close());

interface Place {
  folder: string;
}

async function openShort({ folder }: Place) {
  const place = { resultsDir: join(folder, 'results'), dbUrl: `sqlite:${join(folder, 'runs.sqlite3')}` };
  return Store.open({ model: Model, runner: simulation, ...place });
}

function points(folder: string, special: Record<number, string> = {}) {
  return Array.from({ length: COUNT }, (_, n) => ({ n, how: special[n] ?? '', folder }));
}

/** The n of each execution. */
function executions(folder: string): number[] {
  const file = join(folder, 'executions');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').map(Number) : [];
}

const all = Array.from({ length: COUNT }, (_, n) => n);
const sorted = (numbers: number[]) => [...numbers].sort((a, b) => a - b);

describe('[D1] many short runs of a sweep (threads)', () => {
  it('run once each, and give their records in order', async () => {
    const folder = freshFolder();
    await using store = await openShort({ folder });
    const records = await store.sweep(points(folder), { client });
    expect(records.map(({ n }) => n)).toEqual(all);
    expect(records.map(({ resultFile }) => readFileSync(resultFile, 'utf8'))).toEqual(all.map((n) => `${n}\n`));
    expect(sorted(executions(folder))).toEqual(all);
  });

  it.each(['wait', 'compute'])('do not wait for one among them that takes long (%s)', async (how) => {
    const folder = freshFolder();
    await using store = await openShort({ folder });
    let before = 0;
    let seen = false;
    for await (const { params, status } of store.sweep(points(folder, { 300: how }), { client })) {
      expect(status).toBe('finished');
      if (params.n === 300) seen = true;
      else if (!seen) before++;
    }
    expect(before).toBeGreaterThan(COUNT - 20);
    expect(sorted(executions(folder))).toEqual(all);
  });

  it('fail one by one, whatever one does to its thread, and none runs twice', async () => {
    const folder = freshFolder();
    await using store = await openShort({ folder });
    const special = { 100: 'throw', 250: 'exit', 251: 'nothing', 400: 'later', 401: 'unsendable' };
    const failed = new Map<number, RunFailedError>();
    for await (const { params, error } of store.sweep(points(folder, special), { client })) {
      if (error) failed.set(params.n, error);
    }
    expect(Object.fromEntries([...failed].map(([n, { reason }]) => [n, reason]))).toEqual({
      100: 'exception',
      250: 'exit',
      251: 'no-output',
      400: 'exception',
    });
    expect(sorted(executions(folder))).toEqual(all);
  });

  it('that have not begun are cancelled when the loop is left, and are free for others', async () => {
    const folder = freshFolder();
    await using store = await openShort({ folder });
    await using other = await openShort({ folder });
    const sweep = store.sweep(points(folder, { 200: 'wait', 201: 'wait' }), { client });
    for await (const { params } of sweep) {
      if (params.n === 150) break;
    }
    const { finished, cancelled, running, queued } = sweep.progress();
    expect(executions(folder)).toHaveLength(finished);
    expect({ running, queued, sum: finished + cancelled }).toEqual({ running: 0, queued: 0, sum: COUNT });
    expect(cancelled).toBeGreaterThan(100);
    await other.sweep(points(folder), { client });
    expect(sorted(executions(folder)).filter((n, i, list) => list[i - 1] !== n)).toEqual(all);
  });

  it('are aborted by a cancel', async () => {
    const folder = freshFolder();
    await using store = await openShort({ folder });
    const sweep = store.sweep(points(folder, { 120: 'patient', 121: 'patient' }), { client });
    for await (const event of store.events) {
      if (event.type === 'run.log' && event.text === 'patient\n') break;
    }
    await sweep.cancel();
    const { finished, cancelled, failed } = sweep.progress();
    expect({ failed, sum: finished + cancelled }).toEqual({ failed: 0, sum: COUNT });
    await store.sweep(points(folder, { 120: '', 121: '' }), { client });
  });

  it('are never more at once than was asked for', async () => {
    const folder = freshFolder();
    await using store = await openShort({ folder });
    const marks = points(folder).map((point) => ({ ...point, how: 'mark' }));
    await store.sweep(marks.slice(0, 300), { client, concurrency: 1 });
    const steps = readFileSync(join(folder, 'marks'), 'utf8').trimEnd().split('\n');
    expect(steps).toEqual(Array.from({ length: 300 }, () => ['+', '-']).flat());
  });

  it('each have their own log, and tell of it', async () => {
    const folder = freshFolder();
    await using store = await openShort({ folder });
    const logs = new Map<string, string>();
    const listening = (async () => {
      for await (const event of store.events as AsyncIterable<StoreEvent>) {
        if (event.type === 'run.log') logs.set(event.id, `${logs.get(event.id) ?? ''}${event.text}`);
      }
    })();
    const records = await store.sweep(
      points(folder).map((point) => ({ ...point, how: 'talk' })),
      { client },
    );
    for (const { id, n } of records.filter(({ n }) => n % 50 === 0)) {
      let text = '';
      for await (const part of store.log(id)) text += part;
      expect(text).toBe(`this is ${n}\nprinted by ${n}\n`);
      expect(logs.get(id)).toBe(`this is ${n}\n`);
    }
    await store.close();
    await listening;
    expect(logs.size).toBe(COUNT);
  });

  it('are counted as running only in their slots', async () => {
    const folder = freshFolder();
    await using store = await openShort({ folder });
    const sweep = store.sweep(points(folder), { client });
    let most = 0;
    for await (const _ of sweep) most = Math.max(most, sweep.progress().running);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(2);
  });
});
