import { describe, expect, it } from 'vitest';
import { geomspace, linspace, logspace, range } from './ranges.js';

describe('[G1] values of an axis', () => {
  it('range stops before stop and holds the decimals that were written', () => {
    expect(range(3)).toEqual([0, 1, 2]);
    expect(range(10, 100, 30)).toEqual([10, 40, 70]);
    expect(range(5, 0, -2)).toEqual([5, 3, 1]);
    expect(range(0, 1, 0.1)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
    expect(range(0, 0.9, 0.3)).toEqual([0, 0.3, 0.6]);
    expect(range(0.05, 0.35, 0.1)).toEqual([0.05, 0.15, 0.25]);
    expect(range(3, 3)).toEqual([]);
    expect(range(0, 1, 1 / 3)).toHaveLength(3);
  });

  it('linspace, logspace and geomspace include both ends', () => {
    expect(linspace(0.001, 0.01, 10)).toEqual([0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.007, 0.008, 0.009, 0.01]);
    expect(linspace(0, 1, 1)).toEqual([0]);
    expect(linspace(1, 0, 3)).toEqual([1, 0.5, 0]);
    const thirds = linspace(0, 1, 4);
    expect(thirds[0]).toBe(0);
    expect(thirds[3]).toBe(1);
    expect(thirds[1]).toBeCloseTo(1 / 3, 14);
    expect(logspace(-3, 0, 4)).toEqual([0.001, 0.01, 0.1, 1]);
    const ratios = geomspace(1e-3, 1, 4);
    expect(ratios[0]).toBe(1e-3);
    expect(ratios[3]).toBe(1);
    expect(ratios[1]).toBeCloseTo(0.01, 14);
    expect(geomspace(-1, -100, 3)[1]).toBeCloseTo(-10, 12);
  });

  it('refuses what never arrives or is no number', () => {
    expect(() => range(0, 1, 0)).toThrow(/step of 0/);
    expect(() => range(0, Number.NaN)).toThrow(/not a finite number/);
    expect(() => linspace(0, 1, 0)).toThrow(/no number of values/);
    expect(() => geomspace(-1, 1, 3)).toThrow(/both ends/);
  });
});
