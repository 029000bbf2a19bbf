// What a sweep takes: wrong names and values are compile errors in grids, lists and generators. tsc checks it.
import {
  defineResult,
  type Exact,
  float,
  type Grid,
  int,
  json,
  oneOf,
  type ParamsOf,
  type Source,
  text,
} from '@entropic/core';
import { some } from './equal.js';

const SimResult = defineResult('results', {
  n: int(),
  steps: int(),
  dt: float({ unit: 's' }),
  method: oneOf(['rk4', 'euler'], { default: 'rk4' }),
});
type In = ParamsOf<typeof SimResult>;
declare function run(params: In): void;
declare function sweep<const S extends Source<In>>(source: S & Exact<S, In>): void;

// One point.
run({ n: 100, steps: 5000, dt: 0.01 });
run({ n: 100, steps: 5000, dt: 0.01, method: undefined });
// @ts-expect-error steps is missing
run({ n: 100, dt: 0.01 });
// @ts-expect-error a text for a number
run({ n: '100', steps: 5000, dt: 0.01 });
// @ts-expect-error a name that does not exist
run({ n: 100, steps: 5000, dt: 0.01, colour: 1 });
// @ts-expect-error not one of the values
run({ n: 100, steps: 5000, dt: 0.01, method: 'heun' });
// @ts-expect-error null only where it is declared
run({ n: 100, steps: 5000, dt: null });

// Grids.
sweep({ n: [50, 100], steps: [5000], dt: [0.01, 0.005] });
sweep({ n: [50, 100], steps: [5000], dt: [0.01], method: ['euler', 'rk4'] });
sweep({ n: [], steps: [5000], dt: some<readonly number[]>() });
const axes = { n: [1, 2], steps: [1], dt: some<number[]>() };
sweep(axes);
sweep({ ...axes, dt: [0.1] });
// @ts-expect-error the axis steps is missing
sweep({ n: [50], dt: [0.01] });
// @ts-expect-error an axis that does not exist
sweep({ n: [50], steps: [1], dt: [0.01], colour: [1] });
// @ts-expect-error a slip of the pen in the name of an axis with a default
sweep({ n: [50], steps: [1], dt: [0.01], methd: ['euler'] });
// @ts-expect-error texts for numbers
sweep({ n: ['50'], steps: [1], dt: [0.01] });
// @ts-expect-error one wrong value among right ones
sweep({ n: [50, '100'], steps: [1], dt: [0.01] });
// @ts-expect-error not one of the values
sweep({ n: [50], steps: [1], dt: [0.01], method: ['heun'] });
// @ts-expect-error a scalar is no axis
sweep({ n: 50, steps: [1], dt: [0.01] });
// @ts-expect-error a text is no axis
sweep({ n: [50], steps: [1], dt: [0.01], method: 'euler' });
const wide = { n: [1], steps: [1], dt: [1], colour: [1] };
// @ts-expect-error an extra axis in a variable
sweep(wide);

// Lists.
sweep([{ n: 1, steps: 1, dt: 1 }]);
sweep([
  { n: 1, steps: 1, dt: 1 },
  { n: 1, steps: 1, dt: 1, method: 'euler' },
]);
sweep([]);
sweep(some<In[]>());
sweep(some<readonly In[]>());
sweep(new Set(some<In[]>()));
// @ts-expect-error steps is missing
sweep([{ n: 1, dt: 1 }]);
// @ts-expect-error a name that does not exist
sweep([{ n: 1, steps: 1, dt: 1, colour: 1 }]);
sweep([
  { n: 1, steps: 1, dt: 1 },
  // @ts-expect-error a name that does not exist, in the second
  { n: 1, steps: 1, dt: 1, colour: 1 },
]);
// @ts-expect-error a text for a number
sweep([{ n: '1', steps: 1, dt: 1 }]);
// @ts-expect-error numbers are no points
sweep([1, 2]);
// @ts-expect-error a text is no list of points
sweep('results');
// @ts-expect-error a variable with another name in its points
sweep(some<{ n: number; steps: number; dt: number; colour: number }[]>());

// Generators.
function* right() {
  for (let n = 0; n < 3; n++) yield { n, steps: 1, dt: 0.1 };
}
function* misnamed() {
  yield { n: 1, stpes: 1, dt: 0.1 };
}
function* extra() {
  yield { n: 1, steps: 1, dt: 0.1, colour: 1 };
}
async function* later() {
  yield { n: 1, steps: 1, dt: 0.1 };
}
async function* wrongLater() {
  yield { n: '1', steps: 1, dt: 0.1 };
}
async function* extraLater() {
  yield { n: 1, steps: 1, dt: 0.1, colour: 1 };
}
sweep(right());
sweep(later());
// @ts-expect-error a slip of the pen
sweep(misnamed());
// @ts-expect-error a name that does not exist
sweep(extra());
// @ts-expect-error a text for a number
sweep(wrongLater());
// @ts-expect-error a name that does not exist
sweep(extraLater());
// @ts-expect-error the function itself, not called
sweep(right);

// Grid values.
sweep(some<Grid<In>>());
sweep(some<Grid<{ n: number; steps: number; dt: number; method: 'euler' }>>());
// @ts-expect-error dt is missing
sweep(some<Grid<{ n: number; steps: number }>>());
// @ts-expect-error texts for numbers
sweep(some<Grid<{ n: string; steps: number; dt: number }>>());
// @ts-expect-error a name that does not exist
sweep(some<Grid<{ n: number; steps: number; dt: number; colour: number }>>());

// A model without params, one with null, JSON and optional params only.
const Odd = defineResult('odd', {
  note: text({ nullable: true, default: null }),
  mesh: json<{ cells: number[] }>({ default: { cells: [] } }),
});
type OddIn = ParamsOf<typeof Odd>;
declare function sweepOdd<const S extends Source<OddIn>>(source: S & Exact<S, OddIn>): void;
sweepOdd({});
sweepOdd({ note: [null, 'a'] });
sweepOdd({ mesh: [{ cells: [1, 2] }] });
sweepOdd([{}, { note: null }]);
// @ts-expect-error numbers for texts
sweepOdd({ note: [1] });
// @ts-expect-error a name that does not exist
sweepOdd({ notes: ['a'] });
// @ts-expect-error a name that does not exist
sweepOdd([{ notes: 'a' }]);
// @ts-expect-error texts are no points
sweepOdd(['a']);
// @ts-expect-error a text is no source
sweepOdd('a');
// @ts-expect-error a number is no source
sweepOdd(5);
// @ts-expect-error a function is no source
sweepOdd(() => []);
// @ts-expect-error a generator of wrong points
sweepOdd(some<Generator<{ notes: string }>>());
// @ts-expect-error not the JSON that was declared
sweepOdd({ mesh: [{ cells: ['a'] }] });
