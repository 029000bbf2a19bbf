// The executor contract: each attempt has the last lines of what its run printed, however that run ended. Not for functions.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { textOf } from '../../helpers/text.js';
import { type Kind, openLab, until } from './kit.js';

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `line ${from + i} ✓\n`).join('');

export function tails(kind: Kind): void {
  const command = kind.name === 'command';
  // A process may be ended from without, and so may a program; a signal to a thread would be one to the test.
  const ways = ['throws', 'exits', 'writes nothing', 'writes late', ...(kind.name === 'threads' ? [] : ['killed'])];

  it.each(ways)('of an attempt that failed are kept with it: %s', async (how) => {
    const lab = await openLab(kind, 'says');
    const [outcome] = await lab.sweep([lab.point(70, how)], { retries: 0 });
    expect(outcome?.status).toBe('failed');
    const log = await textOf(lab.store.log(outcome?.id as string));
    const [attempt] = await lab.store.attempts(outcome?.id as string);
    const tail = attempt?.logTail as string;
    expect(tail.trimEnd().split('\n')).toHaveLength(50);
    expect(log.endsWith(`\n${tail}`)).toBe(true);
    // Node itself says why a program failed.
    if (!command || how !== 'throws')
      expect(tail).toBe(how === 'writes late' ? `${lines(21, 70)}a last line\n` : lines(20, 70));
    else expect(tail).toMatch(/line 69 ✓\n[\s\S]*NotConverged: after many lines\n/);
    // They are not the log's.
    rmSync(join(lab.resultsDir, '.entropic', 'logs'), { recursive: true });
    expect((await lab.store.attempts(outcome?.id as string))[0]?.logTail).toBe(tail);
  });

  it('of an attempt that finished are read from its log', async () => {
    const lab = await openLab(kind, 'says');
    const [outcome] = await lab.sweep([lab.point(60, 'returns')]);
    expect((await lab.store.attempts(outcome?.id as string))[0]?.logTail).toBe(lines(10, 60));
    rmSync(join(lab.resultsDir, '.entropic', 'logs'), { recursive: true });
    expect((await lab.store.attempts(outcome?.id as string))[0]?.logTail).toBeUndefined();
  });

  it('are each attempt its own, and none of one that printed nothing', async () => {
    const lab = await openLab(kind, 'third');
    await lab.sweep([lab.point(1)], { retries: 2 });
    const attempts = await lab.store.attempts(lab.idOf(lab.point(1)));
    expect(attempts.map(({ logTail }) => logTail?.split('\n')[0])).toEqual([
      ...['this is attempt 1', 'this is attempt 2', 'this is attempt 3'],
    ]);
    const silent = await openLab(kind, 'says');
    const [failed] = await silent.sweep([silent.point(0, 'exits')]);
    const [attempt] = await silent.store.attempts(failed?.id as string);
    expect(attempt).toMatchObject({ outcome: 'failed' });
    expect(attempt?.logTail).toBeUndefined();
  });

  it('are not those of a cancelled run whose number is used again', async () => {
    const lab = await openLab(kind, 'hesitant');
    const point = lab.point(1);
    const id = lab.idOf(point);
    const controller = new AbortController();
    const sweep = lab.sweep([point], { signal: controller.signal });
    await until('the run', () => lab.lines('begun').length === 1);
    controller.abort();
    expect(await sweep).toMatchObject([{ status: 'cancelled' }]);
    expect(await textOf(lab.store.log(id))).toMatch(/^hesitating\n/);
    expect(await lab.store.attempts(id)).toEqual([]);
    // The second time it says nothing.
    expect(await lab.sweep([point])).toMatchObject([{ status: 'finished' }]);
    expect(await textOf(lab.store.log(id))).toBe('');
    expect(await lab.store.attempts(id)).toMatchObject([{ attempt: 1, outcome: 'finished' }]);
    expect((await lab.store.attempts(id))[0]?.logTail).toBeUndefined();
    expect(lab.lines('begun')).toHaveLength(2);
  });
}
