// Ids computed here and not by the library, for points whose values JSON and entropic write alike: whole numbers, ASCII texts, objects of
// those.
import { createHash } from 'node:crypto';

/** Of a point without values that equal their default. */
export function idOf(point: object): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(point)))
    .digest('hex')
    .slice(0, 16);
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  );
}
