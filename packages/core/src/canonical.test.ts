// Hostile params: everything that could make two points one, run the user's code twice, or never end, is refused.
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { canonicalJson, compareCodePoints, escapeString, freezeJson, pythonFloat } from './canonical.js';
import { InvalidParamsError } from './errors.js';
import { defineResult, int, json, text } from './model.js';
import { compileSchema, resolvePoint } from './params.js';

const schema = compileSchema(
  defineResult('t', { n: int({ default: 1 }), s: text({ default: '' }), o: json({ default: 0 }) }),
  new Map(),
);

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

function argumentsOf(_n: number): unknown {
  // biome-ignore lint/complexity/noArguments: that odd object is what is tested
  return arguments;
}

function holed(): unknown[] {
  const array: unknown[] = [1];
  array[2] = 3;
  return array;
}

function cyclic(): unknown {
  const value: Record<string, unknown> = { a: [] };
  (value.a as unknown[]).push(value);
  return value;
}

/** 2^60 numbers in 60 arrays. */
function exploding(): unknown {
  let value: unknown = [1, 2];
  for (let i = 0; i < 60; i++) value = [value, value];
  return value;
}

function withHidden(): unknown {
  return Object.defineProperty({ a: 1 }, 'b', { value: 2, enumerable: false });
}

const thrower = {
  get a(): never {
    throw new Error('no');
  },
};
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();

describe('[params: hostile]', () => {
  test.each<[string, unknown, string, RegExp]>([
    ['undefined', { a: undefined }, 'params.o.a', /undefined cannot be part of an id/],
    ['a function', { a: [() => 1] }, 'params.o.a[0]', /a function cannot/],
    ['a class', class A {}, 'params.o', /a function cannot/],
    ['a symbol', [Symbol('x')], 'params.o[0]', /a symbol cannot/],
    ['a BigInt', { a: 1n }, 'params.o.a', /a BigInt cannot/],
    ['NaN', { a: { b: Number.NaN } }, 'params.o.a.b', /NaN cannot/],
    ['Infinity', [Infinity], 'params.o[0]', /Infinity cannot/],
    ['null at the top', null, 'params.o', /null is accepted only/],
    ['a Date', { when: new Date(0) }, 'params.o.when', /a Date cannot be part of an id; pass plain values/],
    ['a Map', new Map([['a', 1]]), 'params.o', /a Map cannot/],
    ['a Set', new Set([1]), 'params.o', /a Set cannot/],
    ['a RegExp', /x/, 'params.o', /a RegExp cannot/],
    ['an Error', new Error('x'), 'params.o', /an Error cannot/],
    ['a promise', Promise.resolve(1), 'params.o', /a Promise cannot/],
    ['a typed array', new Float64Array(2), 'params.o', /a Float64Array cannot/],
    ['a Buffer', Buffer.from('x'), 'params.o', /a Buffer cannot/],
    ['a boxed number', { a: Object(1) }, 'params.o.a', /a Number cannot/],
    ['a boxed string', Object('x'), 'params.o', /a String cannot/],
    [
      'a class instance',
      new (class Mesh {
        a = 1;
      })(),
      'params.o',
      /a Mesh cannot/,
    ],
    ['an object with a prototype', Object.create({ a: 1 }), 'params.o', /cannot be part of an id/],
    ['an object whose prototype has none', Object.create(Object.create(null)), 'params.o', /cannot be part of an id/],
    ['a prototype in a literal', { __proto__: { a: 1 } }, 'params.o', /cannot be part of an id/],
    ['an array of a class', new (class List extends Array {})(), 'params.o', /an array of a class cannot/],
    ['arguments', argumentsOf(1), 'params.o', /a symbol as a key/],
    ['a sparse array', holed(), 'params.o', /an array with holes/],
    ['a very long sparse array', new Array(2 ** 32 - 1), 'params.o', /longer than 1 MiB/],
    ['an array with properties', Object.assign([1], { a: 1 }), 'params.o', /properties of its own/],
    ['an array whose hole is hidden by a property', Object.assign(holed(), { a: 1 }), 'params.o[1]', /holes/],
    ['an array with a symbol', Object.assign([1], { [Symbol('x')]: 1 }), 'params.o', /properties of its own/],
    ['a symbol as a key', { a: 1, [Symbol('x')]: 1 }, 'params.o', /a symbol as a key/],
    ['a hidden key', withHidden(), 'params.o', /hidden/],
    ['a cycle', cyclic(), 'params.o.a[0]', /contains itself/],
    [
      '__proto__ from JSON',
      JSON.parse('{"a":{"__proto__":{"polluted":1}}}'),
      'params.o.a.__proto__',
      /"__proto__" cannot/,
    ],
    ['a lone surrogate', { a: 'x\ud83d' }, 'params.o.a', /lone surrogate/],
    ['a lone surrogate in a key', { '\ude00x': 1 }, 'params.o["\\ude00x"]', /lone surrogate/],
    ['NUL', ['\0'], 'params.o[0]', /NUL/],
    ['NUL in a key', { 'a\0': 1 }, 'params.o["a\\u0000"]', /NUL/],
    ['10 MB of text', { a: 'x'.repeat(10_000_000) }, 'params.o.a', /longer than 1 MiB/],
    ['a key of 10 MB', { ['x'.repeat(10_000_000)]: 1 }, `params.o["${'x'.repeat(40)}…"]`, /longer than 1 MiB/],
    ['text that is too long when escaped', 'é'.repeat(200_000), 'params.o', /longer than 1 MiB/],
    ['a million numbers', new Array(600_000).fill(1), 'params.o', /longer than 1 MiB/],
    ['exponential sharing', exploding(), 'params.o', /longer than 1 MiB/],
    ['65 levels', nested(65), 'params.o', /nested deeper than 64 levels/],
    ['100,000 levels', nested(100_000), 'params.o', /nested deeper than 64 levels/],
    ['a getter that throws', thrower, 'params.o.a', /cannot be read: no/],
    ['a revoked proxy', revoked, 'params.o', /a broken proxy cannot be read/],
    ['toJSON', { toJSON: () => 1 }, 'params.o.toJSON', /a function cannot/],
  ])('refuses %s', (_name, value, path, why) => {
    const before = Reflect.ownKeys(Object.prototype).length;
    const start = performance.now();
    let error: unknown;
    try {
      resolvePoint(schema, { o: value });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(InvalidParamsError);
    const refused = error as InvalidParamsError;
    expect(refused.message).toMatch(why);
    expect(refused.path === path || (/levels|1 MiB/.test(refused.message) && refused.path?.startsWith(path))).toBe(
      true,
    );
    expect(refused.message.startsWith(refused.path ?? '?')).toBe(true);
    expect(refused.message.length).toBeLessThan(600);
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(Reflect.ownKeys(Object.prototype)).toHaveLength(before);
  });

  test.each<[string, unknown, RegExp]>([
    ['__proto__ from JSON', JSON.parse('{"__proto__":{"n":2}}'), /unknown param "__proto__"/],
    ['a prototype in a literal', { __proto__: { n: 2 } }, /is refused, pass a plain object/],
    ['a symbol', { [Symbol('n')]: 1 }, /a symbol names no param/],
    ['a hidden param', Object.defineProperty({}, 'n', { value: 2 }), /hidden/],
    ['what objects inherit', { toString: 1 }, /unknown param "toString"/],
    ['SQL in a name', { 'n"; DROP TABLE t; --': 1 }, /unknown param/],
    ['a path as a name', { '../escaped': 1 }, /unknown param "..\/escaped"/],
    ['a name of 10 MB', { ['n'.repeat(10_000_000)]: 1 }, /unknown param "n{40}…"\./],
    ['10 MB of text', { s: 'x'.repeat(10_000_000) }, /params\.s: a text longer than 1 MiB/],
    ['a lone surrogate', { s: '\ud83d' }, /params\.s: a text with a lone surrogate/],
    ['NUL', { s: 'a\0' }, /params\.s: a text with a NUL/],
    ['params that are too long together', { s: 'x'.repeat(600_000), o: 'x'.repeat(600_000) }, /all params together/],
    [
      'a getter that throws',
      {
        get n(): never {
          throw new Error('no');
        },
      },
      /params: cannot be read: no/,
    ],
    ['a revoked proxy', revoked, /params: cannot be read/],
    ['a text', 'n=1', /"n=1" is refused/],
    ['a Map', new Map([['n', 1]]), /a Map is refused/],
    ['a function', () => ({ n: 1 }), /a function is refused/],
  ])('refuses %s as params', (_name, params, message) => {
    expect(() => resolvePoint(schema, params)).toThrow(InvalidParamsError);
    expect(() => resolvePoint(schema, params)).toThrow(message);
  });

  test('SQL and paths in a value are text like any other', () => {
    const point = resolvePoint(schema, { s: "'; DROP TABLE t; -- ../../etc/passwd" });
    expect(point.id).toMatch(/^[0-9a-f]{16}$/);
  });

  test('reads each getter and each property of a proxy once', () => {
    const reads: string[] = [];
    let next = 0;
    const changing = {
      get n() {
        reads.push('n');
        return ++next;
      },
    };
    expect(resolvePoint(schema, changing)).toMatchObject({ params: { n: 1 }, paramsText: '{"n":1,"o":0,"s":""}' });
    const inner = new Proxy(
      { b: 1, a: [1] },
      {
        get(target, key) {
          reads.push(String(key));
          return Reflect.get(target, key);
        },
      },
    );
    expect(resolvePoint(schema, new Proxy({ o: inner }, {})).paramsText).toBe('{"n":1,"o":{"a":[1],"b":1},"s":""}');
    expect(reads).toEqual(['n', 'a', 'b']);
  });

  test('a polluted prototype gives no params', () => {
    Object.defineProperty(Object.prototype, 'n', { value: 666, configurable: true, enumerable: true, writable: true });
    try {
      expect(resolvePoint(schema, {}).params).toMatchObject({ n: 1 });
      expect(canonicalJson({ a: 1 }, 'params.o')).toBe('{"a":1}');
    } finally {
      delete (Object.prototype as { n?: number }).n;
    }
  });
});

describe('[S5] canonical JSON', () => {
  test('takes plain values of every kind, without a prototype and of another realm too', () => {
    const bare = Object.assign(Object.create(null), { b: [null, true, 'x'], a: 1 });
    expect(canonicalJson(bare, 'p')).toBe('{"a":1,"b":[null,true,"x"]}');
    expect(canonicalJson(runInNewContext('({ b: [1], a: {} })'), 'p')).toBe('{"a":{},"b":[1]}');
    expect(canonicalJson({ constructor: 1, hasOwnProperty: 2, toString: 3 }, 'p')).toBe(
      '{"constructor":1,"hasOwnProperty":2,"toString":3}',
    );
    expect(canonicalJson(nested(64), 'p')).toHaveLength(1 + 32 * 2 + 32 * 6);
  });

  test('the same part twice is no cycle', () => {
    const part = { x: 1 };
    expect(canonicalJson([part, part], 'p')).toBe('[{"x":1},{"x":1}]');
  });

  test('the copy is plain, frozen at every level, and in the order of the text', () => {
    const value = freezeJson({ b: { d: 1, c: [{}] }, a: 1 }, 'p').value as unknown as { b: { c: unknown[] } };
    expect(JSON.stringify(value)).toBe('{"a":1,"b":{"c":[{}],"d":1}}');
    expect([value, value.b, value.b.c, value.b.c[0]].every(Object.isFrozen)).toBe(true);
  });

  test('whole numbers are written as integers up to 2^53 − 1, others as Python writes floats', () => {
    expect(canonicalJson([4.0, 0.5, 2 ** 53 - 1, 2 ** 53, 1e22, -1e-7, -0], 'p')).toBe(
      '[4,0.5,9007199254740991,9007199254740992.0,1e+22,-1e-07,0]',
    );
  });

  test('keys are in the order of code points', () => {
    const keys = ['\u{1f600}', '\uffee', '\ue000', '\u{10ffff}', 'a', 'B', '', 'ab', '\u{1f601}'];
    const expected = [...keys].sort((a, b) => {
      const [x, y] = [[...a], [...b]].map((s) =>
        s.map((c) => (c.codePointAt(0) as number).toString(16).padStart(6, '0')).join(''),
      );
      return (x as string) < (y as string) ? -1 : 1;
    });
    expect(keys.sort(compareCodePoints)).toEqual(expected);
  });

  test('strings are ASCII with short escapes, as json.dumps writes them', () => {
    expect(escapeString('a"\\/\b\t\n\f\r\x01\x7f é😀')).toBe(
      '"a\\"\\\\/\\b\\t\\n\\f\\r\\u0001\\u007f \\u00e9\\ud83d\\ude00"',
    );
  });

  test.each([
    [0, '0.0'],
    [-0, '0.0'],
    [100, '100.0'],
    [1e-7, '1e-07'],
    [1e16, '1e+16'],
    [9999999999999998, '9999999999999998.0'],
    [1e21, '1e+21'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [-1.5e-300, '-1.5e-300'],
    [5e-324, '5e-324'],
  ])('%d is %s', (x, expected) => {
    expect(pythonFloat(x)).toBe(expected);
  });
});
