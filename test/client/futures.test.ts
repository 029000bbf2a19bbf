// The client without a store: functions of a module, run in threads, and the futures of their values.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, moduleRunner, RunFailedError, RunFuture } from 'entropic';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { errorOf } from '../helpers/errors.js';
import { freshFolder, untilBegun } from './kit.js';

const url = new URL('./functions.mjs', import.meta.url);
const fn = (name: string) => moduleRunner(url, { export: name });

let client: Client;
beforeAll(async () => {
  client = await Client.connect({ threads: 2 });
});
afterAll(() => client.close());

describe('[D1] a submitted function', () => {
  it('gives its value; submit returns at once', async () => {
    const future = client.submit(url, 7);
    expect(future).toBeInstanceOf(RunFuture);
    expect(future.status).toBe('pending');
    expect(await future.result()).toBe(49);
    expect(future.status).toBe('finished');
    expect(await future.exception()).toBeUndefined();
    expect(await client.submit(fn('default'), 8).result()).toBe(64);
    expect(await client.submit(fn('echo'), undefined).result()).toBeUndefined();
  });

  it('is given what can be cloned, and gives it back', async () => {
    const params = {
      map: new Map([['a', 1]]),
      set: new Set([1, 2]),
      date: new Date(5),
      array: new Float64Array([1, 2, 3.5]),
      big: 2n ** 70n,
      nothing: undefined,
      ring: {} as { self?: unknown },
      error: new RangeError('out of range'),
    };
    params.ring.self = params.ring;
    expect(await client.submit(fn('describe'), params).result()).toEqual({
      ...{ map: 1, set: 2, date: 5, array: 6.5, big: String(2n ** 70n), undefined: true, ring: true },
      error: 'out of range',
    });
    const back = (await client.submit(fn('echo'), params).result()) as typeof params;
    expect(back.map).toEqual(params.map);
    expect(back.array).toEqual(params.array);
    expect(back.ring.self).toBe(back.ring);
  });

  it('fails for what cannot be cloned, and says so', async () => {
    const params = client.submit(fn('echo'), { compute: () => 1 });
    expect(await params.exception()).toMatchObject({ name: 'RunFailedError', reason: 'exception' });
    expect(((await params.exception()) as Error).message).toMatch(/cannot be sent.*could not be cloned/s);
    const value = client.submit(fn('uncloneable'), {});
    expect(((await value.exception()) as Error).message).toMatch(/cannot be sent.*could not be cloned/s);
    expect(await client.submit(url, 3).result()).toBe(9);
  });

  it('fails with its own error rebuilt: name, message, code, causes and stack', async () => {
    const future = client.submit(fn('diverge'), { n: 3 });
    const error = (await future.exception()) as RunFailedError;
    expect(future.status).toBe('error');
    expect(error).toBeInstanceOf(RunFailedError);
    expect(error).toMatchObject({ code: 'ENTROPIC_RUN_FAILED', reason: 'exception', id: future.key, params: { n: 3 } });
    expect(error.message).toMatch(/run-\d+ failed \(exception\): at n = 3/);
    const cause = error.cause as Error & { code: string };
    expect(cause).toBeInstanceOf(Error);
    expect({ name: cause.name, message: cause.message, code: cause.code }).toEqual({
      ...{ name: 'Diverged', message: 'at n = 3', code: 'E_DIVERGED' },
    });
    expect(cause.stack).toMatch(/functions\.mjs:\d+/);
    expect(cause.cause).toMatchObject({ name: 'TypeError', message: 'dt', cause: { message: 'too large' } });
    expect(await errorOf(future.result())).toBe(error);
  });

  it.each([['a text'], [null], [undefined], [42], [{ status: 500 }]])('may throw %o', async (value) => {
    const error = (await client.submit(fn('throwThis'), { value }).exception()) as RunFailedError;
    expect(error.reason).toBe('exception');
    expect(error.message).toContain(typeof value === 'object' && value ? '{"status":500}' : String(value));
  });

  it('may end its thread, which is replaced', async () => {
    const futures = [0, 7].map((code) => client.submit(fn('exit'), { code }));
    const errors = (await Promise.all(futures.map((future) => future.exception()))) as RunFailedError[];
    expect(errors.map(({ reason, exitCode }) => [reason, exitCode])).toEqual([
      ['exit', 0],
      ['exit', 7],
    ]);
    const ids = await client.gather(client.map(fn('thread'), Array(8).fill({})));
    expect(new Set(ids).size).toBe(2);
  });

  it('has a context without files', async () => {
    const future = client.submit(fn('context'), {});
    expect(await future.result()).toEqual({
      ...{ id: future.key, attempt: 1, aborted: false },
      refused: [
        expect.stringMatching(/no store .*return the value/),
        expect.stringMatching(/no store .*return the value/),
      ],
    });
  });

  it('nobody asked about fails in silence', async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listener);
    onTestFinished(() => void process.off('unhandledRejection', listener));
    const future = client.submit(fn('diverge'), { n: 1 });
    await client.submit(fn('after'), { ms: 50 }).result();
    await sleep(20);
    expect(future.status).toBe('error');
    expect(unhandled).toEqual([]);
  });

  it('is refused at once with options that do not exist or mean nothing', () => {
    expect(() => client.submit(url, 1, { timout: 1 } as never)).toThrow(
      /unknown option "timout"; did you mean "timeout"/,
    );
    expect(() => client.submit(url, 1, { timeout: 'soon' })).toThrow(/submit: timeout: "soon"/);
  });
});

describe('[D1] many futures', () => {
  it('map gives one for each, in their order; gather their values', async () => {
    const futures = client.map(
      fn('after'),
      [40, 5, 20].map((ms) => ({ ms, value: ms })),
    );
    expect(new Set(futures.map(({ key }) => key)).size).toBe(3);
    expect(await client.gather(futures)).toEqual([40, 5, 20]);
    expect(await client.gather(new Set(client.map(url, new Set([1, 2, 3]))))).toEqual([1, 4, 9]);
    expect(await client.gather([])).toEqual([]);
  });

  it('gather rejects with the first failure, and the others go on', async () => {
    const good = client.submit(fn('after'), { ms: 60, value: 'good' });
    const error = await errorOf(client.gather([good, client.submit(fn('diverge'), { n: 1 })]));
    expect(error).toMatchObject({ reason: 'exception' });
    expect(await good.result()).toBe('good');
  });

  it('asCompleted gives each when it is over, whatever it came to', async () => {
    const slow = client.submit(fn('after'), { ms: 400, value: 'slow' });
    const bad = client.submit(fn('diverge'), { n: 1 });
    const quick = client.submit(fn('after'), { ms: 10, value: 'quick' });
    const seen: RunFuture<unknown>[] = [];
    for await (const future of client.asCompleted([slow, bad, quick])) seen.push(future);
    expect(seen).toEqual([bad, quick, slow]);
    expect(seen.map(({ status }) => status)).toEqual(['error', 'finished', 'finished']);
    // Those that are over already, and none at all.
    const again: unknown[] = [];
    for await (const future of client.asCompleted([slow, quick])) again.push(future);
    expect(new Set(again)).toEqual(new Set([slow, quick]));
    for await (const _ of client.asCompleted([])) expect.unreachable();
  });

  it('asCompleted may be left, and the rest goes on', async () => {
    const futures = client.map(
      fn('after'),
      [1, 30, 60].map((ms) => ({ ms, value: ms })),
    );
    for await (const _ of client.asCompleted(futures)) break;
    expect(await client.gather(futures)).toEqual([1, 30, 60]);
  });

  it('run in all slots at once, the rest wait, and schedulerInfo counts them', async () => {
    const folder = freshFolder();
    expect(client.schedulerInfo()).toEqual({ kind: 'threads', threads: 2, running: 0, queued: 0 });
    const futures = client.map(
      fn('gate'),
      [1, 2, 3, 4, 5].map((n) => ({ folder, n })),
    );
    await untilBegun(folder, 2);
    expect(client.schedulerInfo()).toEqual({ kind: 'threads', threads: 2, running: 2, queued: 3 });
    expect(futures.map(({ status }) => status)).toEqual(['running', 'running', 'pending', 'pending', 'pending']);
    writeFileSync(join(folder, 'open'), '');
    expect(await client.gather(futures)).toEqual([1, 2, 3, 4, 5]);
    expect(client.schedulerInfo()).toEqual({ kind: 'threads', threads: 2, running: 0, queued: 0 });
  });

  it('are many', async () => {
    const values = await client.gather(
      client.map(
        url,
        Array.from({ length: 5000 }, (_, n) => n),
      ),
    );
    expect(values.every((value, n) => value === n * n)).toBe(true);
  });
});
