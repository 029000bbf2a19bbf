// Values of an axis. Plain arrays: they are small, and users look at them.
import { InvalidOptionError } from '@entropic/core';
import { show } from '@entropic/core/internal';

/** Decimals beyond this are noise of the arithmetic, not of what the user wrote. */
const MAX_DECIMALS = 12;

/**
 * `start`, `start + step`, … before `stop`, as Python's `range`; of one number, from 0 in steps of 1. Values are rounded to the
 * decimals of start and step where these have 12 or fewer: `range(0, 1, 0.1)` holds 0.7.
 */
export function range(stop: number): number[];
export function range(start: number, stop: number, step?: number): number[];
export function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  for (const value of [start, stop, step]) finite(value, 'range');
  if (step === 0) throw new InvalidOptionError('range: a step of 0 never arrives');
  // A stop that is missed only by the rounding of the division is the stop, which is left out.
  const steps = (stop - start) / step;
  const count = Math.max(0, Math.ceil(steps - 1e-9 * Math.max(1, Math.abs(steps))));
  const round = rounder(start, step);
  return Array.from({ length: count }, (_, i) => round(start + i * step));
}

/** `n` values from `a` to `b`, both included, at equal distances; rounded to the decimals of the distance where it has 12 or fewer. */
export function linspace(a: number, b: number, n: number): number[] {
  checkEnds(a, b, n, 'linspace');
  if (n === 1) return [a];
  const step = (b - a) / (n - 1);
  const round = rounder(a, step);
  return Array.from({ length: n }, (_, i) => (i === n - 1 ? b : round(a + i * step)));
}

/** `n` powers of 10, their exponents from `a` to `b` at equal distances, both included, as NumPy's: `logspace(-2, 0, 3)` is 0.01, 0.1, 1. */
export function logspace(a: number, b: number, n: number): number[] {
  return linspace(a, b, n).map((exponent) => (Number.isInteger(exponent) ? Number(`1e${exponent}`) : 10 ** exponent));
}

/** `n` values from `a` to `b`, both included, each the same multiple of the one before. Neither end may be 0, nor their signs differ. */
export function geomspace(a: number, b: number, n: number): number[] {
  checkEnds(a, b, n, 'geomspace');
  if (a === 0 || b === 0 || a > 0 !== b > 0)
    throw new InvalidOptionError('geomspace: both ends must be above 0, or both below');
  const ratio = Math.log(b / a) / Math.max(1, n - 1);
  return Array.from({ length: n }, (_, i) => (i === 0 ? a : i === n - 1 ? b : a * Math.exp(ratio * i)));
}

function rounder(start: number, step: number): (value: number) => number {
  const decimals = Math.max(decimalsOf(start), decimalsOf(step));
  return decimals > MAX_DECIMALS ? (value) => value : (value) => Number(value.toFixed(decimals));
}

/** Decimals of the shortest text of a number: 0.25 has 2, 1e-7 has 7. */
function decimalsOf(value: number): number {
  const [digits = '', exponent = '0'] = String(value).split('e');
  return Math.max(0, (digits.split('.')[1]?.length ?? 0) - Number(exponent));
}

function checkEnds(a: number, b: number, n: number, name: string): void {
  finite(a, name);
  finite(b, name);
  if (!Number.isSafeInteger(n) || n < 1)
    throw new InvalidOptionError(`${name}: ${show(n)} is no number of values; give a whole number from 1`);
}

function finite(value: unknown, name: string): void {
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new InvalidOptionError(`${name}: ${show(value)} is not a finite number`);
}
