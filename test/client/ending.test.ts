// Cancelled runs, and clients that are closed.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, ClosedError, moduleRunner, type RunFuture } from 'entropic';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf } from '../helpers/errors.js';
import { freshFolder, untilBegun } from './kit.js';

const url = new URL('./functions.mjs', import.meta.url);
const fn = (name: string) => moduleRunner(url, { export: name });

let client: Client;
beforeAll(async () => {
  client = await Client.connect({ threads: 2 });
});
afterAll(() => client.close());

describe('[D1] cancel', () => {
  it('of what waits is at once; of what is over nothing', async () => {
    const folder = freshFolder();
    const running = client.map(
      fn('gate'),
      [1, 2].map((n) => ({ folder, n })),
    );
    const queued = client.map(
      fn('gate'),
      [3, 4].map((n) => ({ folder, n })),
    );
    await untilBegun(folder, 2);
    client.cancel(queued);
    for (const future of queued) {
      const error = (await future.exception()) as DOMException;
      expect(error).toBeInstanceOf(DOMException);
      expect(error.name).toBe('AbortError');
      expect(error.message).toContain(future.key);
      expect(future.status).toBe('cancelled');
    }
    expect(running.map(({ status }) => status)).toEqual(['running', 'running']);
    writeFileSync(join(folder, 'open'), '');
    await client.gather(running);
    client.cancel(running);
    running[0]?.cancel();
    expect(running.map(({ status }) => status)).toEqual(['finished', 'finished']);
    expect(readFileSync(join(folder, 'begun'), 'utf8').trimEnd().split('\n').sort()).toEqual(['1', '2']);
  });

  it('of what was only just submitted never begins it', async () => {
    const folder = freshFolder();
    const future = client.submit(fn('gate'), { folder, n: 1 });
    future.cancel();
    expect((await errorOf(future.result())).name).toBe('AbortError');
    expect(existsSync(join(folder, 'begun'))).toBe(false);
  });

  it('of what listens is soon; of what computes after its time to stop, and a timeout likewise', async () => {
    const folder = freshFolder();
    const patient = client.submit(fn('patient'), { folder });
    await untilBegun(folder);
    client.cancel(patient);
    const soon = performance.now();
    expect((await errorOf(patient.result())).name).toBe('AbortError');
    expect(performance.now() - soon).toBeLessThan(4000);

    const endless = client.submit(fn('endless'), { folder });
    const late = client.submit(fn('endless'), { folder }, { timeout: 0.2 });
    const tooLong = client.submit(fn('patient'), { folder }, { timeout: 0.2 });
    await untilBegun(folder, 3);
    const started = performance.now();
    client.cancel(endless);
    expect((await errorOf(endless.result())).name).toBe('AbortError');
    expect(performance.now() - started).toBeGreaterThan(4900);
    expect(await late.exception()).toMatchObject({ reason: 'timeout', message: expect.stringContaining('0.2 s') });
    expect(await tooLong.exception()).toMatchObject({ reason: 'timeout' });
    const ids = await client.gather(client.map(fn('thread'), Array(8).fill({})));
    expect(new Set(ids).size).toBe(2);
  });
});

describe('[D1] a client', () => {
  it('has as many threads as there are cores, unless it is told', async () => {
    await using all = await Client.connect();
    expect(all.slots).toBe(availableParallelism());
    expect(all.schedulerInfo().threads).toBe(availableParallelism());
    await using three = await Client.connect({ threads: 3 });
    expect(three.slots).toBe(3);
    for (const threads of [0, -1, 1.5, '2', Number.NaN, null]) {
      await expect(Client.connect({ threads: threads as number }), String(threads)).rejects.toThrow(/threads/);
    }
    await expect(Client.connect({ treads: 2 } as never)).rejects.toThrow(/did you mean "threads"/);
    await expect(Client.connect('tcp://10.0.0.1:8786' as never)).rejects.toThrow(/Client\.connect/);
  });

  it('close waits for what runs, cancels what waits, refuses what comes, and may be called again', async () => {
    const folder = freshFolder();
    const own = await Client.connect({ threads: 1 });
    const [running, queued] = own.map(
      fn('gate'),
      [1, 2].map((n) => ({ folder, n })),
    );
    await untilBegun(folder);
    let closed = false;
    const closing = own.close().then(() => {
      closed = true;
    });
    expect((await errorOf((queued as RunFuture<unknown>).result())).name).toBe('AbortError');
    await sleep(50);
    expect(closed).toBe(false);
    expect(() => own.submit(url, 1)).toThrow(ClosedError);
    expect(() => own.map(url, [1])).toThrow(ClosedError);
    appendFileSync(join(folder, 'open'), '');
    expect(await running?.result()).toBe(1);
    await closing;
    await own.close();
    await own[Symbol.asyncDispose]();
    // Futures stay what they are.
    expect(await running?.result()).toBe(1);
    expect(own.schedulerInfo()).toMatchObject({ running: 0, queued: 0 });
  });

  it('that never did anything closes', async () => {
    const own = await Client.connect({ threads: 4 });
    await Promise.all([own.close(), own.close()]);
  });
});
