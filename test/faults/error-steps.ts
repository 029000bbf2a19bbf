// The disk says EIO, ENOSPC or EDQUOT at every call that a command makes: coded errors, no crash, and the same store goes on when the
// disk is well again. Python is the judge.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { complaintsAbout, mayRunAgain } from './complaints.js';
import { startTrialServer } from './programs.js';
import { plansFor, randomFrom, sample, seed, timeout } from './sampling.js';
import { idOf, type Plan, type Scenario, type Site, scenarios, type What } from './trials.js';
import { Workbench, type WorkbenchOptions } from './workbench.js';

export interface ErrorOptions extends WorkbenchOptions {
  /** Of each kind in each scenario, in a normal run. */
  faults: number;
  only?: readonly string[];
}

interface Kind {
  title: string;
  whats(call: string): What[];
  lasting?: true;
  on?: 'postgres';
}

const NEED_SPACE = /^fs\.(makeDir|writeNew|openAppend|append|link|rename|fsync|fsyncNow)$|^db\.(COMMIT|statement)$/;

const kinds: Kind[] = [
  { title: 'EIO', whats: (call) => (call.startsWith('user.') ? [] : ['EIO']) },
  { title: 'ENOSPC and EDQUOT', whats: (call) => (NEED_SPACE.test(call) ? ['ENOSPC', 'EDQUOT'] : []) },
  { title: 'ENOSPC until freed', whats: (call) => (NEED_SPACE.test(call) ? ['ENOSPC'] : []), lasting: true },
  {
    title: 'lost answer',
    whats: (call) => (call.startsWith('db.') && call !== 'db.ROLLBACK' ? ['lost-after'] : []),
    on: 'postgres',
  },
];

export function describeErrors(title: string, options: ErrorOptions): void {
  describe(title, () => {
    let bench: Workbench;
    beforeAll(async () => {
      bench = await Workbench.open(options, inject('postgresUrl'));
    });
    afterAll(() => bench.close());

    const tags = `[fault: EIO] [fault: ENOSPC] ${options.kind === 'postgres' ? '[fault: lost answer] ' : ''}`;
    const chosen = scenarios.filter(({ name }) => options.only?.includes(name) ?? true);
    for (const scenario of chosen) {
      it(
        `${tags}[I1] [I2] [I3] [I4] [I5] [I6] [I7] ${scenario.name} says what is wrong and goes on when the disk is well`,
        async () => {
          const fresh = await bench.stores(scenario);
          const trace = await bench.trace(scenario, await fresh());
          const random = randomFrom(seed + scenarios.indexOf(scenario));
          const plans: Plan[] = [];
          for (const kind of kinds.filter(({ on }) => on === undefined || on === options.kind)) {
            const all = plansFor(trace, kind.whats).map((plan) => (kind.lasting ? { ...plan, lasting: true } : plan));
            const tried = sample(all, options.faults, random);
            plans.push(...tried);
            console.log(`${scenario.name}, ${kind.title}: ${tried.length} of ${all.length}`);
          }
          const { problems, struck } = await failEverywhere(bench, scenario, fresh, plans);
          console.log(`${scenario.name}: ${struck} faults (seed ${seed})`);
          expect(problems).toEqual([]);
          expect(struck).toBeGreaterThanOrEqual(plans.length * 0.3);
        },
        timeout,
      );
    }
  });
}

interface Failed {
  plan: Plan;
  site: Site;
  told: string[];
  mayRunAgain: Set<string>;
}

async function failEverywhere(bench: Workbench, scenario: Scenario, fresh: () => Promise<Site>, plans: Plan[]) {
  const problems: string[] = [];
  const complain = ({ what, call, at }: Plan, found: readonly string[]) =>
    problems.push(...found.map((one) => `${what} at ${call} #${at}: ${one}`));

  const failed: Failed[] = [];
  let struck = 0;
  const first = startTrialServer(bench.dbUrl);
  for (const plan of plans) {
    const site = await fresh();
    const answer = await first.ask(bench.trial(scenario, site, { plan }));
    if (answer.struck) struck++;
    complain(plan, complaintsAbout(answer, plan));
    const told = answer.outcomes.filter(({ status }) => status === 'finished' || status === 'cached');
    failed.push({ plan, site, told: told.map(({ id }) => id), mayRunAgain: mayRunAgain(answer) });
  }
  // What the failing process could not remove goes when it is gone.
  await first.close();

  for (const { plan, site, told, mayRunAgain } of failed) {
    const more = { told, mayRunAgain: [...mayRunAgain], doubtful: mayRunAgain.size };
    const before = await bench.judge(scenario, site, 'killed', more);
    complain(plan, before.problems);
    for (const id of scenario.ns.map(idOf)) {
      const most =
        (scenario.judge?.forced || scenario.judge?.deleted ? 2 : 1) + (needsTwo(scenario, id, mayRunAgain) ? 1 : 0);
      const executions = before.executions[id] ?? 0;
      if (executions > most) complain(plan, [`${id} was executed ${executions} times, ${most} are enough`]);
    }
    const again = await bench.server.ask(bench.trial(scenario, site));
    complain(plan, complaintsAbout(again, undefined));
    const after = await bench.judge(scenario, site, 'final', more);
    complain(plan, after.problems);
    if (before.problems.length + after.problems.length === 0) await bench.remove(site);
  }
  return { problems, struck };
}

/** A forced command that fails is a forced command again when it is repeated. */
function needsTwo(scenario: Scenario, id: string, mayRunAgain: ReadonlySet<string>): boolean {
  return scenario.judge?.forced !== undefined || mayRunAgain.has(id);
}
