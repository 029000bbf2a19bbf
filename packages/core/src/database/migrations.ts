// The tables: ours (`entropic_*`) by numbered additive migrations, the user's made from the model and checked against it at
// every open. Called once by run-store.ts. Nothing is written when all is as it should be.
import { textOfValue } from '../columns.js';
import { ConnectionError, InvalidOptionError, SchemaDriftError } from '../errors.js';
import type { ColumnKind, Model, ModelColumn } from '../model.js';
import { type Database, type Dialect, query, type Script } from './database.js';
import { type ActualColumn, checkDrift, checkLetterCase, type KnownColumn, RESERVED } from './drift.js';

export interface PreparedSchema {
  /** Names this database; also in the results folder of each of its tables. */
  storeId: string;
  /** Canonical text of the default that a column was added with: it is left out of ids for ever. */
  frozenDefaults: ReadonlyMap<string, string>;
}

/** The statements of version n bring a database of version n − 1 to n. Only ever append. */
const MIGRATIONS: readonly ((dialect: Dialect) => string[])[] = [
  (dialect) => {
    const { columnType: type } = dialect;
    // Where rows are short. Longer ones lie in the order in which they come, which is nearly the order in which they are asked for, and
    // only their keys in that of the ids: among a million, a look-up then takes two thirds of the time.
    const rowid = dialect.name === 'sqlite' ? ' WITHOUT ROWID' : '';
    return [
      `CREATE TABLE entropic_runs (table_name TEXT NOT NULL, id ${type('id')} NOT NULL, params_text TEXT NOT NULL, sha256 TEXT NOT NULL,
        size BIGINT NOT NULL, mtime_ns BIGINT NOT NULL, fence BIGINT NOT NULL, code_digest TEXT, elapsed_s ${type('float')},
        host TEXT, committed_at ${type('time')} NOT NULL, PRIMARY KEY (table_name, id))`,
      `CREATE TABLE entropic_leases (table_name TEXT NOT NULL, id ${type('id')} NOT NULL, owner TEXT NOT NULL, nonce TEXT NOT NULL,
        fence BIGINT NOT NULL, expires BIGINT NOT NULL, PRIMARY KEY (table_name, id))${rowid}`,
      `CREATE TABLE entropic_attempts (table_name TEXT NOT NULL, id ${type('id')} NOT NULL, attempt BIGINT NOT NULL, fence BIGINT NOT NULL,
        outcome TEXT NOT NULL, reason TEXT, message TEXT, error ${type('json')}, exit_code BIGINT, signal TEXT, peak_bytes BIGINT,
        elapsed_s ${type('float')}, host TEXT, code_digest TEXT, log_tail TEXT, finished_at ${type('time')} NOT NULL,
        PRIMARY KEY (table_name, id, attempt))`,
      `CREATE TABLE entropic_columns (table_name TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, id_default_json TEXT,
        since ${type('time')} NOT NULL, PRIMARY KEY (table_name, name))${rowid}`,
      ...(dialect.name === 'postgres'
        ? ['CREATE SEQUENCE entropic_fence']
        : ["INSERT INTO entropic_meta (key, value) VALUES ('fence', '0')"]),
    ];
  },
];

export async function prepareSchema(
  db: Database,
  model: Model,
  options: { readOnly: boolean; now: number; newStoreId: string },
): Promise<PreparedSchema> {
  for (const { name } of model.columns) {
    if (!db.dialect.systemColumns.has(name)) continue;
    throw new InvalidOptionError(
      `${model.tableName}: the column name "${name}" is taken in Postgres, where every table has a system column of that name; choose another`,
    );
  }
  const found = await readScript(db, () => inspect(db.dialect, model));
  if (!found.complete) {
    if (options.readOnly) {
      throw new ConnectionError(
        `${db.address} has no table "${model.tableName}" that fits this model; open it once without readOnly to make or extend it`,
        db.address,
      );
    }
    await db.write(() => build(db.dialect, model, options));
  }
  const { columns, storeId } = found.complete ? found : await readScript(db, () => inspect(db.dialect, model));
  const frozen = [...columns].flatMap(([name, column]) =>
    column.idDefault === null ? [] : [[name, column.idDefault] as const],
  );
  return { storeId: storeId as string, frozenDefaults: new Map(frozen) };
}

interface Found {
  version: number;
  storeId: string | undefined;
  /** The user's table as the database has it; empty if there is none. */
  actual: ReadonlyMap<string, ActualColumn>;
  /** As entropic_columns has it. */
  columns: ReadonlyMap<string, KnownColumn>;
  complete: boolean;
}

function* inspect(dialect: Dialect, model: Model): Script<Found> {
  const tableColumns = (table: string) => {
    const { sql, params } = dialect.tableColumns(table);
    return query(sql, params);
  };
  const rows = yield* tableColumns(model.tableName);
  const actual = new Map(
    rows.map(([name, type, notNull]) => [String(name), { type: String(type), notNull: Number(notNull) === 1 }]),
  );
  if (actual.size > 0) yield* checkLetterCase(dialect, model.tableName);
  if ((yield* tableColumns('entropic_meta')).length === 0) {
    checkDrift(model, actual, new Map());
    return { version: 0, storeId: undefined, actual, columns: new Map(), complete: false };
  }
  const meta = new Map(
    (yield* query('SELECT key, value FROM entropic_meta')).map(([key, value]) => [String(key), String(value)]),
  );
  const version = Number(meta.get('schema_version') ?? 0);
  if (version > MIGRATIONS.length) {
    throw new SchemaDriftError(
      `the database has schema version ${version}, this entropic knows ${MIGRATIONS.length}: it was written by a newer entropic, upgrade this one`,
      { table: model.tableName },
    );
  }
  if (version < 1) {
    checkDrift(model, actual, new Map());
    return { version, storeId: undefined, actual, columns: new Map(), complete: false };
  }
  const known = yield* query('SELECT name, kind, id_default_json FROM entropic_columns WHERE table_name = ?', [
    model.tableName,
  ]);
  const columns = new Map(
    known.map(([name, kind, idDefault]) => [
      String(name),
      { kind: kind as ColumnKind, idDefault: idDefault as string | null },
    ]),
  );
  checkDrift(model, actual, columns);
  const complete =
    version === MIGRATIONS.length &&
    actual.size > 0 &&
    model.columns.every((c) => columns.has(c.name)) &&
    meta.has('store_id');
  return { version, storeId: meta.get('store_id'), actual, columns, complete };
}

function* build(dialect: Dialect, model: Model, options: { now: number; newStoreId: string }): Script<void> {
  yield* dialect.lockSchema();
  yield* query('CREATE TABLE IF NOT EXISTS entropic_meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)');
  // Looked at again: another process may have done it while we waited for the lock.
  const { version, actual, columns, storeId } = yield* inspect(dialect, model);
  for (const statements of MIGRATIONS.slice(version)) {
    for (const sql of statements(dialect)) yield* query(sql);
  }
  yield* query(
    "INSERT INTO entropic_meta (key, value) VALUES ('schema_version', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    [String(MIGRATIONS.length)],
  );
  if (storeId === undefined) {
    yield* query("INSERT INTO entropic_meta (key, value) VALUES ('store_id', ?) ON CONFLICT (key) DO NOTHING", [
      options.newStoreId,
    ]);
  }

  const fresh = actual.size === 0;
  if (fresh) {
    // What is remembered of a table of this name that was dropped by hand says nothing of the new one.
    for (const ours of ['entropic_columns', 'entropic_runs', 'entropic_attempts'])
      yield* query(`DELETE FROM ${ours} WHERE table_name = ?`, [model.tableName]);
    yield* query(createTable(dialect, model));
  }
  let rebuilt = false;
  for (const column of model.columns) {
    if (!fresh && columns.has(column.name)) continue;
    // A table that somebody else made (Python entropic): its columns carry no default of ours, so its ids stay as they are.
    const adopted = !fresh && columns.size === 0 && actual.has(column.name);
    if (!fresh && !adopted && !rebuilt) rebuilt = yield* addColumn(dialect, model, column, columns.size > 0);
    const idDefault = !adopted && column.hasDefault ? textOfValue(column, column.default, column.name) : null;
    yield* query(
      `INSERT INTO entropic_columns (table_name, name, kind, id_default_json, since) VALUES (?, ?, ?, ?, ${castTime(dialect)})`,
      [model.tableName, column.name, column.kind, idDefault, dialect.encode('time', options.now)],
    );
  }
}

function createTable(dialect: Dialect, model: Model): string {
  const { quote } = dialect;
  const reserved = RESERVED.map(
    ({ name, kind }) => `${quote(name)} ${dialect.columnType(kind)} NOT NULL${name === 'id' ? ' PRIMARY KEY' : ''}`,
  );
  const own = model.columns.map((column) => columnSql(dialect, column));
  return `CREATE TABLE ${quote(model.tableName)} (${[...reserved, ...own].join(', ')})`;
}

function columnSql(dialect: Dialect, column: ModelColumn): string {
  const fallback = column.hasDefault ? ` DEFAULT ${dialect.literal(column.kind, column.default)}` : '';
  return `${dialect.quote(column.name)} ${dialect.columnType(column.kind)}${column.nullable ? '' : ' NOT NULL'}${fallback}`;
}

/**
 * @param ours the table was made by entropic
 * @returns whether the table was made anew, with all columns of the model
 */
function* addColumn(dialect: Dialect, model: Model, column: ModelColumn, ours: boolean): Script<boolean> {
  const table = dialect.quote(model.tableName);
  if (!column.hasDefault) {
    const [any] = yield* query(`SELECT 1 FROM ${table} LIMIT 1`);
    if (any || !ours) {
      throw new SchemaDriftError(
        `column "${column.name}" is new in the model of ${model.tableName}, which has rows already: give it a default (the value that all ` +
          `runs so far had), as in ${column.kind}({ default: … }); then every old id and result stays valid`,
        { table: model.tableName, column: column.name },
      );
    }
    if (dialect.name === 'sqlite') {
      // It adds no NOT NULL column without a default, not even to an empty table, which has nothing to keep.
      yield* query(`DROP TABLE ${table}`);
      yield* query(createTable(dialect, model));
      return true;
    }
  }
  yield* query(`ALTER TABLE ${table} ADD COLUMN ${columnSql(dialect, column)}`);
  return false;
}

const castTime = (dialect: Dialect) => (dialect.name === 'postgres' ? '?::timestamptz' : '?');

/** Drives a script that only reads, outside a transaction. */
async function readScript<T>(db: Database, script: () => Script<T>): Promise<T> {
  const run = script();
  let step = run.next();
  while (!step.done) step = run.next(await db.read(step.value.sql, step.value.params));
  return step.value;
}
