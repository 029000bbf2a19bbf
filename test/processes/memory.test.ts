// `memoryLimit`: of a runner and of a sweep, for memory outside the JavaScript heap and for what a run starts; and full heaps.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, defineResult, int, moduleRunner, Store } from 'entropic';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connect, expectWhole, type Kind, openLab } from '../contract/executor/kit.js';
import { errorOf } from '../helpers/errors.js';
import { runProcess } from '../helpers/example.js';
import { answerOf } from '../helpers/program.js';

const runners = new URL('./runners.mjs', import.meta.url);
const MB = 1e6;
const LIMIT = 250 * MB;

let client: Client | undefined;
let threads: Client | undefined;
beforeAll(async () => {
  client = await connect(kind, 2);
  threads = await Client.connect({ threads: 2 });
});
afterAll(async () => {
  await client?.close();
  await threads?.close();
});

const kind: Kind = { name: 'processes', slots: 2, client: () => client };

describe('[D5] a limit of memory (processes)', () => {
  it.each([
    { how: 'fast', ofRunner: true },
    { how: 'slow', ofRunner: false },
  ])(
    '[bad-runner: off-heap] ends a run that takes more in buffers, with peak and limit: %o',
    async ({ how, ofRunner }) => {
      const lab = await openLab(kind, 'holds', ofRunner ? { memoryLimit: '250MB' } : {}, runners);
      const points = [lab.point(10), lab.point(2000, how, { ms: 20_000 }), lab.point(20), lab.point(30)];
      const outcomes = await lab.sweep(points, ofRunner ? {} : { memoryLimit: LIMIT });
      expect(outcomes.map(({ status }) => status)).toEqual(['finished', 'failed', 'finished', 'finished']);
      const error = outcomes[1]?.error;
      expect(error).toMatchObject({ reason: 'oom', limit: LIMIT, attempts: 1 });
      expect(error?.peakBytes).toBeGreaterThan(LIMIT);
      expect(error?.peakBytes).toBeLessThan(2100 * MB);
      const peak = Math.round((error?.peakBytes ?? 0) / 1e5) / 10;
      expect(error?.message).toContain(`its process used ${peak} MB of memory, more than its memoryLimit of 250 MB`);
      const [attempt] = await lab.store.attempts(lab.idOf(points[1] as never));
      expect(attempt).toMatchObject({ outcome: 'failed', reason: 'oom', peakBytes: error?.peakBytes });
      await expectWhole(kind);
    },
  );

  it('of a sweep goes before that of the runner', async () => {
    const lab = await openLab(kind, 'holds', { memoryLimit: '100MB' }, runners);
    const [outcome] = await lab.sweep([lab.point(200, 'slow', { ms: 200 })], { memoryLimit: '600MB' });
    expect(outcome?.error?.message ?? outcome?.status).toBe('finished');
    const [other] = await lab.sweep([lab.point(201, 'slow', { ms: 20_000 })]);
    expect(other?.error).toMatchObject({ reason: 'oom', limit: 100 * MB });
  });

  it('counts what the run started, and ends it too', async () => {
    const lab = await openLab(kind, 'holds', { memoryLimit: LIMIT }, runners);
    const [outcome] = await lab.sweep([lab.point(600, 'child')]);
    expect(outcome?.error).toMatchObject({ reason: 'oom', limit: LIMIT });
  });

  it('is not used up by what an earlier run left behind', async () => {
    const lab = await openLab(kind, 'holds', {}, runners);
    const [first] = await lab.sweep([lab.point(240, 'keep')], { concurrency: 1 });
    expect(first?.status).toBe('finished');
    const rest = await lab.sweep([lab.point(41), lab.point(42)], { memoryLimit: LIMIT });
    expect(rest.map(({ error, status }) => error?.message ?? status)).toEqual(['finished', 'finished']);
    const pids = [first, ...rest].map(
      (outcome) => (outcome?.record?.customData.value as { pid: number } | undefined)?.pid,
    );
    expect(pids.slice(1)).not.toContain(pids[0]);
  });

  it('puts runs into processes, on a client of threads and without a client', async () => {
    const lab = await openLab({ ...kind, name: 'threads', client: () => threads }, 'holds', {}, runners);
    const outcomes = [
      ...(await lab.sweep([lab.point(1)])),
      ...(await lab.sweep([lab.point(2)], { memoryLimit: LIMIT })),
      ...(await lab.sweep([lab.point(2000, 'slow', { ms: 20_000 })], { memoryLimit: LIMIT })),
    ];
    const own = await openLab({ ...kind, client: () => undefined }, 'holds', { memoryLimit: LIMIT }, runners);
    outcomes.push(...(await own.sweep([own.point(3), own.point(2000, 'slow', { ms: 20_000 })])));
    const error = await errorOf(own.store.runOrRetrieve(own.point(2001, 'slow', { ms: 20_000 })));
    expect(error).toMatchObject({ reason: 'oom', limit: LIMIT });
    expect(outcomes.map(({ error: failure, status }) => failure?.reason ?? status)).toEqual([
      ...['finished', 'finished', 'oom', 'finished', 'oom'],
    ]);
    const pids = outcomes.map(({ record }) => (record?.customData.value as { pid: number } | undefined)?.pid);
    expect(pids[0]).toBe(process.pid);
    expect(pids[1]).not.toBe(process.pid);
    expect(pids[3]).not.toBe(process.pid);
  });

  it('holds for submitted functions', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'entropic-memory-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const holds = moduleRunner(runners, { export: 'holds', memoryLimit: LIMIT });
    const params = { n: 2000, how: 'slow', folder, more: { ms: 20_000 }, resultFile: join(folder, 'held') };
    const error = await threads?.submit(holds, params).exception();
    expect(error).toMatchObject({ name: 'RunFailedError', reason: 'oom', limit: LIMIT });
  });

  it('cannot be given to a function, or together with threads', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'entropic-memory-'));
    const store = await Store.open({
      model: defineResult('limited', { n: int() }),
      runner: () => {},
      resultsDir: join(folder, 'results'),
      dbUrl: `sqlite:///${join(folder, 'db')}`,
    });
    onTestFinished(async () => {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    });
    const refused = { name: 'InvalidOptionError', code: 'ENTROPIC_INVALID_OPTION' };
    const sweeping = () => store.sweep({ n: [1] }, { memoryLimit: '1GB' });
    expect(sweeping).toThrow(expect.objectContaining(refused));
    expect(sweeping).toThrow(/memoryLimit: a function runs in this process.*moduleRunner|new URL\('\.\/simulate\.ts'/s);
    expect(() => moduleRunner(runners, { isolation: 'thread', memoryLimit: 1e9 })).toThrow(/leave out isolation/);
    expect(() => moduleRunner(runners, { memoryLimit: 'much' })).toThrow(/moduleRunner: memoryLimit: "much".*'512MB'/);
    expect(() => moduleRunner(runners, { isolation: 'fork' as never })).toThrow(/isolation: "fork" is not one of/);
    expect(() => store.sweep({ n: [1] }, { memoryLimit: -1 })).toThrow(/sweep: memoryLimit|memoryLimit: a function/);
    await expect(Client.connect({ isolation: 'processes' as never })).rejects.toThrow(/isolation: "processes" is not/);
  });
});

describe('[D5] a full JavaScript heap (processes)', () => {
  it('[bad-runner: heap] is told as oom, and the program goes on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'entropic-memory-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const program = fileURLToPath(new URL('../client/program.mjs', import.meta.url));
    const args = ['--max-old-space-size=64', program, folder, 'heap', 'process'];
    const result = await runProcess(process.execPath, args);
    // What V8 says of it: of the run in its log, of the call, which has none, where the program prints.
    expect(result.stderr.match(/JavaScript heap out of memory/g)).toHaveLength(1);
    const answer = answerOf<{ reasons: string[]; message: string; values: number[] }>(result);
    expect(answer.reasons).toEqual(['oom', 'oom', 'oom']);
    expect(answer.message).toMatch(/the JavaScript heap of its process is full/);
    expect(answer.values).toEqual([1, 4, 9, 16]);
  });
});
