// What Postgres says in its own way. Beside sqlite-dialect.ts, which has the same members in the same order.
import { type Dialect, query, sqlTime } from './database.js';

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;

export const postgresDialect: Dialect = {
  name: 'postgres',
  nowMs: '(extract(epoch FROM clock_timestamp()) * 1000)::bigint',
  quote,
  inList: '= ANY(?::text[])',
  listParam: (ids) => ids,

  *insert(table, columns, rows, tail) {
    // One statement for any number of rows: an array a column. JSON and times travel as text and are cast at the far end.
    const names = columns.map((c) => quote(c.name)).join(', ');
    const arrays = columns.map((c) => `?::${c.type === 'json' || c.type === 'timestamptz' ? 'text' : c.type}[]`);
    const values = columns.map((c) => `v.${quote(c.name)}::${c.type}`);
    const sql =
      `INSERT INTO ${quote(table)} (${names}) SELECT ${values.join(', ')} ` +
      `FROM unnest(${arrays.join(', ')}) AS v(${names}) ${tail}`;
    return yield* query(
      sql,
      columns.map((_, i) => rows.map((row) => row[i])),
    );
  },

  // Somebody may have been first between the look and this statement.
  *takeLeases(ids, { table, owner, nonce, expires }) {
    const fences = yield* query("SELECT nextval('entropic_fence') FROM generate_series(1, ?::int)", [ids.length]);
    return yield* this.insert(
      'entropic_leases',
      [
        { name: 'table_name', type: 'text' },
        { name: 'id', type: 'text' },
        { name: 'owner', type: 'text' },
        { name: 'nonce', type: 'text' },
        { name: 'fence', type: 'bigint' },
        { name: 'expires', type: 'bigint' },
      ],
      ids.map((id, i) => [table, id, owner, nonce, fences[i]?.[0], expires]),
      'ON CONFLICT (table_name, id) DO NOTHING RETURNING id, fence',
    );
  },

  columnType(kind) {
    switch (kind) {
      case 'id':
        return 'VARCHAR(16)';
      case 'int':
        return 'BIGINT';
      case 'float':
        return 'DOUBLE PRECISION';
      case 'bool':
        return 'BOOLEAN';
      case 'text':
        return 'TEXT';
      case 'json':
        return 'JSON';
      case 'time':
        return 'TIMESTAMPTZ';
    }
  },

  encode(kind, value) {
    if (value === null || value === undefined) return null;
    if (kind === 'json') return JSON.stringify(value);
    if (kind === 'time') return `${sqlTime(value as number)}+00`;
    return value;
  },

  selected: (_kind, column) => column,

  // The connection's own parsers have made numbers, dates and JSON of them (postgres.ts).
  decode: (_kind, value) => value,

  literal(kind, value) {
    if (value === null) return 'NULL';
    if (kind === 'bool') return value ? 'TRUE' : 'FALSE';
    if (kind === 'int' || kind === 'float') return String(value);
    return `'${(kind === 'json' ? JSON.stringify(value) : String(value)).replaceAll("'", "''")}'`;
  },

  tableColumns: (table) => ({
    sql:
      "SELECT column_name, data_type, CASE is_nullable WHEN 'NO' THEN 1 ELSE 0 END FROM information_schema.columns " +
      'WHERE table_schema = current_schema() AND table_name = ?',
    params: [table],
  }),

  systemColumns: new Set(['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid']),

  *lockSchema() {
    // Any fixed number will do; held until the transaction ends.
    yield* query('SELECT pg_advisory_xact_lock(3141592653)');
  },
};
