import { InvalidOptionError } from '@entropic/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandGrid, grid } from './grid.js';

const collect = async <P>(points: AsyncIterable<P>): Promise<P[]> => {
  const all: P[] = [];
  for await (const point of points) all.push(point);
  return all;
};

describe('[G1] a grid', () => {
  it('runs through its product with the last axis fastest', async () => {
    const points = [
      { n: 1, dt: 0.1 },
      { n: 1, dt: 0.2 },
      { n: 2, dt: 0.1 },
      { n: 2, dt: 0.2 },
    ];
    expect(expandGrid({ n: [1, 2], dt: [0.1, 0.2] })).toEqual(points);
    expect(await collect(grid({ n: [1, 2], dt: [0.1, 0.2] }))).toEqual(points);
    expect(await collect(grid({ n: [1, 2] }).times({ dt: [0.1, 0.2] }))).toEqual(points);
  });

  it('has no points with an empty axis, and one without axes', () => {
    expect(grid({ n: [], dt: [1, 2] }).count()).toBe(0);
    expect(expandGrid({})).toEqual([{}]);
  });

  it('pairs, joins, filters, derives and repeats', async () => {
    expect(await collect(grid({ n: [1, 2] }).zip({ m: [3, 4] }))).toEqual([
      { n: 1, m: 3 },
      { n: 2, m: 4 },
    ]);
    expect(await collect(grid({ n: [1] }).concat({ n: [5] }))).toEqual([{ n: 1 }, { n: 5 }]);
    const filtered = grid({ n: [1, 2, 3] }).where((p) => p.n !== 2);
    expect(await collect(filtered)).toEqual([{ n: 1 }, { n: 3 }]);
    expect(filtered.count()).toBe(2);
    expect(await collect(grid({ n: [2] }).derive({ square: (p) => p.n * p.n }))).toEqual([{ n: 2, square: 4 }]);
    expect(await collect(filtered.repeat(2))).toEqual([
      { n: 1, seed: 0 },
      { n: 1, seed: 1 },
      { n: 3, seed: 0 },
      { n: 3, seed: 1 },
    ]);
    expect(expandGrid(grid({ n: [1] }).repeat(2, 'trial'))).toEqual([
      { n: 1, trial: 0 },
      { n: 1, trial: 1 },
    ]);
  });

  it('counts a billion points without making one', () => {
    const thousand = Array.from({ length: 1000 }, (_, i) => i);
    expect(grid({ a: thousand, b: thousand, c: thousand }).count()).toBe(1e9);
  });

  it('refuses what cannot be meant', () => {
    // @ts-expect-error an axis is an array
    expect(() => grid({ n: 5 })).toThrow(/axis "n" must be an array of values, not 5; write n: \[5\]/);
    expect(() => grid({ n: [1, 2] }).zip({ m: [1] })).toThrow(InvalidOptionError);
    expect(() => expandGrid(grid({ n: [1] }).times({ n: [2] }))).toThrow(/both sides have the param "n"/);
    expect(() => grid({ n: [1] }).repeat(1.5)).toThrow(/no whole number/);
    const huge = Array.from({ length: 100_000 }, (_, i) => i);
    expect(() => grid({ a: huge, b: huge, c: huge, d: huge })).toThrow(/more than can be counted/);
  });

  it('is not changed by what happens to its arrays, nor by its own methods', async () => {
    const n = [1, 2];
    const base = grid({ n });
    base.where(() => false);
    n.push(3);
    expect(await collect(base)).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('agrees with nested loops for any shape', () => {
    const axis = fc.array(fc.integer(), { maxLength: 5 });
    fc.assert(
      fc.property(axis, axis, axis, (a, b, c) => {
        const expected = a.flatMap((x) => b.flatMap((y) => c.map((z) => ({ a: x, b: y, c: z }))));
        expect(expandGrid({ a, b, c })).toEqual(expected);
        expect(expandGrid(grid({ a }).times({ b }).times({ c }))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});
