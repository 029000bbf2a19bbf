// System calls that really fail, or never return: strace injects an error or SIGKILL into a process that sweeps; then the same
// command runs untouched in another process. Python is the judge.
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type JudgeServer, startJudge, startOnce, startTrialServer, type TrialServer } from './programs.js';
import { eachOf, randomFrom, sample, seed } from './sampling.js';
import { missing } from './tools.js';
import {
  type Answer,
  copyStore,
  idOf,
  judgeRequest,
  layOut,
  type Scenario,
  type Site,
  sqliteSite,
  type Trial,
  trialOf,
} from './trials.js';

/** The same call has several names on other machines and in other Node versions. */
const CALLS: Record<string, string> = {
  fsync: 'fsync,fdatasync',
  link: '?link,linkat',
  rename: '?rename,?renameat,renameat2',
  pwrite: 'pwrite64',
};
const ALL_CALLS = Object.values(CALLS).join(',');

const four = [1, 2, 3, 4];
const sweep: Scenario = { name: 'a sweep', action: 'sweep', ns: four };
const forced: Scenario = {
  name: 'a forced sweep',
  action: 'sweepForced',
  ns: four,
  before: [{ action: 'sweep', ns: four }],
  judge: { forced: four },
};

let root: string;
let judge: JudgeServer;
let server: TrialServer;
let reason: string | undefined;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'entropic-strace-'));
  judge = startJudge();
  server = startTrialServer();
  const probe = strace({ log: join(root, 'probe'), inject: `${CALLS.fsync}:error=EIO:when=1` });
  reason = missing(probe[0] as string, [...probe.slice(1), process.execPath, '-e', '']);
});

afterAll(async () => {
  await judge.close();
  await server.close();
  await rm(root, { recursive: true, force: true });
});

interface Injection {
  scenario: Scenario;
  call: string;
  what: string;
  when: number;
}

/** strace counts the calls of each thread apart, so there is one thread for the fsyncs that Node does in its pool. */
function strace({ log, inject }: { log: string; inject?: string }): string[] {
  const options = ['-f', '-qq', '-y', '-E', 'UV_THREADPOOL_SIZE=1', '-o', log];
  return [
    'strace',
    ...options,
    '-e',
    `trace=${ALL_CALLS}`,
    ...(inject === undefined ? [] : ['-e', `inject=${inject}`]),
  ];
}

async function prepare(scenario: Scenario, folder: string): Promise<Site> {
  const site = sqliteSite(folder);
  layOut(scenario, site);
  for (const command of scenario.before ?? []) {
    expect((await server.ask(trialOf(command, site))).errors).toEqual([]);
  }
  return site;
}

async function traced(scenario: Scenario, site: Site, inject?: string, more: Partial<Trial> = {}) {
  const log = `${site.folder}.strace`;
  const wrap = strace({ log, ...(inject === undefined ? {} : { inject }) });
  const ended = await startOnce(trialOf(scenario, site, more), { wrap }).ended;
  const calls = existsSync(log) ? wholeLines(readFileSync(log, 'utf8')) : [];
  return { ...ended, calls, injected: calls.filter((line) => line.includes('(INJECTED)')) };
}

/** A call during which another thread was heard of stands in two lines: its beginning with its path, its end with its result. */
function wholeLines(text: string): string[] {
  const begun = new Map<string, string>();
  return text.split('\n').flatMap((line) => {
    const thread = line.split(' ')[0] as string;
    if (line.endsWith('<unfinished ...>')) {
      begun.set(thread, line);
      return [];
    }
    return line.includes(' resumed>') ? [`${begun.get(thread)} ${line}`] : [line];
  });
}

/** How often the thread that calls it most calls each. */
async function countCalls(scenario: Scenario, template: string): Promise<(call: string) => number> {
  const site = sqliteSite(`${template}-counted`);
  copyStore(template, site.folder);
  const { code, calls } = await traced(scenario, site);
  expect(code).toBe(0);
  return (call) => {
    const names = new Set((CALLS[call] as string).replaceAll('?', '').split(','));
    const counts = new Map<string, number>();
    for (const line of calls) {
      const [, thread, name] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
      if (thread && names.has(name as string)) counts.set(thread, (counts.get(thread) ?? 0) + 1);
    }
    return Math.max(0, ...counts.values());
  };
}

/** Ids of points whose own result file could not be fsynced. */
function doubted(injected: readonly string[]): Set<string> {
  return new Set(injected.flatMap((line) => /sync\(\d+<.*\/([0-9a-f]{16})\.\d+\.dat>/.exec(line)?.[1] ?? []));
}

/**
 * Two threads may meet their fault in one trial: a commit fails, and then the fsync when it is tried again. The file, which has its
 * final name already, is then not trusted, and kept aside when its point runs again.
 */
function setAside(problem: string, untrusted: ReadonlySet<string>): boolean {
  const ids = [...problem.matchAll(/[0-9a-f]{16}(?=\.\d{4}-)/g)].map(([id]) => id);
  return problem.startsWith('quarantined: ') && ids.length > 0 && ids.every((id) => untrusted.has(id));
}

async function injectAndRepeat(injection: Injection, template: string, name: string) {
  const { scenario, call, what, when } = injection;
  const site = sqliteSite(join(root, name));
  copyStore(template, site.folder);
  const inject = `${CALLS[call]}:${what}:when=${when}`;
  // A forced sweep that is repeated in the same process runs all points once more, which the judge cannot tell from a fault.
  const { code, signal, lines, stderr, injected } = await traced(scenario, site, inject, {
    retry: scenario.before === undefined,
  });
  const kill = what.startsWith('signal');
  const problems: string[] = [];
  const killed = kill && signal === 'SIGKILL';
  if (!killed && code !== 0) problems.push(`it ended with ${signal ?? code}: ${stderr}`);
  const told = lines.flatMap((line) => (line.told && line.status === 'finished' ? [String(line.told)] : []));
  const between = await judge.ask(judgeRequest(scenario, site, 'killed', { told }));
  problems.push(...between.problems);
  if (code === 0) {
    const { errors, unhandled } = lines.at(-1) as unknown as Answer;
    problems.push(...unhandled);
    for (const error of errors) {
      if (!error.code?.startsWith('ENTROPIC_')) problems.push(`${error.phase}: ${error.name} ${error.message}`);
    }
    const untrusted = doubted(injected);
    for (const [id, count] of Object.entries(between.executions)) {
      if (!scenario.before && count > 1 && !untrusted.has(id)) problems.push(`${id} ran ${count} times`);
    }
  }
  const again = await server.ask(trialOf(scenario, site));
  for (const error of again.errors) problems.push(`the second command: ${error.name} ${error.message}`);
  problems.push(...again.unhandled);
  const final = await judge.ask(judgeRequest(scenario, site, 'final', { told }));
  problems.push(...final.problems.filter((problem) => !setAside(problem, doubted(injected))));
  if (problems.length === 0) await rm(site.folder, { recursive: true, force: true });
  const struck = killed || injected.length > 0;
  return { struck, problems: problems.map((problem) => `${scenario.name}, ${inject}: ${problem}`) };
}

describe('system calls that fail (sqlite)', () => {
  const cases: { scenario: Scenario; tries: [call: string, what: string, count: number][] }[] = [
    {
      scenario: sweep,
      tries: [
        ['fsync', 'error=EIO', 4],
        ['fsync', 'signal=KILL', 4],
        ['link', 'error=EIO', 2],
        ['link', 'signal=KILL', 2],
        ['pwrite', 'error=EIO', 2],
        ['pwrite', 'error=ENOSPC', 2],
        ['pwrite', 'signal=KILL', 2],
      ],
    },
    {
      scenario: forced,
      tries: [
        ['rename', 'error=ENOSPC', 2],
        ['rename', 'signal=KILL', 2],
        ['fsync', 'error=EIO', 2],
        ['fsync', 'signal=KILL', 1],
      ],
    },
  ];
  cases.forEach(({ scenario, tries }, index) => {
    it(`[fault: strace] [I1] [I2] [I3] [I4] [I5] [I6] [I7] ${scenario.name} whose system calls fail or kill it is completed by the same command`, async () => {
      if (reason !== undefined) return void expect(reason).toMatch(/strace/);
      const template = join(root, `template-${index}`);
      await prepare(scenario, template);
      const count = await countCalls(scenario, template);
      const random = randomFrom(seed + index);
      const chosen = tries.flatMap(([call, what, wanted]) => {
        const all = Array.from({ length: count(call) }, (_, n): Injection => ({ scenario, call, what, when: n + 1 }));
        expect(all.length, call).toBeGreaterThan(0);
        return sample(all, wanted, random);
      });
      let struck = 0;
      const problems: string[] = [];
      await eachOf(chosen, 2, async (injection, trial) => {
        const found = await injectAndRepeat(injection, template, `${index}-${trial}`);
        if (found.struck) struck++;
        problems.push(...found.problems);
      });
      console.log(`${scenario.name}: ${struck} of ${chosen.length} injections struck (seed ${seed})`);
      expect(problems).toEqual([]);
      // Which commits share a group is a matter of milliseconds, so the last calls are not made every time.
      expect(struck).toBeGreaterThanOrEqual(chosen.length * 0.6);
    });
  });

  it('[fault: strace] [fault: EIO] a result whose fsync fails is not committed: its point fails with the reason store, and the next sweep runs it again', async () => {
    if (reason !== undefined) return void expect(reason).toMatch(/strace/);
    // The first fsync of the pool's thread is that of the first result. The main thread's first is one of the database's: there is one.
    const before: Scenario['before'] = [{ action: 'sweep', ns: [9] }];
    const scenario: Scenario = { ...sweep, before, ns: [...four, 9] };
    const site = await prepare(scenario, join(root, 'doubtful'));
    const inject = `${CALLS.fsync}:error=EIO:when=1`;
    const { code, stderr, lines, injected } = await traced(scenario, site, inject, { retry: false });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [id, ...others] = doubted(injected);
    expect(others).toEqual([]);
    expect(four.map(idOf)).toContain(id);
    const { errors } = lines.at(-1) as unknown as Answer;
    const failure = errors.find(({ message }) => message.includes(`run ${id}`));
    expect(failure).toMatchObject({
      code: 'ENTROPIC_RUN_FAILED',
      reason: 'store',
      causes: ['ENTROPIC_CONNECTION', 'EIO'],
    });
    const between = await judge.ask(judgeRequest(scenario, site, 'killed'));
    expect(between.problems).toEqual([]);
    expect(between.sealed[id as string]).toBeUndefined();
    expect(existsSync(join(site.resultsDir, `${id}.dat`))).toBe(false);
    const again = await server.ask(trialOf(scenario, site));
    expect([...again.errors, ...again.unhandled]).toEqual([]);
    const final = await judge.ask(judgeRequest(scenario, site, 'final'));
    expect(final.problems).toEqual([]);
    expect(final.executions[id as string]).toBe(2);
  });
});
