// What must be on the disk before a row is committed, read from the calls that were really made: a power cut cannot be had here.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startTrialServer } from './programs.js';
import { type Answer, type Plan, scenarios } from './trials.js';
import { Workbench } from './workbench.js';

const cases: { name: string; plan: Plan }[] = [
  ...['runOrRetrieve', 'a forced re-run', 'a sweep after a kill', 'a run in the way of a foreign file'].map((name) => ({
    name,
    plan: { what: 'none' as const, at: 0 },
  })),
  // The second fsync is that of the folder: the result has its name, and the next try finds it there.
  { name: 'runOrRetrieve', plan: { what: 'EIO', call: 'fs.fsync', at: 2 } },
];

/** Names given before their file was on the disk, and transactions committed before a name was. */
function mistakes({ trace, strikes }: Answer): string[] {
  const synced = new Set<string>();
  const found: string[] = [];
  let newName: string | undefined;
  trace.forEach((step, index) => {
    const [call, file = ''] = step.split(' ');
    const failed = strikes.includes(index);
    const result = /^[0-9a-f]{16}\.\d+\.dat$/.test(file);
    if (call === 'fs.fsync' && !failed) synced.add(file);
    if (/^fs\.(link|rename)$/.test(call as string) && result) {
      if (!synced.has(file)) found.push(`${step} before its fsync`);
      newName = file;
    }
    // A folder that cannot be written ends the attempt; the next one names its file again.
    if (/^fs\.fsync(Now)?$/.test(call as string) && file === 'results') newName = undefined;
    if (call === 'db.COMMIT' && newName !== undefined)
      found.push(`call ${index}, COMMIT, before the name of ${newName}`);
  });
  return found;
}

describe('the order of writes (sqlite)', () => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await Workbench.open({ kind: 'sqlite', durability: 'full' }, inject('postgresUrl'));
  });
  afterAll(() => bench.close());

  it.each(cases)(
    '[I2] [I3] file, name and row reach the disk in this order: $name, $plan.what',
    async ({ name, plan }) => {
      const scenario = scenarios.find((one) => one.name === name);
      if (!scenario) throw new Error(`no scenario ${name}`);
      const site = await (await bench.stores(scenario))();
      const server = startTrialServer();
      const answer = await server.ask(bench.trial(scenario, site, { plan }));
      await server.close();
      expect(answer.trace.filter((step) => /^fs\.link [0-9a-f]{16}/.test(step)).length).toBeGreaterThan(0);
      expect(mistakes(answer)).toEqual([]);
      expect((await bench.judge(scenario, site, 'final')).problems).toEqual([]);
    },
  );
});
