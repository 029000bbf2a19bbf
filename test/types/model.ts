// Models and their params: what compiles, and what must not. Checked by tsc, never run.
import {
  Base,
  bool,
  type CustomData,
  defineResult,
  type FullOf,
  float,
  int,
  type JsonValue,
  json,
  type Model,
  oneOf,
  type ParamsOf,
  type RunRecord,
  text,
} from '@entropic/core';
import { EntitySchema } from 'typeorm';
import { assert, type Equal, some } from './equal.js';

interface Mesh {
  cells: number[];
}

const SimResult = defineResult('results', {
  n: int(),
  steps: int({ description: 'how many' }),
  dt: float({ unit: 's' }),
  method: oneOf(['rk4', 'euler'], { default: 'rk4' }),
});

// Hovers are flat: the same type as written by hand.
assert<Equal<ParamsOf<typeof SimResult>, { n: number; steps: number; dt: number; method?: 'rk4' | 'euler' }>>();
assert<Equal<FullOf<typeof SimResult>, { n: number; steps: number; dt: number; method: 'rk4' | 'euler' }>>();
assert<
  Equal<
    typeof SimResult,
    Model<
      { n: number; steps: number; dt: number; method?: 'rk4' | 'euler' },
      { n: number; steps: number; dt: number; method: 'rk4' | 'euler' }
    >
  >
>();

// Without a name, the type of a json column is any JSON, whatever its default.
const Untyped = defineResult('untyped', { j: json({ default: { cells: [1] } }), k: json({ default: [] }), l: json() });
assert<
  Equal<FullOf<typeof Untyped>, { j: NonNullable<JsonValue>; k: NonNullable<JsonValue>; l: NonNullable<JsonValue> }>
>();

// Every column, with null and with defaults.
const Every = defineResult('every', {
  i: int({ nullable: true }),
  f: float({ default: 1 }),
  t: text({ nullable: true, default: null }),
  b: bool({ default: false }),
  j: json(),
  jm: json<Mesh>(),
  jd: json<Mesh>({ default: { cells: [1] } }),
  jn: json<Mesh>({ nullable: true }),
  jnd: json<Mesh>({ nullable: true, default: null }),
  one: oneOf([1, 2.5], { nullable: true }),
});
type Every = ParamsOf<typeof Every>;
assert<
  Equal<
    Every,
    {
      i: number | null;
      j: NonNullable<JsonValue>;
      jm: Mesh;
      jn: Mesh | null;
      one: 1 | 2.5 | null;
      f?: number;
      t?: string | null;
      b?: boolean;
      jd?: Mesh;
      jnd?: Mesh | null;
    }
  >
>();
assert<Equal<FullOf<typeof Every>['t'], string | null>>();
assert<Equal<FullOf<typeof Every>['jnd'], Mesh | null>>();

// Defaults and null.
// @ts-expect-error a text is no default of an int
int({ default: '1' });
// @ts-expect-error null is no default unless nullable
int({ default: null });
// @ts-expect-error a number is no default of a bool
bool({ default: 0 });
// @ts-expect-error a boolean is no default of a text
text({ default: true });
// @ts-expect-error null is no default unless nullable
float({ nullable: false, default: null });
// @ts-expect-error an option that does not exist
float({ units: 's' });
// @ts-expect-error a unit is a text
float({ unit: 1 });
// @ts-expect-error not one of the values
oneOf(['rk4', 'euler'], { default: 'heun' });
// @ts-expect-error not one of the numbers
oneOf([1, 2], { default: 3 });
// @ts-expect-error texts and numbers mixed
oneOf(['a', 1]);
// @ts-expect-error booleans are a bool column
oneOf([true, false]);
// @ts-expect-error not of the type that was named
json<Mesh>({ default: { cells: ['a'] } });
// @ts-expect-error null is no default unless nullable
json<Mesh>({ default: null });
// @ts-expect-error a Date is no JSON
json({ default: new Date() });

// Declarations.
// @ts-expect-error id is reserved
defineResult('t', { id: int() });
// @ts-expect-error resultFile is reserved
defineResult('t', { resultFile: text() });
// @ts-expect-error a column is made by a function
defineResult('t', { n: 'int' });
// @ts-expect-error a column is the result of the call
defineResult('t', { n: int });
// @ts-expect-error a table has a name
defineResult({ n: int() });

// Records.
const record = some<RunRecord<FullOf<typeof SimResult>>>();
assert<
  Equal<
    typeof record,
    {
      id: string;
      resultFile: string;
      createdAt: Date;
      customData: CustomData;
      n: number;
      steps: number;
      dt: number;
      method: 'rk4' | 'euler';
    }
  >
>();
assert<Equal<typeof record.customData.elapsedSeconds, number | undefined>>();
assert<Equal<typeof record.customData.value, JsonValue | undefined>>();
assert<Equal<typeof record.customData.gitSha, JsonValue | undefined>>();
// @ts-expect-error a param that the model lacks
record.colour;
// @ts-expect-error dt is a number
record.dt.length;
// @ts-expect-error elapsedSeconds may be missing
record.customData.elapsedSeconds + 1;
// @ts-expect-error a default is a value of the record: it cannot be undefined
record.method = undefined;

// TypeORM's own forms.
interface Row {
  id: string;
  resultFile: string;
  createdAt: Date;
  customData: CustomData;
  n: number;
  note?: string;
}
const schema = new EntitySchema<Row>({ name: 'results', columns: { n: { type: 'int' }, note: { type: 'text' } } });
assert<Equal<ParamsOf<typeof schema>, { n: number; note?: string }>>();
assert<Equal<FullOf<typeof schema>, { n: number; note: string }>>();

class Decorated extends Base {
  declare n: number;
  declare method: 'rk4' | 'euler';
  describe(): string {
    return this.id;
  }
}
assert<Equal<ParamsOf<typeof Decorated>, { n: number; method: 'rk4' | 'euler' }>>();
// @ts-expect-error no model at all
assert<Equal<ParamsOf<string>, object>>();
