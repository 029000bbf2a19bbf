// The disk says EIO, ENOSPC or EDQUOT at every call that a command makes: coded errors, no crash, and the same store goes on when the
// disk is well again. Python is the judge.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { complaintsAbout, mayRunAgain } from './complaints.js';
import { startTrialServer } from './programs.js';
import { plansFor, randomFrom, sample, seed } from './sampling.js';
import { idOf, type Plan, type Scenario, type Site, scenarios, type What } from './trials.js';
import { Workbench, type WorkbenchOptions } from './workbench.js';

export interface ErrorOptions extends WorkbenchOptions {
  /** Of each scenario and kind, in a normal run. */
  faults: number;
  only?: readonly string[];
}

interface Kind {
  tag: string;
  title: string;
  whats(call: string): What[];
  lasting?: true;
  on?: 'postgres';
}

const NEED_SPACE = /^fs\.(makeDir|writeNew|openAppend|append|link|rename|fsync|fsyncNow)$|^db\.(COMMIT|statement)$/;

const kinds: Kind[] = [
  { tag: 'EIO', title: 'EIO once', whats: (call) => (call.startsWith('user.') ? [] : ['EIO']) },
  { tag: 'ENOSPC', title: 'ENOSPC once', whats: (call) => (NEED_SPACE.test(call) ? ['ENOSPC', 'EDQUOT'] : []) },
  {
    tag: 'ENOSPC',
    title: 'ENOSPC until space is freed',
    whats: (call) => (NEED_SPACE.test(call) ? ['ENOSPC'] : []),
    lasting: true,
  },
  {
    tag: 'lost answer',
    title: 'the answer to a statement lost',
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

    const chosen = scenarios.filter(({ name }) => options.only?.includes(name) ?? true);
    for (const scenario of chosen) {
      for (const kind of kinds.filter(({ on }) => on === undefined || on === options.kind)) {
        it(`[fault: ${kind.tag}] [I1] [I2] [I3] [I4] [I5] [I6] [I7] ${scenario.name} says what is wrong and goes on (${kind.title})`, async () => {
          const { problems, struck, plans, tried } = await failEverywhere(bench, scenario, kind, options.faults);
          console.log(`${scenario.name}, ${kind.title}: ${struck} of ${plans} (seed ${seed})`);
          expect(problems).toEqual([]);
          expect(struck).toBeGreaterThanOrEqual(tried * 0.3);
        });
      }
    }
  });
}

interface Failed {
  plan: Plan;
  site: Site;
  told: string[];
  mayRunAgain: Set<string>;
}

async function failEverywhere(bench: Workbench, scenario: Scenario, kind: Kind, count: number) {
  const fresh = await bench.stores(scenario);
  const all = plansFor(await bench.trace(scenario, await fresh()), kind.whats);
  const plans = kind.lasting ? all.map((plan) => ({ ...plan, lasting: true })) : all;
  const tried = sample(plans, count, randomFrom(seed + scenarios.indexOf(scenario)));
  const problems: string[] = [];
  const complain = ({ what, call, at }: Plan, found: readonly string[]) =>
    problems.push(...found.map((one) => `${what} at ${call} #${at}: ${one}`));

  const failed: Failed[] = [];
  let struck = 0;
  const first = startTrialServer(bench.dbUrl);
  for (const plan of tried) {
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
  return { problems, struck, plans: plans.length, tried: tried.length };
}

/** A forced command that fails is a forced command again when it is repeated. */
function needsTwo(scenario: Scenario, id: string, mayRunAgain: ReadonlySet<string>): boolean {
  return scenario.judge?.forced !== undefined || mayRunAgain.has(id);
}
