import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PointIndex, Uint32List } from './point-index.js';

const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** The oracle: a Map from id to the order of first appearance. */
function compare(ids: Iterable<string>): void {
  const index = new PointIndex();
  const oracle = new Map<string, number>();
  for (const id of ids) {
    const isNew = !oracle.has(id);
    if (isNew) oracle.set(id, oracle.size);
    const got = index.add(id);
    if (got.isNew !== isNew || got.index !== oracle.get(id)) {
      throw new Error(`${id}: ${JSON.stringify(got)} instead of ${isNew} ${oracle.get(id)}`);
    }
  }
  expect(index.size).toBe(oracle.size);
  for (const [id, place] of oracle)
    if (index.idAt(place) !== id) throw new Error(`${place}: ${index.idAt(place)}, ${id}`);
}

describe('the index of distinct points', () => {
  it('[S10] numbers ids in the order in which they first come, as a Map does, through every growth', () => {
    compare(
      (function* () {
        for (let n = 0; n < 300_000; n++) {
          yield digest(String(n));
          // Again, from all that was: the table grows while it is asked.
          if (n % 3 === 0) yield digest(String((n * 7919) % (n + 1)));
        }
      })(),
    );
  });

  it('[S10] tells any ids apart: of the same low word, of the same high word, with leading zeros', () => {
    const words = fc.constantFrom('00000000', '00000001', '7fffffff', '80000000', 'ffffffff', '00000800', '0000ffff');
    const ids = fc.tuple(words, words).map((pair) => pair.join(''));
    const anyId = fc.stringMatching(/^[0-9a-f]{16}$/);
    fc.assert(
      fc.property(fc.array(fc.oneof(ids, anyId), { maxLength: 200 }), (list) => {
        compare(list);
      }),
      { numRuns: 200 },
    );
  });

  it('[S10] finds ids whose slots are all one beside the other', () => {
    // The same low word: the same first slot for all of them.
    compare(Array.from({ length: 3000 }, (_, n) => `${n.toString(16).padStart(8, '0')}00000007`));
  });
});

describe('a list of 32-bit numbers', () => {
  it('keeps what was pushed through every growth', () => {
    const list = new Uint32List();
    for (let n = 0; n < 5000; n++) list.push((n * 2_654_435_761) % 2 ** 32);
    expect(list.length).toBe(5000);
    for (let n = 0; n < 5000; n++) expect(list.at(n)).toBe((n * 2_654_435_761) % 2 ** 32);
  });
});
