// Grids as values: products, zips and concatenations of axes that are never expanded. A million points take no memory; what can be
// indexed stays indexed, so that a sweep can make any point again. Users make them with `grid()`.
import { type Grid as GridType, InvalidOptionError } from '@entropic/core';
import { show } from '@entropic/core/internal';
import { countable, define, type Indexed, product, type RawPoint } from './product.js';
import { range } from './ranges.js';

/** Numbers and booleans only: a text stays the literal that a `oneOf` column wants. */
export type Widen<T> = T extends number ? number : T extends boolean ? boolean : T;

type Axes = Readonly<Record<string, readonly unknown[]>>;
type PointOf<A> = { -readonly [K in keyof A]: A[K] extends readonly (infer V)[] ? Widen<V> : never } & {};
type Merge<A, B> = { [K in keyof A | keyof B]: K extends keyof B ? B[K] : K extends keyof A ? A[K] : never } & {};

/** What a grid is made of: points by index, or only one after the other (behind a `where`). */
type Points = Indexed | { readonly count: undefined; iterate(): Iterable<RawPoint> };

/**
 * A lazy list of points: the last axis runs fastest. Every method gives a new grid and leaves this one as it is.
 *
 * @example
 * grid({ n: [50, 100] }).times({ dt: linspace(0.001, 0.01, 10) }).where((p) => p.n * p.dt < 0.5).repeat(5)
 */
export class Grid<P> implements GridType<P>, AsyncIterable<P> {
  readonly isEntropicGrid = true as const;
  readonly #points: Points;

  /** @internal */
  constructor(points: Points) {
    this.#points = points;
  }

  /** Every point of this grid with every point of the other; the other runs faster. */
  times<const B extends Axes>(other: B): Grid<Merge<P, PointOf<B>>>;
  times<Q>(other: Grid<Q>): Grid<Merge<P, Q>>;
  times(other: Grid<unknown> | Axes): Grid<never> {
    const a = this.#points;
    const b = toPoints(other);
    if (isIndexed(a) && isIndexed(b)) {
      const at = (i: number) => merge(a.at(Math.floor(i / b.count)), b.at(i % b.count), 'times');
      return new Grid({ count: countable(a.count * b.count), at });
    }
    return new Grid(
      stream(function* () {
        for (const left of iterate(a)) for (const right of iterate(b)) yield merge(left, right, 'times');
      }),
    );
  }

  /** The first point with the first, the second with the second, … @throws InvalidOptionError if one is longer */
  zip<const B extends Axes>(other: B): Grid<Merge<P, PointOf<B>>>;
  zip<Q>(other: Grid<Q>): Grid<Merge<P, Q>>;
  zip(other: Grid<unknown> | Axes): Grid<never> {
    const a = this.#points;
    const b = other instanceof Grid ? other.#points : zipped(other);
    if (isIndexed(a) && isIndexed(b)) {
      if (a.count !== b.count)
        throw new InvalidOptionError(`grid.zip: ${a.count} points and ${b.count} points cannot be paired`);
      return new Grid({ count: a.count, at: (i) => merge(a.at(i), b.at(i), 'zip') });
    }
    return new Grid(
      stream(function* () {
        const right = iterate(b)[Symbol.iterator]();
        for (const left of iterate(a)) {
          const next = right.next();
          if (next.done) throw new InvalidOptionError('grid.zip: the second grid has fewer points than the first');
          yield merge(left, next.value, 'zip');
        }
        if (!right.next().done)
          throw new InvalidOptionError('grid.zip: the second grid has more points than the first');
      }),
    );
  }

  /** The points of this grid, then those of the other. */
  concat<const B extends Axes>(other: B): Grid<P | PointOf<B>>;
  concat<Q>(other: Grid<Q>): Grid<P | Q>;
  concat(other: Grid<unknown> | Axes): Grid<never> {
    const a = this.#points;
    const b = toPoints(other);
    if (isIndexed(a) && isIndexed(b)) {
      return new Grid({ count: countable(a.count + b.count), at: (i) => (i < a.count ? a.at(i) : b.at(i - a.count)) });
    }
    return new Grid(
      stream(function* () {
        yield* iterate(a);
        yield* iterate(b);
      }),
    );
  }

  /** Only the points for which the test holds. It is asked again whenever the grid is walked, so it must not change its mind. */
  where(test: (point: P) => boolean): Grid<P> {
    const points = this.#points;
    return new Grid(
      stream(function* () {
        for (const point of iterate(points)) if (test(point as P)) yield point;
      }),
    );
  }

  /** Adds params that follow from the others: `derive({ steps: (p) => Math.round(1 / p.dt) })`. */
  derive<D extends Record<string, (point: P) => unknown>>(
    functions: D,
  ): Grid<Merge<P, { [K in keyof D]: ReturnType<D[K]> }>> {
    const names = Object.keys(functions);
    const more = (point: RawPoint): RawPoint => {
      const derived: RawPoint = {};
      for (const name of names) define(derived, name, (functions[name] as (point: P) => unknown)(point as P));
      return merge(point, derived, 'derive');
    };
    const points = this.#points;
    if (isIndexed(points)) return new Grid({ count: points.count, at: (i) => more(points.at(i)) });
    return new Grid(
      stream(function* () {
        for (const point of iterate(points)) yield more(point);
      }),
    );
  }

  /** Every point `n` times, told apart by a column that counts from 0. @param column @defaultValue 'seed' */
  repeat<C extends string = 'seed'>(n: number, column?: C): Grid<Merge<P, { [K in C]: number }>> {
    if (!Number.isSafeInteger(n) || n < 0) throw new InvalidOptionError(`grid.repeat: ${show(n)} is no whole number`);
    return this.times({ [column ?? 'seed']: range(n) }) as unknown as Grid<Merge<P, { [K in C]: number }>>;
  }

  /** How many points. Behind a `where` they are counted one by one. */
  count(): number {
    const points = this.#points;
    if (isIndexed(points)) return points.count;
    let count = 0;
    for (const _ of points.iterate()) count++;
    return count;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<P, void, undefined> {
    yield* iterate(this.#points) as Iterable<P>;
  }

  /** @internal */
  static pointsOf(grid: Grid<unknown>): Points {
    return grid.#points;
  }
}

/**
 * All combinations of the values of some axes, as a value that can be combined further.
 * @param axes an array of values for each param; the last axis runs fastest
 * @throws InvalidOptionError for an axis that is no array
 */
export function grid<const A extends Axes>(axes: A): Grid<PointOf<A>> {
  return new Grid(product(axes));
}

/**
 * All points of a grid as an array, in product order: the last axis runs fastest.
 * @example expandGrid({ n: [1, 2], dt: [0.1, 0.2] })  // 4 points: n=1 dt=0.1, n=1 dt=0.2, n=2 dt=0.1, n=2 dt=0.2
 */
export function expandGrid<const A extends Axes>(axes: A): PointOf<A>[];
export function expandGrid<P>(grid: Grid<P>): P[];
export function expandGrid(axes: Axes | Grid<unknown>): unknown[] {
  return [...iterate(toPoints(axes))];
}

function isIndexed(points: Points): points is Indexed {
  return points.count !== undefined;
}

function* iterate(points: Points): Generator<RawPoint, void, undefined> {
  if (!isIndexed(points)) yield* points.iterate();
  else for (let i = 0; i < points.count; i++) yield points.at(i);
}

function stream(walk: () => Iterable<RawPoint>): Points {
  return { count: undefined, iterate: walk };
}

function toPoints(source: Grid<unknown> | Axes): Points {
  return source instanceof Grid ? Grid.pointsOf(source) : product(source);
}

/** Axes side by side: the first values are the first point. */
function zipped(axes: Axes): Indexed {
  const names = Object.keys(axes);
  const lengths = new Set(names.map((name) => axes[name]?.length));
  if (lengths.size > 1) {
    const shown = names.map((name) => `${name} ${axes[name]?.length}`).join(', ');
    throw new InvalidOptionError(`grid.zip: axes of different lengths cannot be paired: ${shown}`);
  }
  const copies = names.map((name) => [...(axes[name] as readonly unknown[])]);
  return {
    count: copies[0]?.length ?? 0,
    at(i) {
      const point: RawPoint = {};
      for (const [column, name] of names.entries()) define(point, name, copies[column]?.[i]);
      return point;
    },
  };
}

/** @throws InvalidOptionError if both have a param: which one was meant? */
function merge(a: RawPoint, b: RawPoint, method: string): RawPoint {
  const point = { ...a };
  for (const name of Object.keys(b)) {
    if (Object.hasOwn(point, name)) throw new InvalidOptionError(`grid.${method}: both sides have the param "${name}"`);
    define(point, name, b[name]);
  }
  return point;
}
