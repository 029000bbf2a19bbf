// The executor contract: timeouts and aborts, of runs that listen and of runs that cannot.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { connect, expectWhole, type Kind, openLab, until } from './kit.js';

/** What a run has to stop by itself, in milliseconds: the product's own number. */
const GRACE = 5000;

export function stopping(kind: Kind): void {
  // A program needs a while before it can listen.
  const command = kind.name === 'command';
  it('a timeout aborts run.signal, and the run is told as timeout', async () => {
    const lab = await openLab(kind, 'patient');
    const limit = command ? 2 : 0.2;
    const [outcome] = await lab.sweep([lab.point(1)], { timeout: `${limit * 1000}ms` });
    expect(outcome?.error).toMatchObject({ reason: 'timeout', limit });
    expect(outcome?.error?.message).toContain(`longer than its timeout of ${limit} s`);
    const heard = command ? 'AbortError: asked to end' : 'TimeoutError: the run took longer than 0.2 s';
    expect(lab.lines('heard')).toEqual([heard]);
    await expectWhole(kind);
  });

  it('a run that computes past its timeout and then returns is a timeout as well', async () => {
    const lab = await openLab(kind, 'computing');
    const [long, limit] = command ? [3000, 2] : [400, 0.2];
    const [late, early] = await lab.sweep([lab.point(long), lab.point(1)], { timeout: limit });
    expect(late?.error?.reason).toBe('timeout');
    expect(early?.status).toBe('finished');
    expect(lab.executions()).toEqual([1, long]);
  });

  it('a timeout counts from the start of the run, not from its place in a queue', async () => {
    const lab = await openLab(kind, 'waiting');
    const points = Array.from({ length: kind.slots * 4 }, (_, i) => lab.point(i));
    // Four rounds of half a second each: the last ones wait for longer than their timeout.
    const concurrency = kind.name === 'inline' ? 1 : points.length;
    const outcomes = await lab.sweep(points, { timeout: command ? 2 : 1.4, concurrency });
    expect(outcomes.map(({ status, error }) => error?.message ?? status)).toEqual(points.map(() => 'finished'));
    const elapsed = outcomes.map(({ record }) => record?.customData.elapsedSeconds as number);
    for (const seconds of elapsed) expect(seconds).toBeGreaterThan(0.45);
  });

  it('cancel aborts run.signal with an AbortError, and what was queued never began', async () => {
    const lab = await openLab(kind, 'patient');
    const controller = new AbortController();
    const points = Array.from({ length: kind.slots + 3 }, (_, i) => lab.point(i));
    const sweep = lab.sweep(points, { signal: controller.signal });
    await until('runs in all slots', () => lab.lines('begun').length === kind.slots);
    controller.abort(new Error('enough'));
    expect((await sweep).map(({ status }) => status)).toEqual(points.map(() => 'cancelled'));
    expect(lab.executions()).toHaveLength(kind.slots);
    expect(lab.lines('heard')).toHaveLength(kind.slots);
    for (const line of lab.lines('heard')) expect(line).toMatch(/^AbortError: /);
    expect(lab.events.filter(({ type }) => type === 'run.cancelled')).toHaveLength(kind.slots);
    await expectWhole(kind);
  });

  it('a run that finishes all the same when it is aborted has its result', async () => {
    const lab = await openLab(kind, 'stubborn');
    const controller = new AbortController();
    const sweep = lab.sweep([lab.point(1)], { signal: controller.signal });
    await until('the run', () => lab.lines('begun').length === 1);
    controller.abort();
    expect(await sweep).toMatchObject([{ status: 'finished' }]);
    expect(await lab.store.retrieve(lab.point(1))).not.toBeNull();
  });

  if (kind.name === 'inline') return;

  it('[bad-runner: endless] a run that never returns is ended: by its timeout, or a while after an abort, and the slots are whole at once', async () => {
    const lab = await openLab(kind, 'computing');
    const other = await openLab(kind, 'computing');
    const controller = new AbortController();
    const started = performance.now();
    const limit = command ? 1.5 : 1;
    const timedOut = lab.sweep([lab.point(3_600_000)], { timeout: limit });
    const aborted = other.sweep([other.point(3_600_000)], { signal: controller.signal });
    await until('both runs', () => lab.lines('begun').length + other.lines('begun').length === 2);
    controller.abort();
    const [[timeout], [cancelled]] = await Promise.all([timedOut, aborted]);
    const ended = performance.now();
    expect(timeout?.error).toMatchObject({ reason: 'timeout', limit, attempts: 1 });
    expect(cancelled?.status).toBe('cancelled');
    const [attempt] = await lab.store.attempts(timeout?.id as string);
    expect(attempt).toMatchObject({ reason: 'timeout', logTail: 'computing for 3600000\n' });
    expect(attempt?.seconds).toBeGreaterThan(GRACE / 1000);
    // Timeout and grace, and what a slow machine takes for the end.
    expect(attempt?.seconds).toBeLessThan(limit + GRACE / 1000 + 1.5);
    // Not before it had its time to stop by itself.
    expect(ended - started).toBeGreaterThan(GRACE - 100);
    await expectWhole(kind);
    // About 0.2 s on an idle machine.
    expect(performance.now() - ended).toBeLessThan(5000);
    for (const one of [lab, other]) {
      const [owner] = readdirSync(join(one.resultsDir, '.tmp'));
      const left = readdirSync(join(one.resultsDir, '.tmp', owner as string));
      expect(left.filter((name) => !name.startsWith('journal'))).toEqual([]);
    }
  });

  it("a runner's own timeout counts where a call gives none", async () => {
    const lab = await openLab(kind, 'patient', { timeout: '100ms', retries: 1 });
    const [outcome] = await lab.sweep([lab.point(1)]);
    expect(outcome?.error).toMatchObject({ reason: 'timeout', limit: 0.1, attempts: 2 });
    const [again] = await lab.sweep([lab.point(2)], { timeout: 0.3, retries: 0 });
    expect(again?.error).toMatchObject({ reason: 'timeout', limit: 0.3, attempts: 1 });
  });

  if (command) return;

  it('an abort reaches a run whose slot was only starting', async () => {
    await using cold = await connect(kind, 1);
    const lab = await openLab({ ...kind, client: () => cold }, 'patient');
    const controller = new AbortController();
    const started = performance.now();
    const sweep = lab.sweep([lab.point(1)], { signal: controller.signal });
    await until('the start', () => lab.events.some(({ type }) => type === 'run.started'));
    controller.abort();
    expect(await sweep).toMatchObject([{ status: 'cancelled' }]);
    // It heard of it, or never began; it was not ended by force.
    expect(lab.lines('heard')).toHaveLength(lab.executions().length);
    expect(performance.now() - started).toBeLessThan(GRACE);
  });
}
