// SIGKILL from outside at random moments of a sweep whose runner is a function, often several in a row on one store, then the same
// command; Python is the judge. kill-sweeps.test.ts does the same to sweeps on threads.
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startOnce } from './programs.js';
import { eachOf, full, randomFrom, seed, timeout } from './sampling.js';
import { type Scenario, type Site, scenarios, type Trial } from './trials.js';
import { Workbench } from './workbench.js';

const KILLS = full ? 400 : 40;
const KILLS_A_STORE = 5;
const scenario: Scenario = { ...(scenarios[0] as Scenario), ns: Array.from({ length: 60 }, (_, n) => n) };
const slow: Partial<Trial> = { spinMs: 1 };

let bench: Workbench;

beforeAll(async () => {
  bench = await Workbench.open({ kind: 'sqlite', durability: 'full' }, inject('postgresUrl'));
});

afterAll(() => bench.close());

/** How long the sweep takes from the moment at which its store is open, so that kills fall everywhere in it. */
async function measure(site: Site): Promise<number> {
  let opened = 0;
  const onLine = (line: Record<string, unknown>) => {
    if (line.opened) opened = performance.now();
  };
  await startOnce(bench.trial(scenario, site, slow), { onLine }).ended;
  return performance.now() - opened;
}

describe('a sweep of 60 points is killed at random moments (sqlite)', () => {
  it(
    '[fault: kill] [fault: random kills] [I1] [I2] [I3] [I4] [I5] [I6] [I7] the same command completes it',
    async () => {
      const fresh = await bench.stores(scenario);
      const sweepMs = await measure(await fresh());
      const random = randomFrom(seed);
      const problems: string[] = [];
      let kills = 0;
      const killAndRepeat = async () => {
        const site = await fresh();
        const told = new Set<string>();
        for (let nth = 0; nth < KILLS_A_STORE; nth++) {
          // One in five as the process starts and opens its store: that is when it recovers what the one before it left.
          const opening = random() < 0.2;
          const wait = random() * sweepMs;
          const { child, ended } = startOnce(bench.trial(scenario, site, slow), {
            onLine: async (line, process) => {
              if (line.told) told.add(String(line.told));
              if (!line.opened || opening) return;
              await pause(wait);
              process.kill('SIGKILL');
            },
          });
          if (opening) await pause(random() * 400).then(() => child.kill('SIGKILL'));
          const { signal, code, stderr } = await ended;
          if (signal === 'SIGKILL') kills++;
          else if (code !== 0) problems.push(`it ended with ${signal ?? code}: ${stderr}`);
          problems.push(...(await bench.judge(scenario, site, 'killed', { told: [...told] })).problems);
        }
        const again = await bench.server.ask(bench.trial(scenario, site));
        problems.push(...again.errors.map(({ message }) => message), ...again.unhandled);
        if (again.seconds > 10) problems.push(`the last command took ${again.seconds} s`);
        const { problems: more, executions } = await bench.judge(scenario, site, 'final', { told: [...told] });
        problems.push(...more);
        // One slot: a kill costs one run at most, the one that it interrupts.
        const total = Object.values(executions).reduce((sum, count) => sum + count, 0);
        if (total > 60 + KILLS_A_STORE)
          problems.push(`60 points were executed ${total} times in ${KILLS_A_STORE} kills`);
      };
      while (kills < KILLS && problems.length === 0) {
        await eachOf(Array.from({ length: Math.ceil((KILLS - kills) / KILLS_A_STORE) }), 2, killAndRepeat);
      }
      console.log(`${kills} random kills (seed ${seed})`);
      expect(problems).toEqual([]);
    },
    timeout,
  );
});
