import { InvalidOptionError, InvalidParamsError } from '@entropic/core';
import type { Point } from '@entropic/core/internal';
import { describe, expect, it, vi } from 'vitest';
import { grid } from './grid.js';
import { toSource } from './source.js';

/** Points are whole numbers from 0 here; anything else is refused, as a model would. */
const resolve = (params: unknown): Point => {
  const { n } = params as { n: number };
  if (!Number.isInteger(n)) throw new InvalidParamsError(`params.n: ${n} is no integer`, { path: 'params.n' });
  return { id: String(n), params: { n } } as unknown as Point;
};

const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));
const points = (count: number) => Array.from({ length: count }, (_, n) => ({ n }));

/** All that comes, in chunks, and the error that ended it. */
async function read(from: unknown, { size = 3, stop = new AbortController().signal } = {}) {
  const source = toSource(from);
  const chunks: number[][] = [];
  try {
    source.check(resolve);
    for await (const chunk of source.chunks(resolve, size, stop))
      chunks.push(chunk.map(({ params }) => params.n as number));
  } catch (error) {
    return { source, chunks, error: error as Error };
  }
  return { source, chunks, error: undefined };
}

/** Three ways of the same points that are read once. */
const streams: [string, (from: () => Generator<unknown>) => unknown][] = [
  ['a generator', (from) => from()],
  [
    'an async generator',
    (from) =>
      (async function* () {
        yield* from();
      })(),
  ],
  [
    'a slow async generator',
    (from) =>
      (async function* () {
        for (const point of from()) {
          await pause(2);
          yield point;
        }
      })(),
  ],
];

describe.each(streams)('%s of points', (_, make) => {
  it('[S10] comes whole and in order, its number known at the end', async () => {
    const given = make(() => points(7)[Symbol.iterator]() as Generator<unknown>);
    expect(toSource(given).count).toBeNull();
    const { source, chunks, error } = await read(given);
    expect(error).toBeUndefined();
    expect(chunks.flat()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThanOrEqual(3);
    expect(source.count).toBe(7);
  });

  it('[S10] that throws gives its own error, and its number is not known', async () => {
    const trouble = new Error('the file of points is torn');
    const { source, error } = await read(
      make(function* () {
        yield* points(4);
        throw trouble;
      }),
    );
    expect(error).toBe(trouble);
    expect(source.count).toBeNull();
  });

  it('[S10] says which of its points is wrong, and is closed', async () => {
    let closed = false;
    const { chunks, error } = await read(
      make(function* () {
        try {
          yield* points(4);
          yield { n: 0.5 };
          yield* points(4);
        } finally {
          closed = true;
        }
      }),
    );
    expect(error).toBeInstanceOf(InvalidParamsError);
    expect(error?.message).toContain('points[4]');
    expect(chunks.flat().slice(0, 3)).toEqual([0, 1, 2]);
    // One that has been asked for its next point is closed behind its answer.
    await vi.waitFor(() => expect(closed).toBe(true));
  });

  it('[S10] is closed when its reader stops early', async () => {
    let closed = false;
    let made = 0;
    const source = toSource(
      make(function* () {
        try {
          for (let n = 0; ; n++) {
            made++;
            yield { n };
          }
        } finally {
          closed = true;
        }
      }),
    );
    for await (const chunk of source.chunks(resolve, 3, new AbortController().signal)) {
      expect(chunk[0]?.params.n).toBe(0);
      break;
    }
    expect(made).toBeLessThanOrEqual(4);
    await vi.waitFor(() => expect(closed).toBe(true));
    expect(source.count).toBeNull();
  });
});

describe('an async source', () => {
  it('[S10] that is slow gives what has come, and does not wait for a full chunk', async () => {
    const release: (() => void)[] = [];
    const source = toSource(
      (async function* () {
        yield { n: 0 };
        yield { n: 1 };
        await new Promise<void>((done) => release.push(done));
        yield { n: 2 };
      })(),
    );
    const chunks = source.chunks(resolve, 100, new AbortController().signal);
    const first: unknown[] = [];
    while (first.length < 2) first.push(...((await chunks.next()).value as unknown[]));
    expect(first).toHaveLength(2);
    const next = chunks.next();
    release[0]?.();
    expect((await next).value).toHaveLength(1);
    expect((await chunks.next()).done).toBe(true);
    expect(source.count).toBe(3);
  });

  it('[S10] that never answers is left waiting when the sweep is stopped', async () => {
    const stop = new AbortController();
    const source = toSource(
      (async function* () {
        yield { n: 0 };
        await new Promise(() => {});
      })(),
    );
    const chunks = source.chunks(resolve, 100, stop.signal);
    expect((await chunks.next()).value).toHaveLength(1);
    const next = chunks.next();
    stop.abort();
    expect((await next).done).toBe(true);
    expect(source.count).toBeNull();
  });

  it('[S10] may be written by hand, with answers that are no promises', async () => {
    let n = 0;
    const byHand = { [Symbol.asyncIterator]: () => ({ next: () => ({ done: n >= 4, value: { n: n++ } }) }) };
    const { chunks, error } = await read(byHand);
    expect(error).toBeUndefined();
    expect(chunks.flat()).toEqual([0, 1, 2, 3]);
  });

  it('[S10] that rejects while it is waited for ends with its error', async () => {
    const { error } = await read(
      (async function* () {
        yield { n: 0 };
        await pause(5);
        throw new Error('the network is gone');
      })(),
    );
    expect(error?.message).toBe('the network is gone');
  });
});

describe('a source that can be asked for any point', () => {
  it.each([
    ['an object of arrays', { n: points(7).map(({ n }) => n) }],
    ['a grid', grid({ n: points(7).map(({ n }) => n) })],
    ['a list', points(7)],
  ])('[S10] comes in order, its number known before: %s', async (_, given) => {
    const { source, chunks, error } = await read(given);
    expect(error).toBeUndefined();
    expect(chunks).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    expect(source.count).toBe(7);
    expect(source.at?.(5)).toEqual({ n: 5 });
  });

  it('[S10] is checked before its first point comes, and the error says where', async () => {
    const list = await read([{ n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }, { n: 0.5 }]);
    expect(list.chunks).toEqual([]);
    expect(list.error?.message).toContain('points[4]');
    const axes = await read({ n: [0, 1, 2, 3, 0.5] });
    expect(axes.chunks).toEqual([]);
    expect(axes.error?.message).toContain('grid.n[4]');
  });

  it('[S10] behind a where is read like a generator, and says which point is wrong', async () => {
    const { source, chunks } = await read(grid({ n: [0, 1, 2, 3, 4] }).where(({ n }) => n % 2 === 0));
    expect(chunks.flat()).toEqual([0, 2, 4]);
    expect(source.count).toBe(3);
    const wrong = await read(grid({ n: [0, 1, 2, 3, 0.5] }).where(({ n }) => n !== 1));
    expect(wrong.error?.message).toContain('points[3]');
  });

  it('[S10] keeps the order of a list that is changed while it is read as it was checked', async () => {
    const list = points(5);
    const source = toSource(list);
    source.check(resolve);
    list.reverse();
    const chunks: unknown[] = [];
    for await (const chunk of source.chunks(resolve, 10, new AbortController().signal)) {
      chunks.push(...chunk.map(({ params }) => params.n));
    }
    expect(chunks).toEqual([0, 1, 2, 3, 4]);
  });

  it('is none for a number, a text, or nothing', () => {
    for (const wrong of [5, 'n=5', null, undefined, true]) expect(() => toSource(wrong)).toThrow(InvalidOptionError);
  });
});
