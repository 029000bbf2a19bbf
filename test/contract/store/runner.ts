// The contract with a runner: what it is given, what becomes of what it writes, returns and throws.
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bool, defineResult, int, json, RunFailedError, text } from 'entropic';
import { expect, it } from 'vitest';
import type { TestDatabase } from '../../helpers/databases.js';
import {
  contentOf,
  errorOf,
  listen,
  makeSimulation,
  openModel,
  openStore,
  POINT,
  POINT_ID,
  until,
  writeParams,
} from './kit.js';

/** Tests of what a thrown value becomes: thrown, then the message and the cause it is told with. */
const THROWN: [string, () => unknown, RegExp, RegExp | undefined][] = [
  ['a text', () => 'just text', /just text/, /just text/],
  ['null', () => null, /null/, /null/],
  ['undefined', () => undefined, /undefined/, undefined],
  ['a number', () => 42, /42/, /42/],
  ['a symbol', () => Symbol('s'), /s/, /s/],
  ['a plain object', () => ({ why: 'because' }), /object/, /because/],
  [
    'an object whose getters throw',
    () => ({
      get message() {
        throw new Error('no message');
      },
      get name() {
        throw new Error('no name');
      },
    }),
    /./,
    /./,
  ],
  [
    'a proxy that refuses everything',
    () => {
      const refuse = () => {
        throw new Error('refused');
      };
      return new Proxy({}, { get: refuse, has: refuse, getPrototypeOf: refuse, ownKeys: refuse });
    },
    /./,
    /./,
  ],
  [
    'an error with an object as its message',
    () => Object.assign(new Error('x'), { message: { not: 'text' } }),
    /./,
    /./,
  ],
  ['an error with a NUL character', () => new Error('a\0b'), /a.b/, /a.b/],
  ['an error with half a character', () => new Error('a\ud800b'), /a.b/, /a.b/],
  ['an error of a megabyte', () => new Error('x'.repeat(1 << 20)), /xxx/, /xxx/],
];

export function runners(db: TestDatabase): void {
  it('[S2] a run has its id, attempt, seed, file, folder and signal', async () => {
    const place = await db.fresh();
    let seen: Record<string, unknown> = {};
    let workDir = '';
    const { simulate } = makeSimulation((_, run) => {
      workDir = run.workDir;
      expect(readdirSync(workDir)).toEqual([]);
      mkdirSync(join(workDir, 'deep'));
      writeFileSync(join(workDir, 'deep', 'scratch'), 'x');
      expect(run.workDir).toBe(workDir);
      seen = { id: run.id, attempt: run.attempt, seed: run.seed, aborted: run.signal.aborted, file: run.resultFile };
    });
    await using store = await openStore(place, { runner: simulate });
    await store.run(POINT);
    const { file, ...rest } = seen;
    expect(rest).toEqual({ id: POINT_ID, attempt: 1, seed: Number.parseInt(POINT_ID.slice(0, 8), 16), aborted: false });
    expect(file).toMatch(/\.npy$/);
    expect(String(file).startsWith(place.resultsDir)).toBe(true);
    expect(existsSync(workDir)).toBe(false);
    expect(existsSync(String(file))).toBe(false);
  });

  it('[S2] params are a frozen copy, all the way down, with the path of the result', async () => {
    const place = await db.fresh();
    const Mesh = defineResult('meshes', {
      n: int(),
      on: bool({ default: true }),
      note: text({ nullable: true, default: null }),
      mesh: json<{ cells: number[] }>(),
    });
    const mine = { n: 1, mesh: { cells: [1, 2] } };
    let given: unknown;
    await using store = await openModel(place, Mesh, {
      runner: (params, run) => {
        given = params;
        expect(params.resultFile).toBe(run.resultFile);
        expect(() => Object.assign(params, { n: 2 })).toThrow(TypeError);
        expect(() => params.mesh.cells.push(3)).toThrow(TypeError);
        writeParams(params);
      },
    });
    const promise = store.run(mine);
    mine.mesh.cells.push(99);
    const record = await promise;
    expect(given).toMatchObject({ n: 1, on: true, note: null, mesh: { cells: [1, 2] } });
    expect(record).toMatchObject({ n: 1, on: true, note: null, mesh: { cells: [1, 2] } });
    expect(await store.get(record.id)).toEqual(record);
    expect(await store.retrieve({ n: 1, mesh: { cells: [1, 2] } })).toEqual(record);
  });

  it('[S2] what the runner returns is kept as customData.value', async () => {
    const place = await db.fresh();
    let value: unknown;
    await using store = await openStore(place, { runner: makeSimulation(() => value).simulate });
    for (const [i, kept] of [7, 'é "quoted"', null, false, [1, [2]], { energy: -1.5, deep: { a: [] } }, ''].entries()) {
      value = kept;
      const record = await store.run({ ...POINT, n: i }, { customData: { mine: 1 } });
      expect(record.customData).toEqual({ mine: 1, value: kept, elapsedSeconds: record.customData.elapsedSeconds });
      expect(await store.retrieve({ ...POINT, n: i })).toEqual(record);
    }
    value = undefined;
    expect(Object.keys((await store.run({ ...POINT, n: 0 })).customData)).toEqual(['elapsedSeconds']);
  });

  it('[S2] what cannot be kept is dropped with an event, and the run is finished all the same', async () => {
    const place = await db.fresh();
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    const odd: unknown[] = [
      () => 1,
      Symbol('s'),
      1n,
      Number.NaN,
      new Date(),
      new Map(),
      new Float64Array(2),
      Buffer.from('x'),
      loop,
      { a: undefined },
      'a\0b',
      'x'.repeat(70_000),
      {
        get thrower() {
          throw new Error('not readable');
        },
      },
    ];
    let value: unknown;
    await using store = await openStore(place, { runner: makeSimulation(() => value).simulate });
    const heard = listen(store);
    for (const [n, one] of odd.entries()) {
      value = one;
      const record = await store.run({ ...POINT, n });
      expect(Object.keys(record.customData), `value ${n}`).toEqual(['elapsedSeconds']);
    }
    await until(() => heard.types().filter((type) => type === 'run.value-dropped').length === odd.length);
    const dropped = heard.events.filter((event) => event.type === 'run.value-dropped');
    expect(dropped).toHaveLength(odd.length);
    for (const event of dropped) expect(event).toMatchObject({ why: expect.stringMatching(/./) });
  });

  it('[S2] a runner that writes nothing, or no file, is a failure that says what to do', async () => {
    const place = await db.fresh();
    const outputs: [string, (file: string) => void, string, RegExp][] = [
      ['nothing', () => {}, 'no-output', /without writing its result: write one file to run\.resultFile/],
      ['an empty file', (file) => writeFileSync(file, ''), 'no-output', /empty result file/],
      ['a folder', (file) => mkdirSync(file), 'bad-output', /a folder in place of its result/],
      ['a link', (file) => symlinkSync('/etc/hostname', file), 'bad-output', /a link in place of its result/],
    ];
    for (const [what, write, reason, message] of outputs) {
      await using store = await openStore(place, { runner: (_, run) => write(run.resultFile) });
      const error = await errorOf(store.run(POINT));
      expect(error, what).toBeInstanceOf(RunFailedError);
      expect(error).toMatchObject({ reason, id: POINT_ID });
      expect(error.message).toMatch(message);
      expect(await store.retrieve(POINT)).toBeNull();
    }
    expect(readdirSync(place.resultsDir).filter((name) => !name.startsWith('.'))).toEqual([]);
    expect(readdirSync(join(place.resultsDir, '.tmp'))).toEqual([]);
  });

  it('[S2] whatever the runner throws is the cause of one RunFailedError, and is remembered', async () => {
    const place = await db.fresh();
    let thrown: () => unknown = () => undefined;
    await using store = await openStore(place, {
      runner: async () => {
        throw thrown();
      },
    });
    const heard = listen(store);
    for (const [n, [what, make, message, cause]] of THROWN.entries()) {
      thrown = make;
      const error = (await errorOf(store.run({ ...POINT, n }))) as unknown as RunFailedError;
      expect(error, what).toBeInstanceOf(RunFailedError);
      expect(error, what).toMatchObject({ reason: 'exception', attempts: 1, params: { ...POINT, n, method: 'rk4' } });
      expect(error.message, what).toMatch(message);
      if (cause) expect(String((error.cause as Error).message), what).toMatch(cause);
      const attempts = await store.attempts(error.id);
      expect(attempts, what).toMatchObject([{ outcome: 'failed', reason: 'exception', attempt: 1 }]);
      expect(typeof attempts[0]?.message, what).toBe('string');
    }
    expect(heard.events.filter((event) => event.type === 'store.trouble')).toEqual([]);
    expect(await place.sql('SELECT id FROM entropic_leases')).toEqual([]);
  });

  it('[S2] a thrown error keeps its name, message, stack, code and causes', async () => {
    const place = await db.fresh();
    class Diverged extends RangeError {
      override name = 'Diverged';
      code = 'E_DIVERGED';
    }
    const root = new TypeError('not a number');
    await using store = await openStore(place, {
      runner: () => {
        throw new Diverged('energy grew', { cause: root });
      },
    });
    const error = (await errorOf(store.run(POINT))) as unknown as RunFailedError;
    const cause = error.cause as Error & { code: string };
    expect(cause).toMatchObject({ name: 'Diverged', message: 'energy grew', code: 'E_DIVERGED' });
    expect(cause.stack).toContain('runner');
    expect(cause.cause).toMatchObject({ name: 'TypeError', message: 'not a number' });
    expect(error.message).toMatch(
      new RegExp(`run ${POINT_ID} of n=100 steps=5000 dt=0.01 method=rk4 failed .exception.: energy grew`),
    );
    const [attempt] = await store.attempts(POINT_ID);
    expect(attempt?.error).toMatchObject({ name: 'Diverged', code: 'E_DIVERGED', cause: { name: 'TypeError' } });
  });

  it('[S2] a timeout aborts run.signal, and the run is a failure by timeout', async () => {
    const place = await db.fresh();
    let reason: unknown;
    const { simulate } = makeSimulation(async (_, run) => {
      await sleep(60_000, undefined, { signal: run.signal }).catch(() => {});
      reason = run.signal.reason;
    });
    await using store = await openStore(place, { runner: simulate });
    const error = await errorOf(store.run(POINT, { timeout: '50ms' }));
    expect(error).toMatchObject({ name: 'RunFailedError', reason: 'timeout', limit: 0.05 });
    expect(reason).toMatchObject({ name: 'TimeoutError' });
    expect(await store.retrieve(POINT)).toBeNull();
    const swept = (await errorOf(store.sweep([POINT], { timeout: 0.05 }))) as unknown as { failures: RunFailedError[] };
    expect(swept.failures).toMatchObject([{ reason: 'timeout' }]);
  });

  it('[S2] a run that ends in time, or is given a month, is no failure', async () => {
    const place = await db.fresh();
    const { simulate } = makeSimulation(() => sleep(20));
    await using store = await openStore(place, { runner: simulate });
    expect((await store.run(POINT, { timeout: '10m' })).n).toBe(100);
    expect((await store.run(POINT, { timeout: '60d' })).n).toBe(100);
    for (const timeout of ['soon', 0, -1, Number.NaN, '5 parsecs']) {
      expect((await errorOf(store.run(POINT, { timeout }))).code, String(timeout)).toBe('ENTROPIC_INVALID_OPTION');
    }
  });

  it('[S2] an abort reaches run.signal, the call rejects with AbortError, and nothing is kept', async () => {
    const place = await db.fresh();
    const controller = new AbortController();
    const { executed, simulate } = makeSimulation(async (_, run) => {
      controller.abort(new Error('changed my mind'));
      await sleep(60_000, undefined, { signal: run.signal });
    });
    await using store = await openStore(place, { runner: simulate });
    const error = await errorOf(store.runOrRetrieve(POINT, { signal: controller.signal }));
    expect(error.name).toBe('AbortError');
    expect(error.cause).toMatchObject({ message: 'changed my mind' });
    expect(await store.retrieve(POINT)).toBeNull();
    expect(await place.sql('SELECT id FROM entropic_leases')).toEqual([]);
    expect((await errorOf(store.run(POINT, { signal: AbortSignal.abort() }))).name).toBe('AbortError');
    expect(executed).toHaveLength(1);
  });

  it('[S2] a runner that took no notice of the abort and finished has its result kept', async () => {
    const place = await db.fresh();
    const controller = new AbortController();
    const { simulate } = makeSimulation(() => controller.abort());
    await using store = await openStore(place, { runner: simulate });
    const record = await store.run(POINT, { signal: controller.signal });
    expect(await store.retrieve(POINT)).toEqual(record);
    expect(contentOf(record)).toMatch(/n=100/);
  });
}
