// The port to a database, and how SQL is written once for both. Implemented by sqlite.ts and postgres.ts; used by runs.ts,
// leases.ts, migrations.ts and attempts.ts, which hold all the SQL there is.
import type { ColumnKind } from '../model.js';

/** One statement. Places are `?` on every database. */
export interface Query {
  sql: string;
  params: readonly unknown[];
}

/** One row, its values in the order of the statement's columns. */
export type Row = readonly unknown[];

/**
 * A transaction, written as a generator that yields its statements. SQLite runs it in one synchronous sweep (nothing of this
 * process can come between, so no lock is ever held over a turn of the event loop); Postgres awaits each statement.
 */
export type Script<T> = Generator<Query, T, Row[]>;

/** Runs one statement inside a script. */
export function* query(sql: string, params: readonly unknown[] = []): Script<Row[]> {
  return yield { sql, params };
}

export interface Database {
  readonly dialect: Dialect;
  /** Where it is, without a password: for messages and for the owner of a results folder. */
  readonly address: string;
  /** One statement that changes nothing. */
  read(sql: string, params?: readonly unknown[]): Promise<Row[]>;
  /**
   * The same where many rows come: `SELECT columns from`, whose columns are texts and whole numbers.
   * @param from the rest of the statement
   */
  readMany(columns: string, from: string, params: readonly unknown[]): Promise<Row[]>;
  /**
   * One transaction, all or nothing, made durable as the store's `durability` says. It may run again after a conflict, so a
   * script has no effects of its own outside the database that may not happen twice.
   * @throws StoreBusyError, StoreFullError, StoreCorruptError, ConnectionError
   */
  write<T>(script: () => Script<T>): Promise<T>;
  /** As `write`, for leases: safe against kills, not fsynced, since a lost lease costs nothing. */
  writeLease<T>(script: () => Script<T>): Promise<T>;
  close(): Promise<void>;
}

/** What the two databases say differently. */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres';
  /** Milliseconds since 1970 on the database's clock, as an SQL expression. */
  readonly nowMs: string;
  /** A name as SQL writes it, whatever it holds. */
  readonly quote: (name: string) => string;
  /** `id IN (…any number of ids in one parameter…)`: the SQL after the column, and its parameter. */
  readonly inList: string;
  listParam(ids: readonly string[]): unknown;
  /** Inserts rows with a common tail (`ON CONFLICT … RETURNING …`), whose returned rows are collected. */
  insert(table: string, columns: readonly InsertColumn[], rows: readonly Row[], tail: string): Script<Row[]>;
  /**
   * Takes the leases of these ids, each with a fence of its own that is larger than all given out before.
   * @returns id and fence of those that were free
   */
  takeLeases(
    ids: readonly string[],
    shared: { table: string; owner: string; nonce: string; expires: number },
  ): Script<Row[]>;
  /** Type of a column in CREATE TABLE. */
  columnType(kind: ColumnKind | 'id' | 'time'): string;
  /** A JavaScript value of that kind as a parameter. */
  encode(kind: ColumnKind | 'time', value: unknown): unknown;
  /** A column in a SELECT, so that `decode` can make JavaScript's value of it. */
  selected(kind: ColumnKind, column: string): string;
  /** A column's value as JavaScript's. */
  decode(kind: ColumnKind | 'time', value: unknown): unknown;
  /** A default as an SQL literal, for ALTER TABLE. */
  literal(kind: ColumnKind, value: unknown): string;
  /** Name, type, not-null of the columns of a table that is there; no row if there is no such table. */
  tableColumns(table: string): Query;
  /** Names that every table has as columns of the database's own. */
  readonly systemColumns: ReadonlySet<string>;
  /** Makes concurrent schema changes wait for each other; released with the transaction. */
  lockSchema(): Script<void>;
}

/** A column of {@link Dialect.insert}. `type` is the Postgres type that a parameter is cast to. */
export interface InsertColumn {
  name: string;
  type: 'text' | 'bigint' | 'double precision' | 'boolean' | 'json' | 'timestamptz';
}

/** `YYYY-MM-DD HH:MM:SS.ffffff` in UTC, as SQLAlchemy writes a datetime to SQLite. */
export function sqlTime(milliseconds: number): string {
  const iso = new Date(milliseconds).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}000`;
}

/** The inverse, for any number of digits after the seconds. The text has no zone and means UTC. */
export function parseSqlTime(text: string): Date {
  return new Date(`${text.slice(0, 10)}T${text.slice(11, 23).padEnd(text.length > 19 ? 12 : 0, '0')}Z`);
}
