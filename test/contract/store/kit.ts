// What the contract is told with: the quickstart's own model and runner, and a store on a place of the test.
import { readFileSync, writeFileSync } from 'node:fs';
import {
  type AnyModel,
  defineResult,
  type FullOf,
  float,
  int,
  type JsonValue,
  type OpenOptions,
  oneOf,
  type ParamsOf,
  type RunContext,
  Store,
  type StoreEvent,
} from 'entropic';
import type { Place } from '../../helpers/databases.js';

export const SimResult = defineResult('results', {
  n: int(),
  steps: int(),
  dt: float({ unit: 's' }),
  method: oneOf(['rk4', 'euler'], { default: 'rk4' }),
});
export type SimParams = ParamsOf<typeof SimResult>;
export type SimFull = FullOf<typeof SimResult>;

/** The point of the quickstart, and its id: also what Python entropic says. */
export const POINT = { n: 100, steps: 5000, dt: 0.01 } as const;
export const POINT_ID = 'f444a074a2e52bf9';

/** A runner that counts: its result file says which point it is of. */
export function makeSimulation(also?: (params: SimFull, run: RunContext) => unknown) {
  const executed: SimFull[] = [];
  const simulate = async (params: SimFull & { readonly resultFile: string }, run: RunContext): Promise<unknown> => {
    const { resultFile, ...point } = params;
    executed.push(point);
    writeFileSync(resultFile, resultOf(point));
    return also?.(point, run);
  };
  return { executed, simulate };
}

/** The content of a point's result file. */
export function resultOf({ n, steps, dt, method = 'rk4' }: SimParams): string {
  return `n=${n} steps=${steps} dt=${dt} ${method}\n`;
}

export function contentOf(record: { resultFile: string }): string {
  return readFileSync(record.resultFile, 'utf8');
}

/** The quickstart's `Store.open` on a test's place. */
export function openStore(
  place: Place,
  options: Partial<OpenOptions<typeof SimResult>> = {},
): Promise<Store<SimParams, SimFull>> {
  return openModel(place, SimResult, { runner: makeSimulation().simulate, fileSuffix: '.npy', ...options });
}

export function openModel<M extends AnyModel>(
  place: Place,
  model: M,
  options: Partial<OpenOptions<M>> = {},
): Promise<Store<ParamsOf<M>, FullOf<M>>> {
  return Store.open({ model, resultsDir: place.resultsDir, dbUrl: place.dbUrl, ...options });
}

/** A runner for any model: its result file is its params. */
export function writeParams(params: { readonly resultFile: string }): void {
  writeFileSync(params.resultFile, JSON.stringify(params));
}

interface Heard {
  readonly events: StoreEvent[];
  types(): StoreEvent['type'][];
  /** The reader of a stream is some turns behind what happens. */
  until(type: StoreEvent['type']): Promise<void>;
}

/** Collects events until the store is closed. */
export function listen(store: { events: AsyncIterable<StoreEvent> }): Heard {
  const events: StoreEvent[] = [];
  void (async () => {
    for await (const event of store.events) events.push(event);
  })();
  const types = () => events.map((event) => event.type);
  return { events, types, until: (type) => until(() => types().includes(type)) };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What a promise rejects with. */
export async function errorOf(promise: PromiseLike<unknown>): Promise<Record<string, unknown> & Error> {
  try {
    await promise;
  } catch (error) {
    return error as Record<string, unknown> & Error;
  }
  throw new Error('it did not reject');
}

export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function gate(): Gate {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Until something becomes true that no promise tells. */
export async function until(condition: () => unknown): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never became true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** What the database holds as JSON: text in SQLite, already parsed by `pg` from Postgres. */
export function parsed(value: unknown): Record<string, JsonValue> {
  return typeof value === 'string' ? JSON.parse(value) : (value as Record<string, JsonValue>);
}

// biome-ignore lint/suspicious/noExplicitAny: models of many shapes go through here
export const openAny = (place: Place, model: any) => openModel<any>(place, model, { runner: writeParams });

/** Opens with a model, runs something, closes. */
// biome-ignore lint/suspicious/noExplicitAny: and their points
export async function used(place: Place, model: unknown, point: any): Promise<{ id: string }> {
  const store = await openAny(place, model);
  try {
    return await store.runOrRetrieve(point);
  } finally {
    await store.close();
  }
}
