// The façade: what Store.open takes, what its calls take and give back. Checked by tsc, never run.
import {
  Base,
  type CustomData,
  defineResult,
  expandGrid,
  float,
  grid,
  int,
  json,
  oneOf,
  type RunContext,
  type RunRecord,
  Store,
  type StoreEvent,
  type Sweep,
  type SweepError,
  type SweepOutcome,
  text,
  type VerifyReport,
} from 'entropic';
import { EntitySchema } from 'typeorm';
import { assert, type Equal, some } from './equal.js';

const SimResult = defineResult('results', {
  n: int(),
  steps: int(),
  dt: float({ unit: 's' }),
  method: oneOf(['rk4', 'euler'], { default: 'rk4' }),
});
interface In {
  n: number;
  steps: number;
  dt: number;
  method?: 'rk4' | 'euler';
}
interface Full {
  n: number;
  steps: number;
  dt: number;
  method: 'rk4' | 'euler';
}
type Record = {
  id: string;
  resultFile: string;
  createdAt: Date;
  customData: CustomData;
  n: number;
  steps: number;
  dt: number;
  method: 'rk4' | 'euler';
};

// [S3] Store.open infers params and records from its model
const store = await Store.open({ model: SimResult, runner: simulate });
assert<Equal<Parameters<typeof store.run>[0], { n: number; steps: number; dt: number; method?: 'rk4' | 'euler' }>>();
assert<Equal<Awaited<ReturnType<typeof store.run>>, Record>>();
assert<Equal<Awaited<ReturnType<typeof store.runOrRetrieve>>, Record>>();
assert<Equal<Awaited<ReturnType<typeof store.retrieve>>, Record | null>>();
assert<Equal<Awaited<ReturnType<typeof store.get>>, Record | null>>();
assert<Equal<Awaited<ReturnType<typeof store.delete>>, boolean>>();
assert<Equal<Awaited<ReturnType<typeof store.verify>>, VerifyReport>>();
assert<Equal<typeof store.events, AsyncIterable<StoreEvent>>>();
assert<Equal<Record, RunRecord<Full>>>();

function simulate(params: Readonly<Full> & { readonly resultFile: string }, run: RunContext): void {
  some<string>().concat(params.resultFile, run.resultFile, run.workDir, run.id);
}

// [S3] options of Store.open, with the document's own names
await Store.open({
  model: SimResult,
  runner: new URL('./simulate.ts', import.meta.url),
  resultsDir: './results',
  dbUrl: 'sqlite:///./runs.sqlite3',
  fileSuffix: '.npy',
  durability: 'process',
  verify: 'digest',
  lease: '30s',
  readOnly: false,
});
await Store.open({ model: SimResult });
await using disposable = await Store.open({ model: SimResult });
disposable satisfies AsyncDisposable;
// @ts-expect-error a model is needed
await Store.open({ runner: simulate });
// @ts-expect-error a misspelt option
await Store.open({ model: SimResult, resultDir: './results' });
// @ts-expect-error not one of the values
await Store.open({ model: SimResult, durability: 'none' });
// @ts-expect-error a text is no model
await Store.open({ model: 'results' });
// @ts-expect-error a text is no runner
await Store.open({ model: SimResult, runner: './simulate.ts' });

// [S2] runners are typed by the model
await Store.open({
  model: SimResult,
  runner: ({ n, dt, method, resultFile }, run) => {
    assert<Equal<typeof n, number>>();
    assert<Equal<typeof method, 'rk4' | 'euler'>>();
    assert<Equal<typeof resultFile, string>>();
    assert<Equal<typeof run, RunContext>>();
    return { energy: n * dt };
  },
});
await Store.open({ model: SimResult, runner: async (params) => [params.n] });
await Store.open({ model: SimResult, runner: () => {} });
// @ts-expect-error a param that the model lacks
await Store.open({ model: SimResult, runner: (params) => params.colour });
await Store.open({
  model: SimResult,
  runner: (params) => {
    // @ts-expect-error params are frozen
    params.n = 1;
  },
});
// @ts-expect-error wants a param of another type
await Store.open({ model: SimResult, runner: (params: { n: string }) => params.n });

// [S4] [S6] [S7] wrong params are compile errors in every call
await store.run({ n: 100, steps: 5000, dt: 0.01 });
await store.runOrRetrieve({ n: 100, steps: 5000, dt: 0.01, method: 'euler' }, { customData: { gitSha: 'abc123' } });
await store.retrieve({ n: 100, steps: 5000, dt: 0.01, method: undefined });
// @ts-expect-error dt is missing
await store.run({ n: 100, steps: 5000 });
// @ts-expect-error a text for a number
await store.runOrRetrieve({ n: '100', steps: 5000, dt: 0.01 });
// @ts-expect-error a name that does not exist
await store.retrieve({ n: 100, steps: 5000, dt: 0.01, colour: 1 });
// @ts-expect-error not one of the values
await store.run({ n: 100, steps: 5000, dt: 0.01, method: 'heun' });
// @ts-expect-error a record is no point
await store.run(some<Record>().id);
// @ts-expect-error null is a miss
(await store.retrieve({ n: 100, steps: 5000, dt: 0.01 })).id;
// @ts-expect-error an option that does not exist
await store.run({ n: 100, steps: 5000, dt: 0.01 }, { force: true });

// [S8] [S9] delete and register
await store.delete({ n: 100, steps: 5000, dt: 0.01 }, { removeFile: true });
await store.delete({ id: 'f444a074a2e52bf9' });
await store.register({ n: 1, steps: 1, dt: 1 }, './made-elsewhere.npy', { customData: { by: 'hand' }, replace: true });
await store.register({ n: 1, steps: 1, dt: 1 }, new URL('file:///made-elsewhere.npy'));
// @ts-expect-error an id is a text
await store.delete({ id: 5 });
// @ts-expect-error a file is needed
await store.register({ n: 1, steps: 1, dt: 1 });

// [S12] customData is JSON
await store.run({ n: 1, steps: 1, dt: 1 }, { customData: { deep: [1, { a: null }] } });
// @ts-expect-error a Date is no JSON
await store.run({ n: 1, steps: 1, dt: 1 }, { customData: { when: new Date() } });
// @ts-expect-error a function is no JSON
await store.sweep({ n: [1], steps: [1], dt: [1] }, { customData: { f: () => 1 } });

// [S10] a sweep takes grids, lists, generators and expanded grids
const sweep = store.sweep({ n: [50, 100], steps: [5000], dt: [0.01, 0.005] });
assert<Equal<typeof sweep, Sweep<Full>>>();
assert<Equal<Awaited<typeof sweep>, Record[]>>();
store.sweep({ n: [50], steps: [5000], dt: [0.01], method: ['rk4', 'euler'] }, { concurrency: 2, timeout: '10m' });
store.sweep([
  { n: 1, steps: 1, dt: 1 },
  { n: 1, steps: 1, dt: 1, method: 'euler' },
]);
store.sweep(some<In[]>());
store.sweep([...some<In[]>(), { n: 1, steps: 1, dt: 1 }]);
store.sweep([...some<In[]>(), ...some<In[]>()]);
store.sweep(some<In[]>().map((point) => ({ ...point, n: point.n + 1 })));
store.sweep(new Set(some<In[]>()));
store.sweep(points());
store.sweep(later());
store.sweep(expandGrid({ n: [1, 2], steps: [1], dt: [0.1], method: ['rk4', 'euler'] }));
store.sweep(expandGrid({ n: [1, 2], steps: [1], dt: some<number[]>() }));

// [G1] a combined grid keeps the types of its params
const coarse = grid({ n: [50, 100], steps: [5000], dt: [0.01] });
store.sweep(coarse.concat({ n: [1], steps: [1], dt: [1] }).concat(coarse));
store.sweep(coarse.times({ method: ['euler'] }).where(({ method, dt }) => method === 'euler' && dt < 1));
// @ts-expect-error the second part has no steps
store.sweep(coarse.concat({ n: [1], dt: [1] }));
// @ts-expect-error a param that does not exist
store.sweep(coarse.repeat(3));

function* points() {
  for (let n = 0; n < 3; n++) yield { n, steps: 1, dt: 0.1, method: 'euler' as const };
}
async function* later() {
  yield { n: 1, steps: 1, dt: 0.1 };
}
// @ts-expect-error an axis that does not exist
store.sweep({ n: [50], steps: [1], dt: [0.01], colour: [1] });
// @ts-expect-error a scalar is no axis
store.sweep({ n: 50, steps: [1], dt: [0.01] });
// @ts-expect-error the axis steps is missing
store.sweep({ n: [50], dt: [0.01] });
// @ts-expect-error not one of the values
store.sweep({ n: [50], steps: [1], dt: [0.01], method: ['heun'] });
// @ts-expect-error a misspelt name in a list
store.sweep([{ n: 1, stpes: 1, dt: 1 }]);
// @ts-expect-error a name that does not exist, in the last of a spread list
store.sweep([...some<In[]>(), { n: 1, steps: 1, dt: 1, colour: 1 }]);
function* wrong() {
  yield { n: '1', steps: 1, dt: 1 };
}
// @ts-expect-error a text for a number in a generator
store.sweep(wrong());
// @ts-expect-error a value that oneOf does not have, expanded
store.sweep(expandGrid({ n: [1], steps: [1], dt: [1], method: ['heun'] }));
// @ts-expect-error an axis that does not exist, expanded
store.sweep(expandGrid({ n: [1], steps: [1], dt: [1], colour: [1] }));
// @ts-expect-error an option that does not exist
store.sweep({ n: [1], steps: [1], dt: [1] }, { concurency: 2 });
// @ts-expect-error a client is not there yet in this version
store.sweep({ n: [1], steps: [1], dt: [1] }, { client: {} });

// [S10] outcomes are told apart by their status
for await (const outcome of sweep) {
  assert<Equal<typeof outcome, SweepOutcome<Full>>>();
  const { n, method } = outcome.params;
  assert<Equal<typeof n, number>>();
  assert<Equal<typeof method, 'rk4' | 'euler'>>();
  if (outcome.status === 'finished' || outcome.status === 'cached') {
    const { record } = outcome;
    assert<Equal<typeof record, Record>>();
  } else {
    // @ts-expect-error no record of what failed or was cancelled
    outcome.record.id;
  }
  if (outcome.status === 'failed') some<string>().concat(outcome.error.reason);
}
const { total, queued } = sweep.progress();
assert<Equal<typeof total, number | null>>();
assert<Equal<typeof queued, number>>();
assert<Equal<SweepError<Record>['records'], readonly (Record | null)[]>>();

// [S1] the same from an EntitySchema and from a class that extends Base
interface Row {
  id: string;
  resultFile: string;
  n: number;
  note?: string;
}
const schema = new EntitySchema<Row>({ name: 'rows', columns: { n: { type: 'int' }, note: { type: 'text' } } });
const fromSchema = await Store.open({ model: schema, runner: ({ n, note }) => n + note.length });
assert<Equal<Parameters<typeof fromSchema.run>[0], { n: number; note?: string }>>();
assert<Equal<Awaited<ReturnType<typeof fromSchema.run>>['note'], string>>();
fromSchema.sweep({ n: [1, 2], note: ['a'] });
fromSchema.sweep({ n: [1, 2] });
// @ts-expect-error a text for a number
fromSchema.sweep({ n: ['1'] });

class Decorated extends Base {
  declare n: number;
  declare method: 'rk4' | 'euler';
}
const fromClass = await Store.open({ model: Decorated, runner: ({ method }) => method });
assert<Equal<Parameters<typeof fromClass.run>[0], { n: number; method: 'rk4' | 'euler' }>>();
assert<Equal<Awaited<ReturnType<typeof fromClass.run>>['createdAt'], Date>>();
fromClass.sweep({ n: [1], method: ['rk4'] });
// @ts-expect-error method is missing
fromClass.run({ n: 1 });

// [S1] json columns keep the type they were given
const Meshes = defineResult('meshes', {
  mesh: json<{ cells: number[] }>(),
  note: text({ nullable: true, default: null }),
});
const meshes = await Store.open({ model: Meshes, runner: ({ mesh }) => mesh.cells.length });
assert<Equal<Awaited<ReturnType<typeof meshes.run>>['mesh'], { cells: number[] }>>();
meshes.sweep({ mesh: [{ cells: [1] }], note: [null, 'a'] });
// @ts-expect-error not the JSON that was declared
meshes.run({ mesh: { cells: ['a'] } });
