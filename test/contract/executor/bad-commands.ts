// The executor contract for programs: each way in which one can go wrong has its reason, its siblings finish, and every slot is whole
// afterwards. The program is bad.py.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandRunnerOptions, commandRunner } from 'entropic';
import { expect, it } from 'vitest';
import { textOf } from '../../helpers/text.js';
import { expectWholeSoon, type Kind, openLab, until, WHOLE_AGAIN } from './kit.js';

interface Bad {
  how: string;
  reason: string;
  message: RegExp;
  exitCode?: number;
  signal?: string;
}

const BAD: readonly Bad[] = [
  {
    how: 'error',
    reason: 'exit',
    message: /exit code 1; at the end of its standard error:\n {2}Traceback[\s\S]*ValueError: after 100 steps/,
    exitCode: 1,
  },
  { how: 'reject', reason: 'exit', message: /RuntimeError: rejected$/, exitCode: 1 },
  { how: 'garbage', reason: 'exit', message: /exit code 200/, exitCode: 200 },
  { how: 'exit-7', reason: 'exit', message: /exit code 7; it said nothing on standard error$/, exitCode: 7 },
  {
    how: 'exit-0',
    reason: 'no-output',
    message: /the command ended without writing its result: write one file to \{result_file\}/,
  },
  { how: 'nothing', reason: 'no-output', message: /without writing its result/ },
  { how: 'elsewhere', reason: 'no-output', message: /without writing its result/ },
  { how: 'empty', reason: 'no-output', message: /empty result file/ },
  { how: 'folder', reason: 'bad-output', message: /a folder in place of its result file/ },
  { how: 'symlink', reason: 'bad-output', message: /a link in place of its result file/ },
  { how: 'dangling', reason: 'bad-output', message: /a link in place of its result file/ },
  { how: 'segfault', reason: 'signal', message: /ended by SIGSEGV/, signal: 'SIGSEGV' },
  { how: 'killed', reason: 'signal', message: /ended by SIGKILL/, signal: 'SIGKILL' },
  { how: 'forks-and-fails', reason: 'exit', message: /with children/, exitCode: 1 },
];

const LIMIT = 150_000_000;

export function badCommands(kind: Kind): void {
  const openBad = (options: CommandRunnerOptions = {}) => {
    const program = new URL('./bad.py', import.meta.url);
    const runner = commandRunner(['python3', program, '{result_file}', '{how}', '{n}', '{folder}'], options);
    return openLab(kind, 'any', { runner });
  };

  for (const { how, reason, message, exitCode, signal } of BAD) {
    it(`[bad-runner: ${how}] is told as ${reason}`, async () => {
      const lab = await openBad();
      const points = [lab.point(1), lab.point(2, how), lab.point(3), lab.point(4), lab.point(5)];
      const outcomes = await lab.sweep(points, { retries: 0 });
      await expectWholeSoon(kind);
      expect(outcomes.map(({ status }) => status)).toEqual(['finished', 'failed', 'finished', 'finished', 'finished']);
      const error = outcomes[1]?.error;
      expect(error).toMatchObject({ name: 'RunFailedError', code: 'ENTROPIC_RUN_FAILED', reason, attempts: 1 });
      expect(error?.message).toMatch(message);
      expect([error?.exitCode, error?.signal]).toEqual([exitCode, signal]);
      expect(lab.executions()).toEqual([1, 2, 3, 4, 5]);
      const [attempt] = await lab.store.attempts(lab.idOf(points[1] as never));
      expect(attempt).toMatchObject({ outcome: 'failed', reason, exitCode: exitCode ?? null, signal: signal ?? null });
      expect(attempt?.message).toMatch(message);
      expect(await lab.store.retrieve(lab.point(2, how))).toBeNull();
      expectGone(lab.lines('children'));
    });
  }

  it('each kind of bad run in every slot at once leaves all slots whole', async () => {
    const lab = await openBad();
    const points = BAD.flatMap(({ how }, i) => [
      ...Array.from({ length: kind.slots }, (_, k) => lab.point(100 * i + k, how)),
      lab.point(100 * i + 50),
    ]);
    const outcomes = await lab.sweep(points, { retries: 0 });
    const expected = BAD.flatMap(({ reason }) => [...Array(kind.slots).fill(reason), 'finished']);
    expect(outcomes.map(({ status, error }) => error?.reason ?? status)).toEqual(expected);
    expect(lab.executions()).toHaveLength(points.length);
    await expectWholeSoon(kind);
  });

  it.each(['heap', 'off-heap'])(
    `[bad-runner: %s] beyond its memoryLimit is told as oom, with peak and limit`,
    async (how) => {
      const lab = await openBad({ memoryLimit: LIMIT });
      const outcomes = await lab.sweep([lab.point(1), lab.point(2, how), lab.point(3)], { timeout: 50 });
      await expectWholeSoon(kind);
      expect(outcomes.map(({ status }) => status)).toEqual(['finished', 'failed', 'finished']);
      const error = outcomes[1]?.error;
      expect(error).toMatchObject({ reason: 'oom', limit: LIMIT, attempts: 1 });
      expect(error?.peakBytes).toBeGreaterThan(LIMIT);
      expect(error?.peakBytes).toBeLessThan(3 * LIMIT);
      expect(error?.message).toMatch(/used \d+ MB, more than its memoryLimit of 150 MB/);
      const [attempt] = await lab.store.attempts(lab.idOf(lab.point(2, how)));
      expect(attempt).toMatchObject({ reason: 'oom', peakBytes: error?.peakBytes });
      expectGone(lab.lines('children'));
    },
  );

  it('[bad-runner: endless] a deaf one frees its slot a grace of 5 s after its timeout of 1 s', async () => {
    const lab = await openBad();
    const sweep = lab.sweep([lab.point(1, 'endless'), lab.point(2), lab.point(3)], { timeout: 1, concurrency: 1 });
    await until('its start', () => lab.executions().length > 0);
    const started = performance.now();
    const outcomes = await sweep;
    expect(performance.now() - started).toBeLessThan(1000 + 5000 + WHOLE_AGAIN);
    expect(outcomes.map(({ status, error }) => error?.reason ?? status)).toEqual(['timeout', 'finished', 'finished']);
    await expectWholeSoon(kind);
  });

  it('[bad-runner: forks] has its result, and leaves no child behind', async () => {
    const lab = await openBad();
    const [outcome] = await lab.sweep([lab.point(1, 'forks')]);
    expect(outcome?.status).toBe('finished');
    expect(lab.lines('children')).toHaveLength(6);
    expectGone(lab.lines('children'));
    await expectWholeSoon(kind);
  });

  it('[bad-runner: late] [bad-runner: goes-on-writing] what it left behind to go on writing is gone before the result is sealed', async () => {
    const lab = await openBad();
    const [outcome] = await lab.sweep([lab.point(1, 'late')]);
    expect(outcome?.status).toBe('finished');
    expect(readFileSync(outcome?.record?.resultFile as string, 'utf8')).toMatch(/^whole(late){10,}$/);
    expect(await lab.store.verify({ readData: true })).toEqual({ checked: 1, problems: [] });
    expectGone(lab.lines('children'));
    await expectWholeSoon(kind);
  });

  it('[bad-runner: killed] is tried once more as it is told; the second time its point is in quarantine', async () => {
    const lab = await openBad();
    const points = [lab.point(1), lab.point(2, 'killed'), lab.point(3), lab.point(4)];
    const outcomes = await lab.sweep(points, { retries: 5 });
    expect(outcomes.map(({ error, status }) => error?.reason ?? status)).toEqual([
      ...['finished', 'signal', 'finished', 'finished'],
    ]);
    expect(outcomes[1]?.error).toMatchObject({ signal: 'SIGKILL', attempts: 2 });
    expect(lab.executions()).toEqual([1, 2, 2, 3, 4]);
    const quarantined = () => lab.events.filter(({ type }) => type === 'run.quarantined');
    await until('the event', () => quarantined().length > 0);
    expect(quarantined()).toMatchObject([{ id: outcomes[1]?.id, reason: 'signal', deaths: 2 }]);
    await expectWholeSoon(kind);
  });

  it('its log has all that it printed, whatever the bytes', async () => {
    const lab = await openBad();
    const point = lab.point(1, 'garbage');
    await lab.sweep([point]);
    const file = join(lab.resultsDir, '.entropic', 'logs', `${lab.idOf(point)}.1.log`);
    expect(readFileSync(file)).toHaveLength(512_000);
    expect((await textOf(lab.store.log(lab.idOf(point)))).length).toBeGreaterThan(100_000);
  });

  it('what it wrote elsewhere is gone with it: its folder was private', async () => {
    const lab = await openBad();
    await lab.sweep([lab.point(1, 'elsewhere'), lab.point(2)]);
    const found = readdirSync(lab.resultsDir, { recursive: true }) as string[];
    expect(found.filter((name) => name.includes('work') || name.endsWith('result.dat'))).toEqual([]);
    await lab.store.close();
    expect(existsSync(join(lab.resultsDir, '.tmp')) ? readdirSync(join(lab.resultsDir, '.tmp')) : []).toEqual([]);
  });
}

/** A zombie, which only waits for somebody to ask for its end, is gone. */
function expectGone(pids: readonly string[]): void {
  const alive = pids.filter((pid) => {
    if (process.platform !== 'linux') return isThere(Number(pid));
    if (!existsSync(`/proc/${pid}/stat`)) return false;
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  });
  expect(alive).toEqual([]);
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
