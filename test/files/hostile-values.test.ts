// Params that no honest caller passes, through the public API: each is refused by name before anything runs,
// nothing is written, and nothing is changed that all objects share.
import { writeFileSync } from 'node:fs';
import { bool, defineResult, float, int, json, Store, text } from 'entropic';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeEachDatabase, type Place } from '../helpers/databases.js';
import { allRows, snapshot } from '../helpers/lab.js';

// biome-ignore lint/suspicious/noExplicitAny: what the compiler would refuse is what is tried here
type Anything = any;

const Wide = defineResult('toy', {
  n: int(),
  x: float({ default: 1 }),
  s: text({ default: '' }),
  b: bool({ default: true }),
  j: json({ default: {} }),
});

let shared: string[];
const shapes = () => [Object.prototype, Array.prototype].flatMap((prototype) => Reflect.ownKeys(prototype).map(String));
beforeEach(() => {
  shared = shapes();
});
afterEach(() => {
  expect(shapes()).toEqual(shared);
  expect(({} as Anything).polluted).toBeUndefined();
});

function openWide({ resultsDir, dbUrl }: Place, ran: unknown[] = []) {
  const runner = ({ resultFile, ...params }: { resultFile: string }) => {
    ran.push(params);
    writeFileSync(resultFile, 'x');
  };
  return Store.open({ model: Wide, runner, resultsDir, dbUrl });
}

function deep(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

const cycle: Record<string, unknown> = {};
cycle.self = cycle;
const parsed = (text: string) => JSON.parse(text);

/** What is refused, and the path that the message must name. */
const hostile: [why: string, params: unknown, path: string][] = [
  ['a __proto__ of JSON', parsed('{"n":1,"__proto__":{"polluted":true}}'), 'params'],
  ['a __proto__ inside', { n: 1, j: parsed('{"a":{"__proto__":{"polluted":true}}}') }, 'params.j.a'],
  ['a constructor', { n: 1, constructor: { prototype: { polluted: true } } }, 'params.constructor'],
  [
    'a getter that throws',
    {
      get n() {
        throw new Error('boo');
      },
    },
    'params',
  ],
  [
    'a proxy that throws',
    new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('boo');
        },
      },
    ),
    'params',
  ],
  [
    'a class instance',
    new (class Params {
      n = 1;
    })(),
    'params',
  ],
  ['a Map', new Map([['n', 1]]), 'params'],
  ['a hidden param', Object.defineProperty({ n: 1 }, 'x', { value: 2, enumerable: false }), 'params'],
  ['a symbol', { n: 1, [Symbol('x')]: 1 }, 'params'],
  ['an unknown name', { n: 1, m: 2 }, 'params.m'],
  ['a reserved name', { n: 1, id: '../x' }, 'params.id'],
  ['a reserved name of the database', { n: 1, result_file: '/etc/passwd' }, 'params.result_file'],
  ['10 MB of text', { n: 1, s: 'x'.repeat(10 * 2 ** 20) }, 'params.s'],
  ['10 MB of JSON', { n: 1, j: ['x'.repeat(10 * 2 ** 20)] }, 'params.j[0]'],
  ['a depth of 100,000', { n: 1, j: deep(100_000) }, 'params.j'],
  ['a depth of 65', { n: 1, j: deep(65) }, 'params.j'],
  ['a cycle', { n: 1, j: cycle }, 'params.j'],
  ['NaN', { n: 1, x: Number.NaN }, 'params.x'],
  ['infinity', { n: 1, x: Number.POSITIVE_INFINITY }, 'params.x'],
  ['a NUL character', { n: 1, s: 'a\0b' }, 'params.s'],
  ['half a character', { n: 1, s: '\ud800' }, 'params.s'],
  ['a number as text', { n: '1' }, 'params.n'],
  ['a number that is no integer', { n: 1.5 }, 'params.n'],
  ['2^53', { n: 2 ** 53 }, 'params.n'],
  ['a BigInt', { n: 1n }, 'params.n'],
  ['a boxed number', { n: Object(1) }, 'params.n'],
  ['a function', { n: 1, j: { f: () => 1 } }, 'params.j.f'],
  ['a date', { n: 1, j: { d: new Date(0) } }, 'params.j.d'],
  ['a hole', { n: 1, j: new Array(3) }, 'params.j'],
  ['undefined', undefined, 'params'],
  ['null', null, 'params'],
  ['an array', [1], 'params'],
];

describeEachDatabase('hostile params', (db) => {
  it('[fault: hostile-params] are refused by name and path, and nothing is run or written', async () => {
    const place = await db.fresh();
    const ran: unknown[] = [];
    await using store = await openWide(place, ran);
    const before = { files: snapshot(place.resultsDir), rows: await allRows(place) };
    for (const [why, params, path] of hostile as [string, Anything, string][]) {
      for (const call of [store.run(params), store.runOrRetrieve(params), store.retrieve(params)]) {
        const error = await call.then(
          () => why,
          (reason: Anything) => reason,
        );
        expect(error, why).toMatchObject({ code: 'ENTROPIC_INVALID_PARAMS' });
        expect(error.path, why).toMatch(path);
        expect(error.message, why).toContain(path);
        expect(error.message.length, why).toBeLessThan(2000);
      }
      if (params === undefined || params === null) continue;
      await expect(store.sweep([{ n: 5 }, params]), why).rejects.toMatchObject({
        code: 'ENTROPIC_INVALID_PARAMS',
        message: expect.stringContaining('points[1]'),
      });
    }
    expect(ran).toEqual([]);
    expect({ files: snapshot(place.resultsDir), rows: await allRows(place) }).toEqual(before);
  });

  it('[fault: hostile-params] that are only odd are kept as they are', async () => {
    const place = await db.fresh();
    const ran: Anything[] = [];
    await using store = await openWide(place, ran);
    const odd = [
      { n: 1, s: "'; DROP TABLE toy; --" },
      { n: 1, s: '\\"\u2028\u{1f9ea}%s$1?' },
      { n: 1, s: 'x'.repeat(500_000) },
      { n: 1, j: { constructor: 1, toString: 'x', hasOwnProperty: null } },
      { n: 1, j: [[], {}, '', null, -0, 1e-7, 1e300] },
      { n: -0, x: 5e-324 },
      { n: Number.MAX_SAFE_INTEGER, x: Number.MAX_VALUE },
    ];
    const records = await store.sweep(odd);
    expect(ran).toHaveLength(odd.length);
    for (const [i, params] of odd.entries()) {
      const plain = parsed(JSON.stringify(params));
      expect(records[i], `odd[${i}]`).toMatchObject(plain);
      expect(await store.retrieve(params), `odd[${i}]`).toMatchObject(plain);
      expect(await store.get(records[i]?.id as string), `odd[${i}]`).toMatchObject(plain);
    }
    expect(ran).toHaveLength(odd.length);
  });
});
