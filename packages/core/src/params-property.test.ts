// Properties of ids over random params. The judges are written here, apart from the code: an equality of params, and a
// writer of canonical text. CI runs 100,000 cases, elsewhere 5,000.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bool, defineResult, float, int, json, text } from './model.js';
import { compileSchema, defaultTexts, fillFrozenDefaults, resolvePoint, splitCanonical } from './params.js';

const numRuns = process.env.CI ? 100_000 : 5_000;
const timeout = 300_000;

const model = defineResult('t', {
  i: int({ default: 1 }),
  f: float(),
  s: text({ default: '' }),
  b: bool(),
  maybe: int({ nullable: true, default: null }),
  j: json({ default: {} }),
});
const schema = compileSchema(model, defaultTexts(model));

/** Few values, so that two draws are often nearly the same; and any. */
const someInt = fc.oneof(fc.constantFrom(0, -0, 1, -1, 10, 2 ** 53 - 1), fc.maxSafeInteger());
const someFloat = fc.oneof(
  fc.constantFrom(0, -0, 1, 0.1, 0.1 + 0.2, 0.3, 1e-13, 2e-13, 1e16, 1e16 + 2, 5e-324, 1e21),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const someText = fc.oneof(
  fc.constantFrom('', '1', 'null', '{}', 'é', 'e\u0301', '","s":"', '\\u00e9', '\u{1f600}'),
  fc.string({ unit: 'binary' }).filter((s) => !s.includes('\0')),
);
const { value: someJson } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, 0, 1, '0', 1.5),
    someFloat,
    someText,
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .dictionary(fc.oneof(fc.constantFrom('a', 'b', '\uffee', '\u{1f600}'), someText), tie('value'), { maxKeys: 4 })
      .filter((object) => !Object.hasOwn(object, '__proto__')),
  ),
}));
const someParams = fc.record({
  i: someInt,
  f: someFloat,
  s: someText,
  b: fc.boolean(),
  maybe: fc.option(someInt),
  j: someJson.filter((value) => value !== null),
});

/** Same params: numbers by value (0 is −0), lists in order, objects by their keys. */
function equal(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(x);
  if (keys.length !== Object.keys(y).length) return false;
  return keys.every((key) => Object.hasOwn(y, key) && equal(x[key], y[key]));
}

/** JavaScript's digits (python3 is their judge in id.test.ts), placed by hand as Python's repr places them. */
function oracleFloat(x: number): string {
  if (x === 0) return '0.0';
  const [mantissa = '', power = '0'] = JSON.stringify(Math.abs(x)).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const zeros = /^0*/.exec(whole + fraction)?.[0].length ?? 0;
  const exponent = Number(power) + whole.length - 1 - zeros;
  const digits = (whole + fraction).slice(zeros).replace(/0+$/, '');
  const sign = x < 0 ? '-' : '';
  if (exponent < -4 || exponent >= 16) {
    const rest = digits.length > 1 ? `.${digits.slice(1)}` : '';
    return `${sign}${digits[0]}${rest}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  return `${sign}${digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')}.${digits.slice(exponent + 1) || '0'}`;
}

function oracleText(s: string): string {
  return JSON.stringify(s).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** As RFC 8785 sorts and nests, but by code points, in ASCII and with Python's floats. */
function oracleJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value + 0) : oracleFloat(value);
  if (typeof value === 'string') return oracleText(value);
  if (Array.isArray(value)) return `[${value.map(oracleJson).join(',')}]`;
  const wide = (s: string) =>
    Buffer.from([...s].flatMap((c) => [0, 8, 16].map((n) => ((c.codePointAt(0) as number) >> (16 - n)) & 255)));
  const entries = Object.entries(value as object).sort(([a], [b]) => Buffer.compare(wide(a), wide(b)));
  return `{${entries.map(([key, item]) => `${oracleText(key)}:${oracleJson(item)}`).join(',')}}`;
}

function oracle(params: { i: number; f: number; s: string; b: boolean; maybe: number | null; j: unknown }): string {
  const { i, f, s, b, maybe, j } = params;
  const numbers = `"f":${oracleFloat(f)},"i":${i + 0},"j":${oracleJson(j)},"maybe":${maybe === null ? null : maybe + 0}`;
  return `{"b":${b},${numbers},"s":${oracleText(s)}}`;
}

const inherited = Reflect.ownKeys(Object.prototype);

test(
  '[S5][id: property] two params have one text, and one id, if and only if they are equal',
  () => {
    const mutated = fc.tuple(someParams, someParams, fc.subarray(['i', 'f', 's', 'b', 'maybe', 'j'] as const));
    const ids = new Map<string, string>();
    fc.assert(
      fc.property(mutated, ([a, other, kept]) => {
        const b = { ...other, ...Object.fromEntries(kept.map((name) => [name, a[name]])) };
        const [x, y] = [resolvePoint(schema, a), resolvePoint(schema, b)];
        const same = equal(a, b);
        expect(x.paramsText === y.paramsText).toBe(same);
        expect(x.idText === y.idText).toBe(same);
        for (const { id, paramsText } of [x, y]) {
          expect(id).toMatch(/^[0-9a-f]{16}$/);
          expect(ids.get(id) ?? paramsText).toBe(paramsText);
          ids.set(id, paramsText);
        }
      }),
      { numRuns },
    );
    expect(Reflect.ownKeys(Object.prototype)).toEqual(inherited);
  },
  timeout,
);

test(
  '[S5][id: property] the text is what an independent writer gives, and the params are what it says',
  () => {
    fc.assert(
      fc.property(someParams, (params) => {
        const point = resolvePoint(schema, params);
        expect(point.paramsText).toBe(oracle(params));
        expect(equal(JSON.parse(point.paramsText), params)).toBe(true);
        expect(equal(point.params, params)).toBe(true);
        // Whatever was left out of the id comes back from the frozen defaults.
        expect(fillFrozenDefaults(schema, point.idText)).toBe(point.paramsText);
        expect([...splitCanonical(point.paramsText).keys()]).toEqual(['b', 'f', 'i', 'j', 'maybe', 's']);
        // A point's own params are its params: a worker resolves them again.
        expect(resolvePoint(schema, point.params)).toEqual(point);
      }),
      { numRuns },
    );
    expect(Reflect.ownKeys(Object.prototype)).toEqual(inherited);
  },
  timeout,
);

test(
  '[S5][id: property] anything at all is either a point or refused by its path',
  () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withNullPrototype: true,
      withObjectString: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        try {
          const point = resolvePoint(schema, { f: 1, b: true, j: value });
          expect(equal(JSON.parse(point.paramsText).j, point.params.j)).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ENTROPIC_INVALID_PARAMS' });
          expect((error as { path: string }).path).toMatch(/^params\.j/);
        }
      }),
      { numRuns },
    );
    expect(Reflect.ownKeys(Object.prototype)).toEqual(inherited);
  },
  timeout,
);
