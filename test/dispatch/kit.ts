// What the tests of retries, priorities and limits share: a store of simulations.mjs, and what it tells.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  defineResult,
  int,
  type ModuleRunnerOptions,
  moduleRunner,
  Store,
  type StoreEvent,
  type SweepOutcome,
  text,
} from 'entropic';
import { expect } from 'vitest';
import type { Place } from '../helpers/databases.js';

const simulations = new URL('./simulations.mjs', import.meta.url);

export const Model = defineResult('tried', {
  n: int(),
  how: text({ default: '' }),
  times: int({ default: 0 }),
  folder: text(),
});
export type Point = { n: number; how?: string; times?: number; folder: string };
export type Outcome = SweepOutcome<Required<Point>>;

export async function openTried(place: Place, options: ModuleRunnerOptions = {}) {
  const { resultsDir, dbUrl } = place;
  const store = await Store.open({ model: Model, runner: moduleRunner(simulations, options), resultsDir, dbUrl });
  const events: StoreEvent[] = [];
  const listening = (async () => {
    for await (const event of store.events) events.push(event);
  })();
  return Object.assign(store, {
    /** What it told, until it was closed. */
    told: async () => {
      await store.close();
      await listening;
      return events;
    },
    sofar: events,
  });
}

/** Outcomes by n. */
export async function outcomesOf(sweep: AsyncIterable<Outcome>): Promise<Map<number, Outcome>> {
  const outcomes = new Map<number, Outcome>();
  for await (const outcome of sweep) outcomes.set(outcome.params.n, outcome);
  return outcomes;
}

/** The n of each execution, in their order. */
export function executionsIn({ folder }: Place): number[] {
  const file = join(folder, 'executions');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').map(Number) : [];
}

/** Attempts of a point as another program reads them: the reason of each, or `finished`. Each had a lease of its own. */
export async function attemptsOf(place: Place, id: string | undefined): Promise<string[]> {
  const rows = await place.sql(
    'SELECT attempt, fence, outcome, reason FROM entropic_attempts WHERE id = ? ORDER BY attempt',
    [id],
  );
  const fences = rows.map(([, fence]) => Number(fence));
  expect(rows.map(([attempt]) => Number(attempt))).toEqual(rows.map((_, i) => i + 1));
  expect(fences).toEqual([...new Set(fences)].sort((one, other) => one - other));
  return rows.map(([, , outcome, reason]) => String(reason ?? outcome));
}

export async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 30_000; !holds(); await sleep(5)) {
    if (Date.now() > end) throw new Error(`waited 30 s for ${what}`);
  }
}

/** No lease is left. */
export async function leasesOf(place: Place): Promise<number> {
  const [row] = await place.sql('SELECT count(*) FROM entropic_leases');
  return Number(row?.[0]);
}
