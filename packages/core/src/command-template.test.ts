// Placeholders in arguments.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPlaceholders, fillArgument, parseArgument } from './command-template.js';

const fill = (argument: string, values: Record<string, string>) =>
  fillArgument(parseArgument(argument), new Map(Object.entries(values)));

describe('arguments of a command', () => {
  it.each([
    ['', ''],
    ['plain', 'plain'],
    ['{n}', '7'],
    ['--n={n}', '--n=7'],
    ['{n}{dt}{n}', '70.17'],
    ['a{n}b{dt}c', 'a7b0.1c'],
    ['{{n}}', '{n}'],
    ['{{{n}}}', '{7}'],
    ['{{{{', '{{'],
    ['$(x) `y` "{n}"', '$(x) `y` "7"'],
  ])('%j gives %j', (argument, filled) => {
    expect(fill(argument, { n: '7', dt: '0.1' })).toBe(filled);
  });

  it.each(['{', '}', '{}', '{ n }', '{n', 'n}', '{n:d}', '{1}', '{{n}', '{n}}', 'a{x y}'])(
    '%j is refused',
    (argument) => {
      expect(() => parseArgument(argument)).toThrow(/is part of no placeholder.*write it twice/);
    },
  );

  it('give back any text whose braces were doubled, and put values in as they are', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (before, value, after) => {
        const doubled = (text: string) => text.replace(/[{}]/g, '$&$&');
        expect(fill(`${doubled(before)}{n}${doubled(after)}`, { n: value })).toBe(before + value + after);
      }),
    );
  });

  it('name columns of the model or the result file', () => {
    const check = (argument: string) => checkPlaceholders([parseArgument(argument)], ['n', 'method']);
    expect(() => check('{n} {method} {result_file} {{x}}')).not.toThrow();
    expect(() => check('{methd}')).toThrow(/placeholder \{methd\}.*did you mean \{method\}\?/);
    expect(() => check('{elsewhere}')).toThrow(/there are \{n\}, \{method\}, \{result_file\}/);
  });
});
