// One raw connection to an SQLite file: node:sqlite where it is without warnings (Node ≥ 24.11), else libsql. Both are driven
// synchronously with rows as arrays. Also the class that TypeORM takes as its better-sqlite3 `driver`. Used by sqlite.ts and by
// the heartbeat thread, which must not load TypeORM.
import { createRequire } from 'node:module';
import type { Row } from './database.js';

export interface SqliteHandle {
  all(sql: string, params: readonly unknown[]): Row[];
  exec(sql: string): void;
  close(): void;
}

export interface SqliteOpen {
  readOnly?: boolean;
}

/** How better-sqlite3, and libsql after it, look: what TypeORM calls, and what we call. */
export interface BetterSqlite {
  prepare(sql: string): BetterStatement;
  exec(sql: string): unknown;
  pragma(sql: string): unknown;
  close(): void;
}

interface BetterStatement {
  readonly reader: boolean;
  raw(on?: boolean): BetterStatement;
  all(...params: unknown[]): unknown[];
  run(...params: unknown[]): { changes: number; lastInsertRowid: unknown };
}

export type BetterSqliteClass = new (path: string, options?: { readonly?: boolean }) => BetterSqlite;

const load = createRequire(import.meta.url);

/** Whether this Node has an `node:sqlite` that is meant to be used. */
function hasNodeSqlite(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 11);
}

export const sqliteDriverName: 'node:sqlite' | 'libsql' = hasNodeSqlite() ? 'node:sqlite' : 'libsql';

let driverClass: BetterSqliteClass | undefined;

/** The driver class, loaded at the first use. */
export function sqliteDriver(): BetterSqliteClass {
  driverClass ??= hasNodeSqlite() ? nodeSqliteDriver() : (load('libsql') as BetterSqliteClass);
  return driverClass;
}

/** Statements kept prepared by their text: the library has a few dozen, of bounded number. */
export function handleOf(connection: BetterSqlite): SqliteHandle {
  const statements = new Map<string, (params: readonly unknown[]) => Row[]>();
  const prepare = (sql: string): ((params: readonly unknown[]) => Row[]) => {
    const statement = connection.prepare(sql);
    if (!statement.reader) {
      return (params) => {
        statement.run(...params);
        return [];
      };
    }
    statement.raw(true);
    return (params) => statement.all(...params) as Row[];
  };
  return {
    all(sql, params) {
      let run = statements.get(sql);
      if (!run) {
        run = prepare(sql);
        if (statements.size < 200) statements.set(sql, run);
      }
      return run(params);
    },
    exec: (sql) => void connection.exec(sql),
    close() {
      statements.clear();
      connection.close();
    },
  };
}

export function openHandle(path: string, options: SqliteOpen = {}): SqliteHandle {
  const Driver = sqliteDriver();
  const handle = handleOf(new Driver(path, { readonly: options.readOnly ?? false }));
  handle.all(`PRAGMA ${CHECKPOINT}`, []);
  return handle;
}

/**
 * The log goes into the database at 16 MB, not at 4: rows lie in the order of their ids, so that the same pages are written again and
 * again. Said on every connection: whichever commits when there is that much does it.
 */
export const CHECKPOINT = 'wal_autocheckpoint = 4000';

/** The part of node:sqlite that is used; @types/node of the Node floor does not know the module. */
interface NodeSqlite {
  DatabaseSync: new (
    path: string,
    options?: { readOnly?: boolean },
  ) => {
    prepare(sql: string): {
      columns(): unknown[];
      setReturnArrays(on: boolean): void;
      all(...params: unknown[]): unknown[];
      run(...params: unknown[]): { changes: number; lastInsertRowid: unknown };
    };
    exec(sql: string): void;
    close(): void;
  };
}

/** node:sqlite in the shape of better-sqlite3. */
function nodeSqliteDriver(): BetterSqliteClass {
  const { DatabaseSync } = load('node:sqlite') as NodeSqlite;
  return class NodeSqliteDriver implements BetterSqlite {
    readonly #connection;

    constructor(path: string, options: { readonly?: boolean } = {}) {
      this.#connection = new DatabaseSync(path, { readOnly: options.readonly ?? false });
    }

    prepare(sql: string): BetterStatement {
      const statement = this.#connection.prepare(sql);
      const wrapped: BetterStatement = {
        reader: statement.columns().length > 0,
        raw(on = true) {
          statement.setReturnArrays(on);
          return wrapped;
        },
        all: (...params) => statement.all(...params),
        run: (...params) => statement.run(...params),
      };
      return wrapped;
    }

    exec(sql: string): void {
      this.#connection.exec(sql);
    }

    pragma(sql: string): unknown {
      return this.#connection.prepare(`PRAGMA ${sql}`).all();
    }

    close(): void {
      this.#connection.close();
    }
  };
}
