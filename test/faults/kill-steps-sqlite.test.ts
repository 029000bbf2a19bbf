// SIGKILL before, within and after every call that a command makes, then the same command in another process; Python is the judge.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type JudgeServer, startJudge, startOnce, startTrialServer, type TrialServer } from './programs.js';
import { eachOf, plansFor, randomFrom, seed, stratified } from './sampling.js';
import {
  copyStore,
  judgeRequest,
  layOut,
  type Plan,
  type Scenario,
  scenarios,
  sqliteSite,
  trialOf,
  type What,
} from './trials.js';

/** In a normal run, of about 1,300 in all. */
const KILLS_A_SCENARIO = 26;
const HALVES = new Set(['fs.append', 'fs.writeNew']);
const kills = (call: string): What[] =>
  HALVES.has(call) ? ['kill-before', 'kill-half', 'kill-after'] : ['kill-before', 'kill-after'];

let root: string;
let judge: JudgeServer;
let server: TrialServer;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'entropic-kill-'));
  judge = startJudge();
  server = startTrialServer();
});

afterAll(async () => {
  await judge.close();
  await server.close();
  await rm(root, { recursive: true, force: true });
});

describe('a process is killed at every step (sqlite)', () => {
  scenarios.forEach((scenario, index) => {
    it(`[fault: kill] [I1] [I2] [I3] [I4] [I5] [I6] [I7] ${scenario.name} killed anywhere is completed by the same command`, async () => {
      const template = join(root, `template-${index}`);
      await prepare(scenario, template);
      const { trace } = await counted(scenario, template);
      const plans = plansFor(trace, kills);
      const chosen = stratified(plans, KILLS_A_SCENARIO, randomFrom(seed + index));
      const killedAt: string[] = [];
      const problems: string[] = [];
      await eachOf(chosen, 2, async (plan, trial) => {
        const found = await killAndRepeat(scenario, template, plan, `${index}-${trial}`);
        if (found.killedAt) killedAt.push(found.killedAt);
        problems.push(...found.problems);
      });
      console.log(`${scenario.name}: ${killedAt.length} kills of ${plans.length} (seed ${seed})`);
      expect(problems).toEqual([]);
      // Which commits share a group is a matter of milliseconds, so a few steps are not reached every time.
      expect(killedAt.length).toBeGreaterThanOrEqual(chosen.length * 0.7);
    });
  });
});

/** The store as it is before the command: made once, copied for each trial. */
async function prepare(scenario: Scenario, folder: string): Promise<void> {
  const site = sqliteSite(folder);
  layOut(scenario, site);
  for (const { plan, ...command } of scenario.before ?? []) {
    if (plan) expect((await startOnce(trialOf(command, site, { plan })).ended).signal).toBe('SIGKILL');
    else expect((await server.ask(trialOf(command, site))).errors).toEqual([]);
  }
}

async function counted(scenario: Scenario, template: string) {
  const site = sqliteSite(`${template}-counted`);
  copyStore(template, site.folder);
  const answer = await server.ask(trialOf(scenario, site, { plan: { what: 'none', at: 0 } }));
  expect(answer.errors).toEqual([]);
  return answer;
}

async function killAndRepeat(scenario: Scenario, template: string, plan: Plan, name: string) {
  const site = sqliteSite(join(root, `trial-${name}`));
  copyStore(template, site.folder);
  if (scenario.before?.some((command) => command.plan)) await judge.ask(judgeRequest(scenario, site, 'killed'));
  const { signal, code, lines, stderr } = await startOnce(trialOf(scenario, site, { plan })).ended;
  const problems: string[] = [];
  const killedAt = lines.find((line) => 'killedAt' in line)?.killedAt as string | undefined;
  if (signal !== 'SIGKILL' && code !== 0) problems.push(`it ended with ${signal ?? code}: ${stderr}`);
  if ((signal === 'SIGKILL') !== (killedAt !== undefined))
    problems.push(`ended by ${signal}, but killed at ${killedAt}`);
  const told = lines.flatMap((line) => (line.told && line.status === 'finished' ? [String(line.told)] : []));
  problems.push(...(await judge.ask(judgeRequest(scenario, site, 'killed', { told }))).problems);
  // Untouched: the command ended; run again it finds nothing to do, forced commands apart.
  const again = await server.ask(trialOf(scenario, site));
  for (const error of again.errors) problems.push(`the second command: ${error.message}`);
  problems.push(...again.unhandled);
  // A lease of the dead process would have been waited for.
  if (again.seconds > 10) problems.push(`the second command took ${again.seconds} s`);
  problems.push(...(await judge.ask(judgeRequest(scenario, site, 'final', { told }))).problems);
  if (problems.length === 0) await rm(site.folder, { recursive: true, force: true });
  return {
    killedAt,
    problems: problems.map((problem) => `${plan.what} ${plan.call} #${plan.at} (${killedAt}): ${problem}`),
  };
}
