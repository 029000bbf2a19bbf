// A runner that computes for longer than the lease without a turn of the event loop keeps its point: the heartbeat has a thread.
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { startOnce } from './programs.js';
import { idOf, type Scenario, scenarios } from './trials.js';
import { Workbench } from './workbench.js';

const scenario = scenarios.find(({ name }) => name === 'runOrRetrieve') as Scenario;

for (const kind of ['sqlite', 'postgres'] as const) {
  describe(`a run of a function blocks the event loop for three leases (${kind})`, () => {
    let bench: Workbench;
    beforeAll(async () => {
      bench = await Workbench.open({ kind, durability: 'full' }, inject('postgresUrl'));
    });
    afterAll(() => bench.close());

    it('[D7] [fault: blocked] [I5] another process waits for it, and the point is executed once', async () => {
      const site = await (await bench.stores(scenario))();
      const trial = bench.trial(scenario, site, { lease: '2s', spinMs: 6_000 });
      const first = startOnce(trial);
      while (!existsSync(site.log) && first.child.exitCode === null) await pause(20);
      const second = startOnce(trial);
      onTestFinished(() => {
        for (const { child } of [first, second]) child.kill('SIGKILL');
      });
      for (const { ended } of [first, second]) {
        const { code, lines, stderr } = await ended;
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        expect(lines).toContainEqual({ told: idOf(1), status: 'finished' });
        expect(lines.at(-1)).toMatchObject({ errors: [] });
      }
      expect(readFileSync(site.log, 'utf8').split('\n')).toHaveLength(2);
      expect((await bench.judge(scenario, site, 'final')).problems).toEqual([]);
    });
  });
}
