// Ids: golden vectors that never change, Python's ids, Python's float texts.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { canonicalJson, pythonFloat } from './canonical.js';
import { idOf } from './id.js';
import { bool, type Column, defineResult, float, int, json, text } from './model.js';
import { compileSchema, defaultTexts, fillFrozenDefaults, resolvePoint, splitCanonical } from './params.js';

const MAKERS = { int, float, text, bool, json } as unknown as Record<string, (options: object) => Column>;

type ColumnSpec = readonly [name: string, kind: string, options: object];

function schemaOf(specs: readonly ColumnSpec[]) {
  const columns = Object.fromEntries(specs.map(([name, kind, options]) => [name, MAKERS[kind]?.(options) as Column]));
  const model = defineResult('results', columns);
  return compileSchema(model, defaultTexts(model));
}

function readLines<T>(file: string): T[] {
  const lines = readFileSync(new URL(`./testdata/${file}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}

// Frozen: a changed id loses every stored result. Recorded with CPython 3.11 (json.dumps with sorted keys, ASCII only;
// hashlib), not with this library.
interface Golden {
  note: string;
  columns: ColumnSpec[];
  params: object;
  paramsText: string;
  idText: string;
  id: string;
}

describe('[S5][id: golden]', () => {
  const vectors = readLines<Golden>('golden-ids.jsonl');

  test('all 74 vectors are there, those of the README first', () => {
    expect(vectors).toHaveLength(74);
    expect(vectors[0]).toMatchObject({ params: { n: 100, steps: 5000, dt: 0.01 }, id: 'f444a074a2e52bf9' });
    expect(vectors[1]).toMatchObject({ params: { n: 100 }, id: 'b39022c4ed96525c' });
  });

  test.each(vectors.map((vector) => [vector.note, vector] as const))('%s', (_note, vector) => {
    const schema = schemaOf(vector.columns);
    const point = resolvePoint(schema, vector.params);
    expect(point).toMatchObject({ paramsText: vector.paramsText, idText: vector.idText, id: vector.id });
    // The texts carry the values: what JSON reads from them is what the runner gets.
    expect(point.params).toEqual(JSON.parse(vector.paramsText));
    expect(Object.keys(point.params)).toEqual(vector.columns.map(([name]) => name));
    expect(resolvePoint(schema, point.params)).toEqual(point);
    expect(splitCanonical(vector.paramsText).size).toBe(vector.columns.length);
    expect(fillFrozenDefaults(schema, vector.idText)).toBe(vector.paramsText);
  });
});

// Recorded with the Python package entropic 2.3.0: i int, f float, s text, b bool, n null, l list, d object.
type PythonValue =
  | ['i' | 'f' | 's', string]
  | ['b', boolean]
  | ['n']
  | ['l', PythonValue[]]
  | ['d', [string, PythonValue][]];

interface PythonVector {
  params: ['d', [string, PythonValue][]];
  canonical: string;
  id: string;
}

const ROUNDED = 'rounded by Python to 12 decimals';

/** Why a value has another id here, or undefined when it must have the same. */
function whyLeftOut(value: PythonValue, inJson = false): string | undefined {
  switch (value[0]) {
    case 'i':
      return Number.isSafeInteger(Number(value[1])) ? undefined : 'an integer beyond 2^53 − 1';
    case 'f': {
      const x = Number(value[1]);
      if (!/^-?[\d.]+(e[+-]?\d+)?$/.test(value[1])) return 'NaN or infinite';
      if (Object.is(x, -0)) return 'minus zero';
      // Exact decimal rounding, as Python's round(x, 12); from 1e21 toFixed gives the number itself.
      if (Number(x.toFixed(12)) !== x) return ROUNDED;
      return inJson && Number.isInteger(x) ? 'a whole float inside JSON, where it has no type' : undefined;
    }
    case 'l':
      return value[1].map((item) => whyLeftOut(item, true)).find((why) => why !== undefined);
    case 'd':
      return value[1].map(([, item]) => whyLeftOut(item, true)).find((why) => why !== undefined);
    default:
      return undefined;
  }
}

function plainOf(value: PythonValue): unknown {
  switch (value[0]) {
    case 'i':
    case 'f':
      return Number(value[1]);
    case 's':
    case 'b':
      return value[1];
    case 'n':
      return null;
    case 'l':
      return value[1].map(plainOf);
    case 'd':
      return Object.fromEntries(value[1].map(([name, item]) => [name, plainOf(item)]));
  }
}

const KINDS = { i: 'int', f: 'float', s: 'text', b: 'bool', n: 'int', l: 'json', d: 'json' } as const;

function schemaFor(params: [string, PythonValue][]) {
  return schemaOf(params.map(([name, [type]]) => [name, KINDS[type], { nullable: type === 'n' }]));
}

describe('[S5][id: python]', () => {
  const vectors = readLines<PythonVector>('python-ids.jsonl');
  const left: Record<string, number> = {};
  const kept: PythonVector[] = [];
  const rounded: PythonVector[] = [];
  for (const vector of vectors) {
    const why = vector.params[1].map(([, value]) => whyLeftOut(value)).find((found) => found !== undefined);
    if (why === undefined) kept.push(vector);
    else left[why] = (left[why] ?? 0) + 1;
    if (vector.params[1].every(([, value]) => (whyLeftOut(value) ?? ROUNDED) === ROUNDED) && why) rounded.push(vector);
  }

  test('it is known which vectors are left out, and why', () => {
    expect({ all: vectors.length, kept: kept.length, left }).toEqual({
      all: 186,
      kept: 113,
      left: {
        'NaN or infinite': 3,
        'a whole float inside JSON, where it has no type': 1,
        'an integer beyond 2^53 − 1': 27,
        [ROUNDED]: 42,
      },
    });
  });

  test('nothing is left out for rounding that would have had the same text', () => {
    const same = rounded.filter(
      ({ params, canonical }) => resolvePoint(schemaFor(params[1]), plainOf(params)).idText === canonical,
    );
    expect(rounded.length).toBeGreaterThan(20);
    expect(same).toEqual([]);
  });

  test('params have the id that Python gave them', () => {
    let asTable = 0;
    for (const { params, canonical, id } of kept) {
      const plain = plainOf(params) as object;
      if (params[1].every(([name]) => /^[a-z_]+$/i.test(name) && name !== 'id')) {
        expect(resolvePoint(schemaFor(params[1]), plain)).toMatchObject({ idText: canonical, id });
        asTable++;
      } else {
        // Names that no column can have: as one JSON value they have the same text.
        expect(canonicalJson(plain, 'params')).toBe(canonical);
        expect(idOf(canonical)).toBe(id);
      }
    }
    expect({ asTable, asJson: kept.length - asTable }).toEqual({ asTable: 111, asJson: 2 });
  });
});

describe('[S5][id: python]', () => {
  const python = spawnSync('python3', ['--version']).status === 0;

  test.skipIf(!python && !process.env.CI)(
    '20,000 random floats are written as python3 writes them (needs python3)',
    () => {
      const bytes = new DataView(new ArrayBuffer(8));
      const floats: number[] = [];
      while (floats.length < 20_000) {
        const kind = floats.length % 5;
        bytes.setUint32(0, Math.random() * 2 ** 32);
        bytes.setUint32(4, Math.random() * 2 ** 32);
        // Subnormals; decimals as people write them; edges of the exponent form; halfway between decimals; any bits.
        if (kind === 0) bytes.setUint16(0, bytes.getUint16(0) & 0x800f);
        let x = bytes.getFloat64(0);
        if (kind === 1) x = Number((Math.random() * 10 ** (floats.length % 9)).toFixed(floats.length % 13));
        if (kind === 2) x = Math.round(Math.random() * 1e6) * 10 ** (Math.floor(Math.random() * 32) - 12);
        if (kind === 3) x = Math.floor(Math.random() * 2 ** 53) * 2 ** -(floats.length % 12);
        if (Number.isFinite(x) && !Object.is(x, -0)) floats.push(x);
      }
      const hex = floats.map((x) => {
        bytes.setFloat64(0, x);
        return bytes.getBigUint64(0).toString(16).padStart(16, '0');
      });
      const program =
        'import sys,struct\nfor l in sys.stdin: print(repr(struct.unpack(">d",bytes.fromhex(l.strip()))[0]))';
      const { stdout, stderr } = spawnSync('python3', ['-c', program], { input: hex.join('\n'), encoding: 'utf8' });
      expect(stderr).toBe('');
      expect(floats.map(pythonFloat)).toEqual(stdout.trimEnd().split('\n'));
    },
  );
});
