// The executor contract: each way in which a run can go wrong has its reason, its siblings finish, and every slot is whole afterwards.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { textOf } from '../../helpers/text.js';
import { expectWholeSoon, type Kind, openLab } from './kit.js';

interface Bad {
  how: string;
  reason: string;
  message: RegExp;
  cause?: object;
  exitCode?: number;
  /** It would end this very process, or nobody would ever hear of it. */
  isolatedOnly?: true;
}

const exception = 'exception';
const converged = { name: 'NotConverged', code: 'E_NOT_CONVERGED' };

const BAD: readonly Bad[] = [
  {
    ...{ how: 'error', reason: exception, message: /after 100 steps/ },
    cause: { ...converged, message: 'after 100 steps', cause: expect.objectContaining({ name: 'TypeError' }) },
  },
  { how: 'string', reason: exception, message: /only a text/, cause: { message: 'only a text' } },
  { how: 'null', reason: exception, message: /it threw null/ },
  { how: 'undefined', reason: exception, message: /it threw undefined/ },
  { how: 'symbol', reason: exception, message: /Symbol\(strange\)/ },
  { how: 'object', reason: exception, message: /it threw an object/, cause: { message: '{"status":500}' } },
  { how: 'frozen', reason: exception, message: /a frozen error/, cause: { message: 'a frozen error' } },
  { how: 'getter', reason: exception, message: /cannot be read/ },
  { how: 'odd-message', reason: exception, message: /a function as message/ },
  { how: 'circular', reason: exception, message: /it threw an object/ },
  { how: 'proxy', reason: exception, message: /cannot be read/ },
  { how: 'reject', reason: exception, message: /rejected/, cause: { ...converged, message: 'rejected' } },
  { how: 'reject-nothing', reason: exception, message: /it threw undefined/ },
  { how: 'nothing', reason: 'no-output', message: /without writing its result: write one file to run\.resultFile/ },
  { how: 'empty', reason: 'no-output', message: /empty result file/ },
  { how: 'elsewhere', reason: 'no-output', message: /without writing its result/ },
  { how: 'folder', reason: 'bad-output', message: /a folder in place of its result file: write one file/ },
  { how: 'symlink', reason: 'bad-output', message: /a link in place of its result file: copy the content/ },
  { how: 'dangling', reason: 'bad-output', message: /a link in place of its result file/ },
  {
    ...{ how: 'timer', reason: exception, message: /out of a timer/, isolatedOnly: true },
    cause: { ...converged, message: 'out of a timer' },
  },
  { how: 'unhandled', reason: exception, message: /nobody listens/, cause: converged, isolatedOnly: true },
  {
    how: 'exit-0',
    reason: 'exit',
    message: /process\.exit\(0\) instead of returning/,
    exitCode: 0,
    isolatedOnly: true,
  },
  { how: 'exit-7', reason: 'exit', message: /process\.exit\(7\)/, exitCode: 7, isolatedOnly: true },
  { how: 'exit-later', reason: 'exit', message: /process\.exit\(3\)/, exitCode: 3, isolatedOnly: true },
];

export function badRuns(kind: Kind): void {
  const ways = BAD.filter((bad) => kind.name !== 'inline' || !bad.isolatedOnly);

  for (const { how, reason, message, cause, exitCode } of ways) {
    it(`[bad-runner: ${how}] is told as ${reason}`, async () => {
      const lab = await openLab(kind, 'any');
      const points = [lab.point(1), lab.point(2, how), lab.point(3), lab.point(4), lab.point(5)];
      const outcomes = await lab.sweep(points);
      await expectWholeSoon(kind);
      expect(outcomes.map(({ status }) => status)).toEqual(['finished', 'failed', 'finished', 'finished', 'finished']);
      const error = outcomes[1]?.error;
      expect(error).toMatchObject({ name: 'RunFailedError', code: 'ENTROPIC_RUN_FAILED', reason, attempts: 1 });
      expect(error?.message).toMatch(message);
      expect(error?.params).toEqual({ n: 2, how, folder: lab.folder, more: {} });
      if (cause) expect(error?.cause).toMatchObject(cause);
      expect(error?.exitCode).toBe(exitCode);
      expect(lab.executions()).toEqual([1, 2, 3, 4, 5]);
      const [attempt] = await lab.store.attempts(lab.idOf(points[1] as never));
      expect(attempt).toMatchObject({ attempt: 1, outcome: 'failed', reason, exitCode: exitCode ?? null });
      expect(attempt?.message).toMatch(message);
      expect(await lab.store.retrieve(lab.point(2, how))).toBeNull();
    });
  }

  it('each kind of bad run in every slot at once leaves all slots whole', async () => {
    const lab = await openLab(kind, 'any');
    const points = ways.flatMap(({ how }, i) => [
      ...Array.from({ length: kind.slots }, (_, k) => lab.point(100 * i + k, how)),
      lab.point(100 * i + 50),
    ]);
    const outcomes = await lab.sweep(points);
    const expected = ways.flatMap(({ reason }) => [...Array(kind.slots).fill(reason), 'finished']);
    expect(outcomes.map(({ status, error }) => error?.reason ?? status)).toEqual(expected);
    expect(lab.executions()).toHaveLength(points.length);
    await expectWholeSoon(kind);
  });

  if (kind.name === 'inline') return;

  it.each([
    ['throws', 'long after its return'],
    ['rejects', 'nobody waits any more'],
    ['exits', 'process.exit(5)'],
  ])(
    '[bad-runner: late] a run that %s after it returned has its result, and takes no other run along',
    async (how, late) => {
      const lab = await openLab(kind, 'later');
      // In one slot, so that the next runs are in the thread when it happens.
      const outcomes = await lab.sweep([lab.point(1, how), lab.point(2), lab.point(3)], { concurrency: 1 });
      expect(outcomes.map(({ status, error }) => error?.message ?? status)).toEqual(Array(3).fill('finished'));
      const more = await lab.sweep([4, 5, 6, 7].map((n) => lab.point(n)));
      expect(more.map(({ status, error }) => error?.message ?? status)).toEqual(Array(4).fill('finished'));
      expect(lab.executions()).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(await textOf(lab.store.log(lab.idOf(lab.point(1, how))))).toContain(late);
      await expectWholeSoon(kind);
    },
  );

  it('[bad-runner: goes-on-writing] a run that goes on writing after it returned is never served with what it wrote then, and spoils no other', async () => {
    const lab = await openLab(kind, 'later');
    const points = [lab.point(1, 'writes'), lab.point(2), lab.point(3), lab.point(4), lab.point(5)];
    const outcomes = await lab.sweep(points, { concurrency: 1 });
    expect(outcomes.map(({ status }) => status)).toEqual(Array(5).fill('finished'));
    // It wrote while others ran in its thread.
    expect(lab.lines('late').join('').length).toBeGreaterThan(0);
    expect(readFileSync(outcomes[0]?.record?.resultFile as string, 'utf8')).toMatch(/^n = 1(late)+$/);
    const { problems } = await lab.store.verify({ readData: true });
    expect(problems.map(({ kind: what, id }) => [what, id])).toEqual([['edited', outcomes[0]?.id]]);
    expect(await lab.store.retrieve(lab.point(1, 'writes'))).toBeNull();
    for (const n of [2, 3, 4, 5]) {
      expect(readFileSync((await lab.store.retrieve(lab.point(n)))?.resultFile as string, 'utf8')).toBe(`n = ${n}`);
      expect(await textOf(lab.store.log(lab.idOf(lab.point(n))))).toBe('');
    }
    await sleep(1);
  });
}
