// What the chapters of the executor contract share: stores whose simulation runs inline, in the threads or processes of a client, or
// as a command.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Client,
  type CommandRunner,
  commandRunner,
  defineResult,
  int,
  type JsonValue,
  json,
  type ModuleRunnerOptions,
  moduleRunner,
  Store,
  type StoreEvent,
  type SweepOptions,
  type SweepOutcome,
  text,
} from 'entropic';
import { expect, onTestFinished } from 'vitest';
import { idOf } from '../../helpers/ids.js';

export const simulations = new URL('./simulations.mjs', import.meta.url);
const asCommand = new URL('./as-command.mjs', import.meta.url);

export const Model = defineResult('simulated', {
  n: int(),
  how: text({ default: 'fine' }),
  folder: text(),
  more: json({ default: {} }),
});
export type Point = { n: number; how?: string; folder: string; more?: Record<string, JsonValue> };
type Full = { n: number; how: string; folder: string };

/** How the suite runs its simulations. */
export interface Kind {
  readonly name: 'inline' | 'threads' | 'processes' | 'command';
  /** Slots of one sweep. */
  readonly slots: number;
  /** Of the threads or processes. */
  readonly client: () => Client | undefined;
}

/** A client of this kind. */
export function connect({ name }: Pick<Kind, 'name'>, threads: number): Promise<Client> {
  return Client.connect({ threads, isolation: name === 'processes' ? 'process' : 'thread' });
}

export interface Lab {
  readonly folder: string;
  readonly resultsDir: string;
  readonly store: Awaited<ReturnType<typeof openLabStore>>;
  readonly events: StoreEvent[];
  /** A point of this lab. */
  point(n: number, how?: string, more?: Record<string, JsonValue>): Point;
  idOf(point: Point): string;
  /** Sweeps by the kind's executor; all outcomes, in the order of the points. */
  sweep(points: readonly Point[], options?: SweepOptions): Promise<SweepOutcome<Full>[]>;
  /** Its lines of a file that simulations write to; empty if there is none. */
  lines(name: string): string[];
  /** The n of each execution, sorted. */
  executions(): number[];
}

/** A runner's own options, or another runner in place of the simulation. */
type LabOptions = ModuleRunnerOptions & { runner?: CommandRunner };

/** @param simulation the export of the module */
export async function openLab(
  kind: Kind,
  simulation: string,
  options: LabOptions = {},
  module = simulations,
): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'entropic-executor-'));
  const store = await openLabStore(kind, simulation, folder, options, module);
  const events: StoreEvent[] = [];
  const listening = (async () => {
    for await (const event of store.events) events.push(event);
  })();
  onTestFinished(async () => {
    await store.close();
    await listening;
    // I7: with the store closed, nothing temporary is left.
    const tmp = join(folder, 'results', '.tmp');
    const left = existsSync(tmp) ? readdirSync(tmp) : [];
    rmSync(folder, { recursive: true, force: true });
    expect(left).toEqual([]);
  });
  const lines = (name: string) => {
    const file = join(folder, name);
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  };
  return {
    folder,
    resultsDir: join(folder, 'results'),
    store,
    events,
    point: (n, how, more) => ({ n, folder, ...(how === undefined ? {} : { how }), ...(more ? { more } : {}) }),
    idOf,
    async sweep(points, sweepOptions) {
      const client = kind.client();
      const outcomes = new Map<string, SweepOutcome<Full>>();
      for await (const outcome of store.sweep(points, { ...(client ? { client } : {}), ...sweepOptions }))
        outcomes.set(outcome.id, outcome as SweepOutcome<Full>);
      return points.map((point) => outcomes.get(idOf(point)) as SweepOutcome<Full>);
    },
    lines,
    executions: () =>
      lines('executions')
        .map(Number)
        .sort((a, b) => a - b),
  };
}

async function openLabStore(kind: Kind, simulation: string, folder: string, options: LabOptions, module: URL) {
  mkdirSync(folder, { recursive: true });
  const functions = (await import(module.href)) as Record<string, (params: unknown, run: unknown) => unknown>;
  const { runner: own, ...given } = options;
  const { timeout, retries } = given;
  const runner =
    own ??
    (kind.name === 'inline'
      ? (functions[simulation] as () => unknown)
      : kind.name === 'command'
        ? commandRunner([process.execPath, asCommand, simulation, '{result_file}'], { timeout, retries })
        : moduleRunner(module, { export: simulation, ...given }));
  return Store.open({
    ...{ model: Model, runner, resultsDir: join(folder, 'results'), dbUrl: `sqlite:///${join(folder, 'db')}` },
    // What is safe on a full disk is tested elsewhere.
    durability: 'process',
  });
}

/** Until it holds; generous, for slow machines. */
export async function until(what: string, holds: () => boolean, seconds = 30): Promise<void> {
  for (const end = Date.now() + seconds * 1000; !holds(); await sleep(5)) {
    if (Date.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
  }
}

/** All slots take work again at once: as many runs as there are slots meet each other. */
export async function expectWhole(kind: Kind): Promise<void> {
  const lab = await openLab(kind, 'together');
  const points = Array.from({ length: kind.slots }, (_, i) => lab.point(kind.slots, 'a', { i }));
  const outcomes = await lab.sweep(points, { timeout: 30 });
  expect(outcomes.map(({ status, error }) => error?.message ?? status)).toEqual(points.map(() => 'finished'));
}

/** What a slot may need until it takes the next run, in milliseconds: the product's own number. */
export const WHOLE_AGAIN = 2000;

/** The same, and in two seconds. */
export async function expectWholeSoon(kind: Kind): Promise<void> {
  const started = performance.now();
  await expectWhole(kind);
  expect(performance.now() - started).toBeLessThan(WHOLE_AGAIN);
}
