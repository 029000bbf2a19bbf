// What SQLite says in its own way. Beside postgres-dialect.ts, which has the same members in the same order.
import { type Dialect, parseSqlTime, query, sqlTime } from './database.js';

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;

export const sqliteDialect: Dialect = {
  name: 'sqlite',
  // unixepoch('subsec') needs a newer SQLite than libsql's.
  nowMs: "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
  quote,
  inList: 'IN (SELECT value FROM json_each(?))',
  listParam: (ids) => JSON.stringify(ids),

  *insert(table, columns, rows, tail) {
    const names = columns.map((c) => quote(c.name)).join(', ');
    const sql = `INSERT INTO ${quote(table)} (${names}) VALUES (${columns.map(() => '?').join(', ')}) ${tail}`;
    const returned = [];
    // One prepared statement, row by row: 4 µs a row, and no limit on the number of variables.
    for (const row of rows) returned.push(...(yield* query(sql, row)));
    return returned;
  },

  // Nobody else writes during the transaction, so what was free stays free. One statement for all ids: 2 µs each in place of 9.
  *takeLeases(ids, { table, owner, nonce, expires }) {
    const [row] = yield* query(
      "UPDATE entropic_meta SET value = CAST(value AS INTEGER) + CAST(? AS INTEGER) WHERE key = 'fence' RETURNING value",
      [ids.length],
    );
    const first = Number(row?.[0]) - ids.length + 1;
    yield* query(
      `INSERT INTO entropic_leases (table_name, id, owner, nonce, fence, expires)
       SELECT ?, value, ?, ?, CAST(? AS INTEGER) + key, CAST(? AS INTEGER) FROM json_each(?)`,
      [table, owner, nonce, first, expires, JSON.stringify(ids)],
    );
    return ids.map((id, i) => [id, first + i]);
  },

  columnType(kind) {
    switch (kind) {
      case 'id':
        return 'VARCHAR(16)';
      case 'int':
        return 'BIGINT';
      case 'float':
        return 'REAL';
      case 'bool':
        return 'INTEGER';
      case 'text':
        return 'TEXT';
      case 'json':
        return 'JSON';
      case 'time':
        return 'DATETIME';
    }
  },

  encode(kind, value) {
    if (value === null || value === undefined) return null;
    if (kind === 'bool') return value ? 1 : 0;
    if (kind === 'json') return JSON.stringify(value);
    if (kind === 'time') return sqlTime(value as number);
    return value;
  },

  selected(kind, column) {
    // A number at the top of a json column became SQLite's own, and node:sqlite reads no integer beyond 2^53.
    return kind === 'json'
      ? `CASE typeof(${column}) WHEN 'integer' THEN CAST(${column} AS TEXT) ELSE ${column} END`
      : column;
  },

  decode(kind, value) {
    if (value === null) return null;
    if (kind === 'bool') return Boolean(value);
    // The column's type has numeric affinity: a top-level number comes back as one.
    if (kind === 'json') return typeof value === 'string' ? JSON.parse(value) : value;
    if (kind === 'time') return parseSqlTime(String(value));
    return value;
  },

  literal(kind, value) {
    if (value === null) return 'NULL';
    if (kind === 'bool') return value ? '1' : '0';
    if (kind === 'int' || kind === 'float') return String(value);
    return `'${(kind === 'json' ? JSON.stringify(value) : String(value)).replaceAll("'", "''")}'`;
  },

  tableColumns: (table) => ({ sql: 'SELECT name, type, "notnull" FROM pragma_table_info(?)', params: [table] }),

  // `rowid` and its kin give way to a column of that name.
  systemColumns: new Set(),

  // BEGIN IMMEDIATE has the only write lock already.
  *lockSchema() {},
};
