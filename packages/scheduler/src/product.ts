// All combinations of the values of some axes, over a mixed-radix index: the last axis runs fastest. Nothing is expanded; `at(i)`
// makes one point. Used by source.ts and grid.ts.
import { InvalidOptionError } from '@entropic/core';
import { show } from '@entropic/core/internal';

/** What one run is given, not yet checked against a model. */
export type RawPoint = Record<string, unknown>;

/** Points that are made when asked for. */
export interface Indexed {
  readonly count: number;
  at(index: number): RawPoint;
}

/** @throws InvalidOptionError for an axis that is no array, with the fix */
export function product(axes: Readonly<Record<string, unknown>>): Indexed {
  const names = Object.keys(axes);
  // Copied: the caller may change the arrays while the sweep runs.
  const values = names.map((name) => axisValues(name, axes[name]));
  const count = countable(values.reduce((n, axis) => n * axis.length, 1));
  return {
    count,
    at(index) {
      const chosen = new Array<unknown>(names.length);
      let rest = index;
      for (let i = names.length - 1; i >= 0; i--) {
        const axis = values[i] as readonly unknown[];
        chosen[i] = axis[rest % axis.length];
        rest = Math.floor(rest / axis.length);
      }
      const point: RawPoint = {};
      for (let i = 0; i < names.length; i++) define(point, names[i] as string, chosen[i]);
      return point;
    },
  };
}

/** @throws InvalidOptionError for more points than a number can count */
export function countable(count: number): number {
  if (Number.isSafeInteger(count)) return count;
  throw new InvalidOptionError(`a grid of ${count} points is more than can be counted; make it smaller`);
}

function axisValues(name: string, axis: unknown): readonly unknown[] {
  if (Array.isArray(axis)) return [...axis];
  const fix = ArrayBuffer.isView(axis)
    ? `${name}: Array.from(…)`
    : `${name}: [${typeof axis === 'string' ? `'${axis.slice(0, 40)}'` : typeof axis === 'object' ? '…' : show(axis)}]`;
  throw new InvalidOptionError(`grid: the axis "${name}" must be an array of values, not ${show(axis)}; write ${fix}`);
}

/** An axis called `__proto__` must reach the validation as a name, not change the point's prototype. */
export function define(point: RawPoint, name: string, value: unknown): void {
  if (name === '__proto__')
    Object.defineProperty(point, name, { value, enumerable: true, configurable: true, writable: true });
  else point[name] = value;
}
