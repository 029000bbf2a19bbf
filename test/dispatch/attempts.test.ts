// Each attempt is kept with all that is known of it, as another program finds it in the row; on both databases.
import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Client, type RunFailedError } from 'entropic';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeEachDatabase } from '../helpers/databases.js';
import { textOf } from '../helpers/text.js';
import { openTried, outcomesOf } from './kit.js';

const FIFTY = Array.from({ length: 50 }, (_, i) => `line ${i + 10}\n`).join('');

describeEachDatabase('[Q7] [D9] an attempt (threads, processes)', (db) => {
  let threads: Client;
  let processes: Client;
  beforeAll(async () => {
    threads = await Client.connect({ threads: 2 });
    processes = await Client.connect({ threads: 2, isolation: 'process' });
  });
  afterAll(async () => {
    await threads.close();
    await processes.close();
  });

  it('has its cause, exit code or signal, seconds, peak of memory, host, digest of the code and last lines', async () => {
    const place = await db.fresh();
    await using store = await openTried(place, { export: 'talking' });
    const { folder } = place;
    const points = ['exception', 'exit', 'signal', 'timeout', 'memory'].map((how, n) => ({ n, how, folder }));
    const outcomes = await outcomesOf(
      store.sweep(points, { client: processes, retries: 0, timeout: '2s', memoryLimit: '250MB' }),
    );
    const known = [
      { reason: 'exception', exitCode: null, signal: null, peakBytes: null, message: 'it diverged' },
      { reason: 'exit', exitCode: 3, signal: null, peakBytes: null },
      { reason: 'signal', exitCode: null, signal: 'SIGKILL', peakBytes: null },
      { reason: 'timeout', exitCode: null, signal: null, peakBytes: null },
      { reason: 'oom', exitCode: null, signal: null, peakBytes: expect.any(Number) },
    ];
    for (const [n, facts] of known.entries()) {
      const id = outcomes.get(n)?.id as string;
      const attempts = await store.attempts(id);
      expect(attempts, `n = ${n}`).toMatchObject([{ id, attempt: 1, outcome: 'failed', host: hostname(), ...facts }]);
      const [{ seconds, codeDigest, finishedAt, logTail, error } = {} as never] = attempts;
      expect(seconds).toBeGreaterThan(n === 3 ? 2 : 0);
      expect(seconds).toBeLessThan(20);
      expect(codeDigest).toMatch(/^[0-9a-f]{64}$/);
      expect(Math.abs(finishedAt.getTime() - Date.now())).toBeLessThan(60_000);
      expect(logTail).toBe(FIFTY);
      if (n === 0) expect(error).toMatchObject({ name: 'RangeError', message: 'it diverged' });
      const [row] = await place.sql(
        'SELECT reason, exit_code, signal, peak_bytes > 250000000, host, code_digest, log_tail FROM entropic_attempts WHERE id = ?',
        [id],
      );
      const { exitCode, signal, reason } = facts;
      expect(row?.map((value) => (value === null ? null : String(value)))).toEqual([
        ...[reason, exitCode === null ? null : String(exitCode), signal],
        ...[n === 4 ? expect.stringMatching(/^(1|true)$/) : null, hostname(), codeDigest, FIFTY],
      ]);
    }
  });

  it('has its last lines when its log is gone, whatever bytes they were', async () => {
    const place = await db.fresh();
    const store = await openTried(place, { export: 'talking' });
    const outcomes = await outcomesOf(store.sweep([{ n: 1, how: 'bytes', folder: place.folder }], { client: threads }));
    const id = outcomes.get(1)?.id as string;
    await store.close();
    rmSync(join(place.resultsDir, '.entropic', 'logs'), { recursive: true });
    await using later = await openTried(place);
    const [attempt] = await later.attempts(id);
    expect(attempt?.logTail).toMatch(/^\[…\]✓+\n'; DROP TABLE tried; --\ufffd and \ufffd\n$/);
    expect(Buffer.byteLength(attempt?.logTail as string)).toBeLessThanOrEqual(16 * 1024);
  });

  it('of a run that finished costs its row nothing, and one of an older version has none', async () => {
    const place = await db.fresh();
    await using store = await openTried(place, { export: 'talking' });
    const point = { n: 1, how: 'exception', times: 1, folder: place.folder };
    const [record] = await store.sweep([point], { client: threads, retries: 1 });
    const id = record?.id as string;
    const tails = async () => (await store.attempts(id)).map(({ logTail }) => logTail);
    expect(await tails()).toEqual([FIFTY, FIFTY]);
    const inRows = await place.sql('SELECT log_tail FROM entropic_attempts WHERE id = ? ORDER BY attempt', [id]);
    expect(inRows).toEqual([[FIFTY], [null]]);
    await place.sql('UPDATE entropic_attempts SET log_tail = NULL');
    expect(await tails()).toEqual([FIFTY, FIFTY]);
    rmSync(join(place.resultsDir, '.entropic', 'logs'), { recursive: true });
    expect(await tails()).toEqual([undefined, undefined]);
    expect(await textOf(store.log(id))).toBe('');
  });

  it('that failed is reported again without a run by retryFailed: false, unless the machine was the reason', async () => {
    const place = await db.fresh();
    await using store = await openTried(place, { export: 'talking' });
    const { folder } = place;
    const points = ['exception', 'exit', 'signal', 'timeout'].map((how, n) => ({ n, how, times: 1, folder }));
    const options = { client: processes, retries: 0, timeout: '1s' };
    const first = await outcomesOf(store.sweep(points, options));
    expect([...first.values()].map(({ status }) => status)).toEqual(Array(4).fill('failed'));
    expect(await store.plan(points)).toMatchObject({ total: 4, hits: 0, misses: 0, failedBefore: 4 });
    const again = await outcomesOf(store.sweep(points, { ...options, retryFailed: false }));
    expect([0, 1, 2, 3].map((n) => again.get(n)?.status)).toEqual(['failed', 'failed', 'finished', 'finished']);
    const error = again.get(1)?.error as RunFailedError;
    expect(error).toMatchObject({ reason: 'exit', exitCode: 3, attempts: 1 });
    expect(error.message).toMatch(/failed before \(exit, attempt 1\)/);
    expect(await store.plan(points)).toMatchObject({ total: 4, hits: 2, misses: 0, failedBefore: 2 });
    const last = await outcomesOf(store.sweep(points, options));
    expect([0, 1, 2, 3].map((n) => last.get(n)?.status)).toEqual(['finished', 'finished', 'cached', 'cached']);
  });
});
