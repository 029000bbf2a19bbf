// The disk says EIO, ENOSPC or EDQUOT at every call that a command makes: coded errors, no crash, and the same store goes on when the
// disk is well again. Python is the judge.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { complaintsAbout, mayRunAgain } from './complaints.js';
import { type JudgeServer, startJudge, startOnce, startTrialServer, type TrialServer } from './programs.js';
import { plansFor, randomFrom, sample, seed } from './sampling.js';
import {
  copyStore,
  idOf,
  judgeRequest,
  layOut,
  type Plan,
  type Scenario,
  type Site,
  scenarios,
  sqliteSite,
  trialOf,
  type What,
} from './trials.js';

const FAULTS_A_SCENARIO = 90;
const NEED_SPACE = /^fs\.(makeDir|writeNew|openAppend|append|link|rename|fsync|fsyncNow)$|^db\.(COMMIT|statement)$/;

const kinds: { tag: string; whats(call: string): What[]; lasting?: true }[] = [
  { tag: 'EIO', whats: (call) => (call.startsWith('run.') ? [] : ['EIO']) },
  { tag: 'ENOSPC', whats: (call) => (NEED_SPACE.test(call) ? ['ENOSPC', 'EDQUOT'] : []) },
  { tag: 'ENOSPC', whats: (call) => (NEED_SPACE.test(call) ? ['ENOSPC'] : []), lasting: true },
];

let root: string;
let judge: JudgeServer;
let trials = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'entropic-error-'));
  judge = startJudge();
});

afterAll(async () => {
  await judge.close();
  await rm(root, { recursive: true, force: true });
});

describe('the disk fails at every step (sqlite)', () => {
  scenarios.forEach((scenario, index) => {
    for (const kind of kinds) {
      const how = kind.lasting ? 'until it is freed' : 'once';
      it(`[fault: ${kind.tag}] [I1] [I2] [I3] [I4] [I5] [I6] [I7] ${scenario.name} says what is wrong and goes on, ${kind.tag} ${how}`, async () => {
        const template = join(root, `template-${trials++}`);
        const first = startTrialServer();
        const trace = await prepare(scenario, template, first);
        const plans = plansFor(trace, kind.whats).map((plan) => (kind.lasting ? { ...plan, lasting: true } : plan));
        const chosen = sample(plans, FAULTS_A_SCENARIO, randomFrom(seed + index));
        const sites = chosen.map(() => sqliteSite(join(root, `trial-${trials++}`)));
        const problems: string[] = [];
        let struck = 0;
        const complain = (plan: Plan, found: readonly string[]) =>
          problems.push(...found.map((one) => `${plan.what} at ${plan.call} #${plan.at}: ${one}`));
        const told: string[][] = [];
        const allowed: Set<string>[] = [];
        for (const [i, plan] of chosen.entries()) {
          const site = sites[i] as Site;
          copyStore(template, site.folder);
          if (scenario.before?.some((command) => command.plan)) await judge.ask(judgeRequest(scenario, site, 'killed'));
          const answer = await first.ask(trialOf(scenario, site, { plan }));
          if (answer.struck) struck++;
          complain(plan, complaintsAbout(answer, plan));
          told[i] = answer.outcomes.flatMap(({ id, status }) =>
            status === 'finished' || status === 'cached' ? [id] : [],
          );
          allowed[i] = mayRunAgain(answer);
        }
        // What the failing process could not remove goes when it is gone.
        await first.close();
        const second = startTrialServer();
        for (const [i, plan] of chosen.entries()) {
          const site = sites[i] as Site;
          const before = await judge.ask(judgeRequest(scenario, site, 'killed', { told: told[i] ?? [] }));
          complain(plan, before.problems);
          const once = scenario.before && scenario.judge ? 2 : 1;
          for (const n of scenario.ns) {
            const most = once + (allowed[i]?.has(idOf(n)) || scenario.judge?.forced ? 1 : 0);
            const count = before.executions[idOf(n)] ?? 0;
            if (count > most) complain(plan, [`${idOf(n)} was executed ${count} times, at most ${most} are needed`]);
          }
          const again = await second.ask(trialOf(scenario, site));
          complain(plan, complaintsAbout(again, undefined));
          complain(plan, (await judge.ask(judgeRequest(scenario, site, 'final', { told: told[i] ?? [] }))).problems);
        }
        await second.close();
        console.log(`${scenario.name}: ${struck} of ${plans.length} ${kind.tag} ${how} (seed ${seed})`);
        expect(problems).toEqual([]);
        expect(struck).toBeGreaterThanOrEqual(chosen.length * 0.7);
      });
    }
  });
});

/** The store as it is before the command, and the calls of the command when nothing goes wrong. */
async function prepare(scenario: Scenario, template: string, server: TrialServer): Promise<string[]> {
  const site = sqliteSite(template);
  layOut(scenario, site);
  for (const { plan, ...command } of scenario.before ?? []) {
    if (plan) expect((await startOnce(trialOf(command, site, { plan })).ended).signal).toBe('SIGKILL');
    else expect((await server.ask(trialOf(command, site))).errors).toEqual([]);
  }
  const counted = sqliteSite(`${template}-counted`);
  copyStore(template, counted.folder);
  const answer = await server.ask(trialOf(scenario, counted, { plan: { what: 'none', at: 0 } }));
  expect(answer.errors).toEqual([]);
  return answer.trace;
}
