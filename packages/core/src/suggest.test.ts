import { expect, test } from 'vitest';
import { editDistance, suggest } from './suggest.js';

const NAMES = ['n', 'steps', 'dt', 'method', 'temperature'];

test.each([
  ['stpes', 'steps'],
  ['step', 'steps'],
  ['Method', 'method'],
  ['metod', 'method'],
  ['DT', 'dt'],
  ['td', 'dt'],
  ['tempreture', 'temperature'],
  ['x', undefined],
  ['colour', undefined],
  ['', undefined],
  ['n'.repeat(1_000_000), undefined],
])('[S5] %s is taken for %s', (name, expected) => {
  expect(suggest(name, NAMES)).toBe(expected);
});

test.each([
  ['', '', 0],
  ['abc', '', 3],
  ['abc', 'acb', 1],
  ['kitten', 'sitting', 3],
  ['ca', 'abc', 3],
])('[S5] %s and %s are apart by a known distance', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
  expect(editDistance(b, a)).toBe(distance);
});
