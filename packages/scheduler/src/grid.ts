// All combinations of the values of some axes, as a lazy value over a mixed-radix index: the last axis runs fastest. Nothing is
// expanded; `at(i)` makes one point. Used by source.ts.
import { InvalidOptionError } from '@entropic/core';
import { show } from '@entropic/core/internal';

/** What one run is given, not yet checked against a model. */
export type RawPoint = Record<string, unknown>;

export interface Product {
  readonly count: number;
  at(index: number): RawPoint;
}

/** @throws InvalidOptionError for an axis that is no array, with the fix */
export function product(axes: Readonly<Record<string, unknown>>): Product {
  const names = Object.keys(axes);
  // Copied: the caller may change the arrays while the sweep runs.
  const values = names.map((name) => axisValues(name, axes[name]));
  const count = values.reduce((n, axis) => n * axis.length, 1);
  if (!Number.isSafeInteger(count))
    throw new InvalidOptionError(`a grid of ${count} points is more than can be counted; make it smaller`);
  return {
    count,
    at(index) {
      const point: RawPoint = {};
      let rest = index;
      for (let i = names.length - 1; i >= 0; i--) {
        const axis = values[i] as readonly unknown[];
        define(point, names[i] as string, axis[rest % axis.length]);
        rest = Math.floor(rest / axis.length);
      }
      return point;
    },
  };
}

/**
 * All points of a grid as an array, in product order: the last axis runs fastest.
 * @example expandGrid({ n: [1, 2], dt: [0.1, 0.2] })  // 4 points: n=1 dt=0.1, n=1 dt=0.2, n=2 dt=0.1, n=2 dt=0.2
 */
export function expandGrid<const A extends Readonly<Record<string, readonly unknown[]>>>(
  axes: A,
): { -readonly [K in keyof A]: Widen<A[K][number]> }[] {
  const { count, at } = product(axes);
  const names = Object.keys(axes);
  return Array.from({ length: count }, (_, i) => {
    const point = at(i);
    return Object.fromEntries(names.map((name) => [name, point[name]]));
  }) as { -readonly [K in keyof A]: Widen<A[K][number]> }[];
}

/** Numbers and booleans only: a text stays the literal that a `oneOf` column wants. */
type Widen<T> = T extends number ? number : T extends boolean ? boolean : T;

function axisValues(name: string, axis: unknown): readonly unknown[] {
  if (Array.isArray(axis)) return [...axis];
  const fix = ArrayBuffer.isView(axis)
    ? `${name}: Array.from(…)`
    : `${name}: [${typeof axis === 'string' ? `'${axis.slice(0, 40)}'` : typeof axis === 'object' ? '…' : show(axis)}]`;
  throw new InvalidOptionError(`sweep: the axis "${name}" must be an array of values, not ${show(axis)}; write ${fix}`);
}

/** An axis called `__proto__` must reach the validation as a name, not change the point's prototype. */
function define(point: RawPoint, name: string, value: unknown): void {
  if (name === '__proto__')
    Object.defineProperty(point, name, { value, enumerable: true, configurable: true, writable: true });
  else point[name] = value;
}
