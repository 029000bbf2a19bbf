// What a user gives to `sweep` → points in chunks, checked against the model before anything runs where that is possible. Called
// by sweep.ts and plan.ts.
import { InvalidOptionError, InvalidParamsError } from '@entropic/core';
import { type Point, show } from '@entropic/core/internal';
import { Grid } from './grid.js';
import { type Indexed, product } from './product.js';

/** Points of one sweep, in their order. */
export interface PointSource {
  /** null until a generator is exhausted. */
  readonly count: number | null;
  /** The point at a place; undefined where points are read once. */
  readonly at: ((place: number) => unknown) | undefined;
  /** Throws for what is wrong with any point, without running through all combinations of a grid. A generator is not read. */
  check(resolve: Resolve): void;
  /** The points, in chunks of at most `size`. Throws for a wrong one, saying which. `stop` ends the waiting for a generator. */
  chunks<T>(resolve: Resolve<T>, size: number, stop: AbortSignal): AsyncGenerator<T[], void, undefined>;
}

type Resolve<T = Point> = (params: unknown) => T;

/** Lists up to this length are resolved once, by the same function, and kept; longer ones once more when their turn comes. */
const KEEP = 50_000;

/** @throws InvalidOptionError for what is no source of points */
export function toSource(source: unknown): PointSource {
  if (typeof source !== 'object' || source === null) {
    throw new InvalidOptionError(
      `sweep: ${show(source)} is no source of points; give a grid such as { n: [1, 2] }, an array of points, or a generator`,
    );
  }
  if (Array.isArray(source)) return listSource(source);
  if (source instanceof Grid) {
    const points = Grid.pointsOf(source);
    return points.count === undefined ? streamSource(points.iterate()) : indexedSource(points);
  }
  if (Symbol.asyncIterator in source) return streamSource(source as AsyncIterable<unknown>);
  if (Symbol.iterator in source) return streamSource(source as Iterable<unknown>);
  return gridSource(source as Record<string, unknown>);
}

function gridSource(axes: Record<string, unknown>): PointSource {
  const { count, at } = product(axes);
  const lengths = Object.entries(axes).map(([name, axis]) => ({ name, length: (axis as unknown[]).length }));
  return {
    count,
    at,
    check(resolve) {
      if (count === 0) return;
      resolve(at(0));
      // Every value of every axis once, the others at their first: columns are checked one by one, so this is all there is.
      let stride = count;
      for (const { name, length } of lengths) {
        stride /= length;
        for (let i = 1; i < length; i++) located(`grid.${name}[${i}]`, () => resolve(at(i * stride)));
      }
    },
    chunks: (resolve, size) => indexed(count, (place) => resolve(at(place)), size),
  };
}

/** A combined grid: its points are checked one by one, as they come. */
function indexedSource({ count, at }: Indexed): PointSource {
  const one = <T>(resolve: Resolve<T>, place: number) => located(`points[${place}]`, () => resolve(at(place)));
  return { count, at, check() {}, chunks: (resolve, size) => indexed(count, (place) => one(resolve, place), size) };
}

function listSource(points: readonly unknown[]): PointSource {
  // Copied: the caller may change the array while the sweep runs.
  const list = [...points];
  const at = (place: number) => list[place];
  const one = <T>(resolve: Resolve<T>, place: number) => located(`points[${place}]`, () => resolve(list[place]));
  let kept: { by: unknown; points: unknown[] } | undefined;
  return {
    count: list.length,
    at,
    check(resolve) {
      const points = Array.from(list, (_, place) => one(resolve, place));
      if (points.length <= KEEP) kept = { by: resolve, points };
    },
    chunks<T>(resolve: Resolve<T>, size: number) {
      const known = kept?.by === resolve ? (kept.points as T[]) : undefined;
      return indexed(list.length, (place) => known?.[place] ?? one(resolve, place), size);
    },
  };
}

function streamSource(points: Iterable<unknown> | AsyncIterable<unknown>): PointSource {
  let exhausted: number | null = null;
  return {
    get count() {
      return exhausted;
    },
    at: undefined,
    check() {},
    async *chunks(resolve, size, stop) {
      let total = 0;
      const batches = Symbol.asyncIterator in points ? whatIsThere(points, size, stop) : batchesOf(points, size);
      for await (const batch of batches) {
        const first = total;
        total += batch.length;
        yield batch.map((point, i) => located(`points[${first + i}]`, () => resolve(point)));
      }
      if (!stop.aborted) exhausted = total;
    },
  };
}

async function* indexed<T>(
  count: number,
  at: (place: number) => T,
  size: number,
): AsyncGenerator<T[], void, undefined> {
  for (let start = 0; start < count; start += size) {
    yield Array.from({ length: Math.min(size, count - start) }, (_, i) => at(start + i));
  }
}

function* batchesOf<T>(points: Iterable<T>, size: number): Generator<T[], void, undefined> {
  let batch: T[] = [];
  for (const point of points) {
    batch.push(point);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/**
 * Batches that do not wait for a slow generator: what has come by the next turn of the event loop goes. A generator that waits for
 * something that may never come is left waiting when the sweep is stopped.
 */
async function* whatIsThere<T>(
  points: AsyncIterable<T>,
  size: number,
  stop: AbortSignal,
): AsyncGenerator<T[], void, undefined> {
  const iterator = points[Symbol.asyncIterator]();
  let batch: T[] = [];
  let asked = false;
  let wake: () => void = () => {};
  const onStop = () => wake();
  stop.addEventListener('abort', onStop, { once: true });
  try {
    for (;;) {
      // An iterator written by hand may answer without a promise.
      const next = Promise.resolve(iterator.next());
      asked = true;
      // Heard of below; here only so that a rejection during the pause is not an unhandled one.
      next.catch(() => {});
      if (batch.length > 0 && (await Promise.race([next, turn()])) === undefined) {
        yield batch;
        batch = [];
      }
      // Not a race with one long-lived promise, which would remember every point of a long generator.
      const step = await new Promise<IteratorResult<T> | undefined>((resolve, reject) => {
        next.then(resolve, reject);
        wake = () => resolve(undefined);
        if (stop.aborted) wake();
      });
      if (step === undefined) break;
      asked = false;
      if (step.done) break;
      batch.push(step.value);
      if (batch.length < size) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  } finally {
    stop.removeEventListener('abort', onStop);
    const returned = iterator.return?.();
    // A generator that has not answered yet would only return after its answer.
    if (asked) returned?.catch(() => {});
    else await returned;
  }
}

const turn = () => new Promise<undefined>((resolve) => setImmediate(resolve, undefined));

function located<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof InvalidParamsError ? atPlace(error, place) : error;
  }
}

/** The same error, saying which of many points it is about. */
function atPlace(error: InvalidParamsError, place: string): InvalidParamsError {
  return new InvalidParamsError(
    `${place}: ${error.message}`,
    error.path === undefined ? undefined : { path: `${place}.${error.path}` },
  );
}
