// Params → points: what is accepted, what is refused and how it says so, and what older rows become.
import { describe, expect, test } from 'vitest';
import { InvalidParamsError } from './errors.js';
import { bool, defineResult, float, int, json, oneOf, text } from './model.js';
import {
  compileSchema,
  defaultTexts,
  fillFrozenDefaults,
  pointFromColumns,
  resolvePoint,
  splitCanonical,
} from './params.js';

const results = defineResult('results', {
  n: int(),
  steps: int(),
  dt: float(),
  method: oneOf(['rk4', 'euler'], { default: 'rk4' }),
});
const schema = compileSchema(results, defaultTexts(results));
const TAKES = 'results takes n (int), steps (int), dt (float), method (text, default "rk4")';

function refusal(run: () => unknown): InvalidParamsError {
  try {
    run();
  } catch (error) {
    if (error instanceof InvalidParamsError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('[S5] resolvePoint', () => {
  test('gives the id, and params with defaults in declared order, frozen', () => {
    const point = resolvePoint(schema, { dt: 0.01, steps: 5000, n: 100 });
    expect(point).toEqual({
      id: 'f444a074a2e52bf9',
      params: { n: 100, steps: 5000, dt: 0.01, method: 'rk4' },
      paramsText: '{"dt":0.01,"method":"rk4","n":100,"steps":5000}',
      idText: '{"dt":0.01,"n":100,"steps":5000}',
    });
    expect(Object.keys(point.params)).toEqual(['n', 'steps', 'dt', 'method']);
    expect(Object.isFrozen(point.params)).toBe(true);
  });

  test('takes undefined for a param with a default as if it were absent', () => {
    const point = resolvePoint(schema, { n: 100, steps: 5000, dt: 0.01, method: undefined });
    expect(point.params).toMatchObject({ method: 'rk4' });
    expect(refusal(() => resolvePoint(schema, { n: undefined, steps: 1, dt: 1 })).message).toBe(
      `params.n: missing; ${TAKES}`,
    );
  });

  test('makes −0 the 0 that has its text, in every kind of column', () => {
    const zero = compileSchema(defineResult('t', { a: int(), b: float(), c: json() }), new Map());
    const point = resolvePoint(zero, { a: -0, b: -0, c: [-0] });
    expect(point.paramsText).toBe('{"a":0,"b":0.0,"c":[0]}');
    expect([point.params.a, point.params.b, (point.params.c as number[])[0]].every((x) => Object.is(x, 0))).toBe(true);
  });

  test.each([
    ['names what is missing', { dt: 1 }, 'params.n', `params.n: missing (n, steps); ${TAKES}`],
    [
      'says what was meant',
      { n: 1, stpes: 2, dt: 1 },
      'params.stpes',
      `params.stpes: unknown param "stpes"; did you mean "steps"? ${TAKES}`,
    ],
    ['does not guess wildly', { n: 1, colour: 2 }, 'params.colour', `params.colour: unknown param "colour". ${TAKES}`],
    [
      'knows reserved names',
      { n: 1, resultFile: 'x' },
      'params.resultFile',
      `params.resultFile: is a field of every record, not a param. ${TAKES}`,
    ],
    [
      'knows their database names',
      { created_at: 'x' },
      'params.created_at',
      `params.created_at: is a field of every record, not a param. ${TAKES}`,
    ],
    [
      'refuses a text for a number',
      { n: '100', steps: 1, dt: 1 },
      'params.n',
      'params.n: "100" is refused, n takes an integer: pass 100',
    ],
    [
      'refuses true for a number',
      { n: true, steps: 1, dt: 1 },
      'params.n',
      'params.n: true is refused, n takes an integer',
    ],
    [
      'refuses a broken integer',
      { n: 100.5, steps: 1, dt: 1 },
      'params.n',
      'params.n: 100.5 is refused, n takes an integer',
    ],
    [
      'refuses an integer too large',
      { n: 2 ** 53, steps: 1, dt: 1 },
      'params.n',
      'params.n: 9007199254740992 is beyond 2^53 − 1, where integers are no longer exact',
    ],
    ['refuses NaN', { n: 1, steps: 1, dt: Number.NaN }, 'params.dt', 'params.dt: NaN cannot be part of an id'],
    [
      'refuses −Infinity',
      { n: 1, steps: 1, dt: -Infinity },
      'params.dt',
      'params.dt: -Infinity cannot be part of an id',
    ],
    [
      'refuses null',
      { n: null, steps: 1, dt: 1 },
      'params.n',
      'params.n: null is accepted only in a column declared { nullable: true }',
    ],
    [
      'refuses null for a default',
      { n: 1, steps: 1, dt: 1, method: null },
      'params.method',
      'params.method: null is accepted only in a column declared { nullable: true }',
    ],
    [
      'refuses other choices',
      { n: 1, steps: 1, dt: 1, method: 'heun' },
      'params.method',
      'params.method: "heun" is not one of "rk4", "euler"',
    ],
    ['refuses lists', [1, 2], 'params', `params: an array is refused, pass a plain object; ${TAKES}`],
    ['refuses null altogether', null, 'params', `params: null is refused, pass a plain object; ${TAKES}`],
    [
      'refuses instances',
      new (class Sim {
        n = 1;
      })(),
      'params',
      `params: a Sim is refused, pass a plain object; ${TAKES}`,
    ],
  ])('%s', (_title, params, path, message) => {
    const error = refusal(() => resolvePoint(schema, params));
    expect(error).toMatchObject({ path, message, code: 'ENTROPIC_INVALID_PARAMS' });
  });

  test('converts nothing in bool and text columns either', () => {
    const model = compileSchema(defineResult('t', { b: bool(), s: text() }), new Map());
    expect(refusal(() => resolvePoint(model, { b: 'true', s: '' })).message).toBe(
      'params.b: "true" is refused, b takes true or false: pass true',
    );
    expect(refusal(() => resolvePoint(model, { b: 1, s: '' })).message).toBe(
      'params.b: 1 is refused, b takes true or false',
    );
    expect(refusal(() => resolvePoint(model, { b: true, s: 5 })).message).toBe(
      'params.s: 5 is refused, s takes a text',
    );
  });

  test('takes null where it is declared, as a value of its own', () => {
    const model = defineResult('t', { a: int({ nullable: true }), j: json({ nullable: true, default: null }) });
    const nullable = compileSchema(model, defaultTexts(model));
    expect(resolvePoint(nullable, { a: null })).toMatchObject({
      paramsText: '{"a":null,"j":null}',
      idText: '{"a":null}',
    });
    expect(refusal(() => resolvePoint(nullable, {})).path).toBe('params.a');
  });

  test('keeps nothing of the caller: a json value changed later changes no point', () => {
    const model = compileSchema(defineResult('t', { j: json() }), new Map());
    const mesh = { cells: [1, 2] };
    const point = resolvePoint(model, { j: mesh });
    mesh.cells.push(3);
    expect(point.params.j).toEqual({ cells: [1, 2] });
    expect(Object.isFrozen((point.params.j as typeof mesh).cells)).toBe(true);
  });
});

describe('[S5] defaults', () => {
  const later = defineResult('results', { n: int(), dt: float({ default: 0.5 }), mode: text({ default: 'fast' }) });

  test('the default of the code fills in, the frozen one is left out of ids', () => {
    const changed = compileSchema(
      later,
      new Map([
        ['dt', '0.1'],
        ['mode', '"fast"'],
      ]),
    );
    expect(resolvePoint(changed, { n: 1 })).toMatchObject({
      paramsText: '{"dt":0.5,"mode":"fast","n":1}',
      idText: '{"dt":0.5,"n":1}',
    });
    expect(resolvePoint(changed, { n: 1, dt: 0.1 }).idText).toBe('{"n":1}');
  });

  test('a default given to a column that was frozen without one stays in ids', () => {
    expect(resolvePoint(compileSchema(later, new Map()), { n: 1 }).idText).toBe('{"dt":0.5,"mode":"fast","n":1}');
  });

  test('older texts are filled in with frozen defaults, byte for byte', () => {
    const frozen = compileSchema(
      later,
      new Map([
        ['dt', '1e-07'],
        ['mode', '"fast"'],
      ]),
    );
    expect(fillFrozenDefaults(frozen, '{"n":1}')).toBe('{"dt":1e-07,"mode":"fast","n":1}');
    expect(fillFrozenDefaults(frozen, '{"dt":1.0,"n":1}')).toBe('{"dt":1.0,"mode":"fast","n":1}');
    expect(fillFrozenDefaults(frozen, '{"dt":1.0}')).toBeUndefined();
    expect(fillFrozenDefaults(frozen, '{"n":1,"removed":2}')).toBeUndefined();
    for (const broken of ['', '{', '[]', '{"n"}', '{"n":}', '{"n":1', 'null', '{n:1}', '{"n":"}']) {
      expect(fillFrozenDefaults(frozen, broken)).toBeUndefined();
    }
  });

  test('a canonical text splits into verbatim values', () => {
    const parts = splitCanonical('{"a":1.0,"b":"x,\\"}{:\\\\","c":{"d":[1,{"e":"]"}],"f":{}},"g":[],"h":null}');
    expect([...parts]).toEqual([
      ['a', '1.0'],
      ['b', '"x,\\"}{:\\\\"'],
      ['c', '{"d":[1,{"e":"]"}],"f":{}}'],
      ['g', '[]'],
      ['h', 'null'],
    ]);
    expect(splitCanonical('{}').size).toBe(0);
    expect(splitCanonical('garbage').size).toBe(0);
  });

  test('the columns of a row without text make the same point', () => {
    const params = { n: 100, steps: 5000, dt: 1, method: 'euler' };
    const row = { ...params, id: 'x', result_file: 'results/x.npy' };
    expect(pointFromColumns(schema, row)).toEqual(resolvePoint(schema, params));
    expect(pointFromColumns(schema, { ...row, method: null }).params.method).toBe('rk4');
    expect(pointFromColumns(schema, { ...row, method: 'heun' }).params.method).toBe('heun');
    expect(refusal(() => pointFromColumns(schema, { ...row, dt: Number.NaN })).path).toBe('row.dt');
    expect(refusal(() => pointFromColumns(schema, { n: 1 })).path).toBe('row.dt');
  });
});
