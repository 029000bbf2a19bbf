// Models: what can be declared, what is refused when it is declared, and what TypeORM's own forms become.
import { describe, expect, test } from 'vitest';
import { InvalidOptionError } from './errors.js';
import { bool, type Column, defineResult, float, int, json, oneOf, text } from './model.js';

/** As from plain JavaScript, where no type stops it. */
const declareAny = (columns: object) => defineResult('t', columns as Record<string, Column>);

describe('[S1] defineResult', () => {
  test('gives a frozen model with columns in declared order', () => {
    const model = defineResult('results', {
      n: int(),
      dt: float({ unit: 's', description: 'time step' }),
      method: oneOf(['rk4', 'euler'], { default: 'rk4' }),
      note: text({ nullable: true }),
      open: bool({ default: false }),
      mesh: json({ default: { cells: [1] } }),
    });
    expect(model).toEqual({
      isEntropicModel: true,
      tableName: 'results',
      columns: [
        { name: 'n', kind: 'int', nullable: false, hasDefault: false, default: undefined },
        {
          name: 'dt',
          kind: 'float',
          nullable: false,
          hasDefault: false,
          default: undefined,
          unit: 's',
          description: 'time step',
        },
        { name: 'method', kind: 'text', nullable: false, hasDefault: true, default: 'rk4', choices: ['rk4', 'euler'] },
        { name: 'note', kind: 'text', nullable: true, hasDefault: false, default: undefined },
        { name: 'open', kind: 'bool', nullable: false, hasDefault: true, default: false },
        { name: 'mesh', kind: 'json', nullable: false, hasDefault: true, default: { cells: [1] } },
      ],
    });
    expect([model, model.columns, ...model.columns, model.columns[2]?.choices].every(Object.isFrozen)).toBe(true);
  });

  test('keeps nothing of what it was given: a default or a choice changed later changes no model', () => {
    const mesh = { cells: [1] };
    const choices: string[] = ['a', 'b'];
    const model = defineResult('t', { mesh: json({ default: mesh }), c: oneOf(choices) });
    mesh.cells.push(2);
    choices.push('c');
    expect(model.columns[0]?.default).toEqual({ cells: [1] });
    expect(model.columns[1]?.choices).toEqual(['a', 'b']);
  });

  test('oneOf keeps numbers as integers when all are, else as floats', () => {
    const kinds = defineResult('t', {
      a: oneOf([1, 2]),
      b: oneOf([0.5, 1]),
      c: oneOf(['x']),
      d: oneOf([1, 2 ** 53]),
    }).columns.map((column) => column.kind);
    expect(kinds).toEqual(['int', 'float', 'text', 'float']);
  });

  test.each([['a'.repeat(48)], ['_x'], ['Results2'], ['results']])('takes the table name %s', (name) => {
    expect(defineResult(name, {}).tableName).toBe(name);
  });

  test.each([
    [''],
    ['a'.repeat(49)],
    ['1a'],
    ['a b'],
    ['a-b'],
    ['public.results'],
    ['résultats'],
    ['a"b'],
    ["a'; DROP TABLE x; --"],
    ['a\n'],
    ['entropic_runs'],
    ['Entropic_x'],
    ['sqlite_master'],
    ['SQLITE_x'],
  ])('refuses the table name %j', (name) => {
    expect(() => defineResult(name, {})).toThrow(InvalidOptionError);
    expect(() => defineResult(name, {})).toThrow(/^table name /);
  });

  test.each([
    ['id'],
    ['ID'],
    ['resultFile'],
    ['result_file'],
    ['ResultFile'],
    ['createdAt'],
    ['CREATED_AT'],
    ['customData'],
    ['custom_data'],
    ['constructor'],
    ['toString'],
    ['hasOwnProperty'],
    ['prototype'],
    ['__defineGetter__'],
    [''],
    ['a'.repeat(64)],
    ['1a'],
    ['a b'],
    ['a"; DROP TABLE t; --'],
    ['../x'],
    ['é'],
    ['a\0'],
    ['n\n'],
  ])('refuses the column name %j', (name) => {
    const columns: object = { [name]: int() };
    expect(() => declareAny(columns)).toThrow(InvalidOptionError);
    expect(() => declareAny(columns)).toThrow(/^t: .*column name/);
  });

  test('refuses __proto__ as a column, in a literal and by name', () => {
    expect(() => declareAny({ __proto__: int() })).toThrow(/plain object/);
    expect(() => declareAny(JSON.parse('{"__proto__":{"kind":"int","options":{}}}'))).toThrow(/column name __proto__/);
  });

  test('refuses two columns that SQL cannot tell apart', () => {
    expect(() => defineResult('t', { dT: float(), dt: float() })).toThrow(
      't: the columns dT and dt differ only by letter case',
    );
  });

  test.each<[string, () => unknown, string]>([
    [
      'a text in an int column',
      () => defineResult('t', { n: int({ default: '1' as unknown as number }) }),
      'the default of t.n: "1" is refused, n takes an integer: pass 1',
    ],
    [
      'a broken integer',
      () => defineResult('t', { n: int({ default: 1.5 }) }),
      'the default of t.n: 1.5 is refused, n takes an integer',
    ],
    [
      'NaN',
      () => defineResult('t', { x: float({ default: Number.NaN }) }),
      'the default of t.x: NaN cannot be part of an id',
    ],
    [
      'null',
      () => defineResult('t', { x: float({ default: null as unknown as number }) }),
      'the default of t.x: null is accepted only in a column declared { nullable: true }',
    ],
    [
      'no choice',
      () => defineResult('t', { m: oneOf(['a', 'b'], { default: 'c' as 'a' }) }),
      'the default of t.m: "c" is not one of "a", "b"',
    ],
    [
      'a Date in JSON',
      () => defineResult('t', { j: json({ default: { at: new Date(0) } as unknown as string }) }),
      'the default of t.j.at: a Date cannot be part of an id; pass plain values',
    ],
    [
      'an unknown option',
      () => defineResult('t', { n: int({ defualt: 1 } as object) }),
      't.n: unknown option "defualt"; did you mean "default"? A column takes default, nullable, unit, description',
    ],
    [
      'what is no column',
      () => defineResult('t', { n: 'int' as unknown as Column }),
      't.n: a column is made by int(), float(), text(), bool(), json() or oneOf()',
    ],
    ['no values', () => oneOf([]), 'oneOf takes a list of at least one value, all texts or all finite numbers'],
    [
      'mixed values',
      () => oneOf(['a', 1] as unknown as string[]),
      'oneOf takes a list of at least one value, all texts or all finite numbers',
    ],
    [
      'NaN as a value',
      () => oneOf([1, Number.NaN]),
      'oneOf takes a list of at least one value, all texts or all finite numbers',
    ],
    ['a value twice', () => oneOf(['a', 'a']), 'oneOf: a value is listed twice'],
    [
      'a value that cannot be stored',
      () => oneOf(['a\0']),
      'oneOf: a text with a NUL character cannot be part of an id',
    ],
  ])('refuses a default, an option or a value at once: %s', (_name, declare, message) => {
    expect(declare).toThrow(InvalidOptionError);
    expect(declare).toThrow(message);
  });
});
