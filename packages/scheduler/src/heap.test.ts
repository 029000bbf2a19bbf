import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Heap } from './heap.js';

describe('a heap', () => {
  it('gives what it was given, in order, whatever comes between', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer(), { freq: 3 })), (steps) => {
        const heap = new Heap<number>((a, b) => a < b);
        let kept: number[] = [];
        for (const step of steps) {
          if (step === null) {
            expect(heap.pop()).toBe(kept.shift());
          } else {
            heap.push(step);
            kept = [...kept, step].sort((a, b) => a - b);
          }
          expect(heap.first).toBe(kept[0]);
          expect(heap.size).toBe(kept.length);
        }
        expect(heap.take(3)).toEqual(kept.slice(0, 3));
        expect(heap.take(Number.POSITIVE_INFINITY)).toEqual(kept.slice(3));
        expect(heap.size).toBe(0);
      }),
    );
  });
});
