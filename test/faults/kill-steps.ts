// SIGKILL before, within and after every call that a command makes, then the same command in another process; Python is the judge.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startOnce } from './programs.js';
import { eachOf, plansFor, randomFrom, seed, stratified, timeout } from './sampling.js';
import { type Plan, type Scenario, type Site, scenarios, type What } from './trials.js';
import { Workbench, type WorkbenchOptions } from './workbench.js';

export interface KillOptions extends WorkbenchOptions {
  /** Of each scenario, in a normal run. */
  kills: number;
  /** All by default. */
  only?: readonly string[];
}

const HALVES = new Set(['fs.append', 'fs.writeNew']);
const kinds = (call: string): What[] =>
  HALVES.has(call) ? ['kill-before', 'kill-half', 'kill-after'] : ['kill-before', 'kill-after'];

export function describeKills(title: string, options: KillOptions): void {
  describe(title, () => {
    let bench: Workbench;
    beforeAll(async () => {
      bench = await Workbench.open(options, inject('postgresUrl'));
    });
    afterAll(() => bench.close());

    const chosen = scenarios.filter(({ name }) => options.only?.includes(name) ?? true);
    for (const scenario of chosen) {
      it(
        `[fault: kill] [I1] [I2] [I3] [I4] [I5] [I6] [I7] ${scenario.name}, killed anywhere, is completed by the same command`,
        async () => {
          const fresh = await bench.stores(scenario);
          const plans = plansFor(await bench.trace(scenario, await fresh()), kinds);
          const random = randomFrom(seed + scenarios.indexOf(scenario));
          const tried = stratified(plans, options.kills, random);
          const killedAt: string[] = [];
          const problems: string[] = [];
          await eachOf(tried, 2, async (plan) => {
            const found = await killAndRepeat(bench, scenario, await fresh(), plan);
            if (found.killedAt) killedAt.push(found.killedAt);
            problems.push(...found.problems);
          });
          console.log(`${scenario.name}: ${killedAt.length} kills, of ${plans.length} there are (seed ${seed})`);
          expect(problems).toEqual([]);
          // Which commits share a group is a matter of milliseconds, so a fifth of the steps is not reached every time.
          expect(killedAt.length).toBeGreaterThanOrEqual(tried.length * 0.3);
        },
        timeout,
      );
    }
  });
}

async function killAndRepeat(bench: Workbench, scenario: Scenario, site: Site, plan: Plan) {
  const { signal, code, lines, stderr } = await startOnce(bench.trial(scenario, site, { plan })).ended;
  const problems: string[] = [];
  const killedAt = lines.find((line) => 'killedAt' in line)?.killedAt as string | undefined;
  if (signal !== 'SIGKILL' && code !== 0) problems.push(`it ended with ${signal ?? code}: ${stderr}`);
  if ((signal === 'SIGKILL') !== (killedAt !== undefined)) problems.push(`ended by ${signal}, killed at ${killedAt}`);
  const told = lines.flatMap((line) => (line.told && line.status === 'finished' ? [String(line.told)] : []));
  problems.push(...(await bench.judge(scenario, site, 'killed', { told })).problems);
  const again = await bench.server.ask(bench.trial(scenario, site));
  for (const error of again.errors) problems.push(`the second command: ${error.message}`);
  problems.push(...again.unhandled);
  // A lease of the dead process would have been waited for.
  if (again.seconds > 10) problems.push(`the second command took ${again.seconds} s`);
  problems.push(...(await bench.judge(scenario, site, 'final', { told })).problems);
  if (problems.length === 0) await bench.remove(site);
  return { killedAt, problems: problems.map((one) => `${plan.what} ${plan.call} #${plan.at} (${killedAt}): ${one}`) };
}
