import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Batch, DONE, FREE, TAKEN } from './batch.js';
import { BatchSizes } from './batch-sizes.js';
import { Fifo } from './fifo.js';
import type { SlotResult } from './slot-work.js';

const code = { file: 'a.mjs', url: 'file:///a.ts', export: 'default' };
const call = { code };

describe('[D1] a batch', () => {
  it('answers each call once, values and errors at their places', () => {
    const batch = new Batch('calls', ['a', 'b', 'c', 'd'], 10);
    const seen: [string, SlotResult][] = [];
    const take = (call: string, result: SlotResult) => seen.push([call, result]);
    const error = { kind: 'error', error: { name: 'Error', message: 'no' }, reason: 'exception' } as const;
    batch.settle({ first: 12, values: ['C'] }, take);
    expect(batch.open).toBe(3);
    batch.settle({ first: 10, values: [undefined, 'B'], errors: [[0, error]] }, take);
    expect(seen).toEqual([
      ['c', { kind: 'value', value: 'C' }],
      ['a', error],
      ['b', { kind: 'value', value: 'B' }],
    ]);
    expect([9, 10, 13, 14].map((key) => batch.has(key))).toEqual([false, true, true, false]);
    expect(batch.open).toBe(1);
  });

  it('gives back what the slot has not begun, once', () => {
    const batch = new Batch('calls', ['a', 'b', 'c', 'd'], 1);
    Atomics.store(batch.flags, 0, DONE);
    Atomics.store(batch.flags, 1, TAKEN);
    expect(batch.recall(0)).toBe(false);
    expect(batch.recall(1)).toBe(false);
    expect(batch.recall(2)).toBe(true);
    expect(batch.recall(2)).toBe(false);
    expect(batch.recallAll()).toEqual(['d']);
    expect(batch.open).toBe(2);
    // The slot sees it too: nobody takes what was given back.
    expect(Atomics.compareExchange(batch.flags, 3, FREE, TAKEN)).not.toBe(FREE);
  });

  it('knows after the death of its slot what ran, what was lost, and what was answered or given back', () => {
    const batch = new Batch('calls', ['answered', 'lost', 'running', 'free', 'back'], 1);
    batch.flags.set([DONE, DONE, TAKEN, FREE, FREE]);
    batch.settle({ first: 1, values: [1] }, () => {});
    batch.recall(4);
    expect(batch.lost()).toEqual({ running: ['running'], others: ['lost', 'free'] });
    // A task that has run is not run again.
    const tasks = new Batch('tasks', ['lost', 'running', 'free'], 1);
    tasks.flags.set([DONE, TAKEN, FREE]);
    expect(tasks.lost()).toEqual({ running: ['lost', 'running'], others: ['free'] });
  });
});

describe('[D1] how many calls go together', () => {
  it('one at first, more while they are tiny, one again when they take long', () => {
    const sizes = new BatchSizes();
    expect(sizes.next(call, 1000, 2)).toBe(1);
    sizes.learn(call, 1, 0.05);
    expect(sizes.next(call, 1e6, 2)).toBe(4);
    sizes.learn(call, 4, 0.06);
    expect(sizes.next(call, 1e6, 2)).toBe(16);
    sizes.learn(call, 16, 160);
    expect(sizes.next(call, 1e6, 2)).toBe(1);
    expect(sizes.next({ code: { ...code, export: 'other' } }, 1e6, 2)).toBe(1);
    // A run with a result to seal takes longer than the function alone.
    sizes.learn(call, 1, 0.05);
    expect(sizes.next({ code, task: {} }, 1e6, 2)).toBe(1);
  });

  it('never so many that the other slots have none', () => {
    const sizes = new BatchSizes();
    for (let i = 0; i < 10; i++) sizes.learn(call, 4 ** i, 0.01);
    expect(sizes.next(call, 1e6, 2)).toBe(4096);
    expect(sizes.next(call, 400, 2)).toBe(100);
    expect(sizes.next(call, 3, 2)).toBe(1);
    expect(sizes.next(call, 1, 1)).toBe(1);
  });
});

describe('[D1] first in, first out', () => {
  it('as an array does it, whatever is pushed, shifted and put back', () => {
    const operations = fc.array(
      fc.oneof(
        fc.record({ push: fc.nat(50) }),
        fc.record({ shift: fc.nat(1500) }),
        fc.record({ putBack: fc.array(fc.nat(), { maxLength: 5 }) }),
        fc.constant({ pushMany: 2000 }),
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(operations, (steps) => {
        const fifo = new Fifo<number>();
        let model: number[] = [];
        for (const step of steps) {
          if ('push' in step) {
            fifo.push(step.push);
            model.push(step.push);
          } else if ('pushMany' in step) {
            for (let i = 0; i < step.pushMany; i++) {
              fifo.push(i);
              model.push(i);
            }
          } else if ('putBack' in step) {
            fifo.putBack(step.putBack);
            model = [...step.putBack, ...model];
          } else {
            const taken = Array.from({ length: step.shift }, () => fifo.shift());
            expect(taken).toEqual(Array.from({ length: step.shift }, (_, i) => model[i]));
            model = model.slice(step.shift);
          }
          expect(fifo.length).toBe(model.length);
          expect(fifo.peek()).toBe(model[0]);
        }
      }),
      { numRuns: 100 },
    );
  });
});
