// Why a point is a hit or a miss, and which stored point is nearest to it. Changes nothing. Called by RunStore.explain.
import type { OpenedStore } from './open.js';
import type { Point } from './params.js';

export interface Explanation {
  outcome: 'hit' | 'miss';
  /** A sentence: `never run`, `its result file is missing`, … */
  reason: string;
  /** The stored point that differs in the fewest params; absent for an empty table. */
  nearest?: { id: string; differs: string[] };
}

export async function explainPoint(store: OpenedStore, point: Point): Promise<Explanation> {
  const { finder, attempts } = store;
  const [answer] = await finder.find([point]);
  if (answer?.kind === 'hit') return { outcome: 'hit', reason: `its result is ${answer.record.resultFile}` };
  const [failure] = await attempts.lastFailures([point.id]);
  const why = answer?.kind === 'error' ? answer.error.message : (answer?.why ?? 'never run');
  const reason = failure ? `${why}; attempt ${failure.attempt} failed (${failure.reason}): ${failure.message}` : why;
  const nearest = await nearestPoint(store, point);
  return nearest ? { outcome: 'miss', reason, nearest } : { outcome: 'miss', reason };
}

async function nearestPoint(store: OpenedStore, point: Point): Promise<Explanation['nearest']> {
  const { schema, database } = store;
  const { columns, tableName } = schema.model;
  if (columns.length === 0) return undefined;
  const { quote, encode, name: dialect } = database.dialect;
  // json has no equality in Postgres; its text is canonical, as ours is.
  const differs = columns.map(({ name, kind }) => {
    const column = kind === 'json' && dialect === 'postgres' ? `${quote(name)}::text` : quote(name);
    const type = dialect === 'postgres' ? POSTGRES_TYPES[kind] : '';
    return `CASE WHEN ${column} IS ${dialect === 'postgres' ? 'DISTINCT FROM' : 'NOT'} ?${type} THEN 1 ELSE 0 END`;
  });
  const values = columns.map(({ name, kind }) => encode(kind, point.params[name]));
  const names = columns.map((_, i) => `d${i}`);
  const inner = differs.map((sql, i) => `${sql} AS d${i}`).join(', ');
  const [row] = await database.read(
    `SELECT id, ${names.join(', ')} FROM (SELECT id, ${inner} FROM ${quote(tableName)} WHERE id <> ?) AS d ORDER BY ${names.join(' + ')}, id LIMIT 1`,
    [...values, point.id],
  );
  if (!row) return undefined;
  return { id: String(row[0]), differs: columns.flatMap(({ name }, i) => (Number(row[i + 1]) === 1 ? [name] : [])) };
}

const POSTGRES_TYPES = {
  int: '::bigint',
  float: '::double precision',
  text: '::text',
  bool: '::boolean',
  json: '::text',
} as const;
