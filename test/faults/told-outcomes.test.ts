// A process is killed by itself the moment it has printed an outcome: what was said to be finished is there, row and file.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startOnce } from './programs.js';
import { eachOf } from './sampling.js';
import { type Scenario, scenarios } from './trials.js';
import { Workbench } from './workbench.js';

const forTwenty: Scenario = { ...named('a sweep'), ns: Array.from({ length: 20 }, (_, n) => n) };
/** Twenty outcomes of a sweep, and the one of each call that has one. */
const trials = [
  ...forTwenty.ns.map((_, nth) => ({ scenario: forTwenty, at: nth + 1 })),
  ...['runOrRetrieve', 'a forced re-run', 'register'].map((name) => ({ scenario: named(name), at: 1 })),
];

function named(name: string): Scenario {
  return scenarios.find((scenario) => scenario.name === name) as Scenario;
}

for (const kind of ['sqlite', 'postgres'] as const) {
  describe(`a process is killed as it prints an outcome (${kind})`, () => {
    let bench: Workbench;
    beforeAll(async () => {
      bench = await Workbench.open({ kind, durability: 'full' }, inject('postgresUrl'));
    });
    afterAll(() => bench.close());

    it('[fault: kill] [fault: told] [I2] [I3] what it printed as finished has its row and its file', async () => {
      const problems: string[] = [];
      // Postgres commits in the same order by the same code: every fourth is enough there.
      const tried = kind === 'sqlite' ? trials : trials.filter((_, nth) => nth % 4 === 3 || nth >= 20);
      await eachOf(tried, 2, async ({ scenario, at }) => {
        const site = await (await bench.stores(scenario))();
        const plan = { what: 'kill-after', call: 'user.told', at } as const;
        const { signal, lines, stderr } = await startOnce(bench.trial(scenario, site, { plan })).ended;
        const told = lines.flatMap((line) => (line.told ? [String(line.told)] : []));
        if (signal !== 'SIGKILL' || told.length !== at) problems.push(`${scenario.name}: ${signal}, ${told} ${stderr}`);
        const verdict = await bench.judge(scenario, site, 'killed', { told });
        problems.push(...verdict.problems.map((problem) => `${scenario.name}, outcome ${at}: ${problem}`));
        if (verdict.rows < at) problems.push(`${scenario.name}: ${at} printed, ${verdict.rows} rows`);
      });
      expect(problems).toEqual([]);
    });
  });
}
