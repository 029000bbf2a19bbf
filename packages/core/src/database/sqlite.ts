// The embedded database: one SQLite file, nothing to start. Opened once by connection.ts.
import { existsSync, mkdirSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { ConnectionError, EntropicError, StoreBusyError, StoreCorruptError, StoreFullError } from '../errors.js';
import type { Database, Row, Script } from './database.js';
import { sqliteDialect } from './sqlite-dialect.js';
import {
  type BetterSqlite,
  CHECKPOINT,
  handleOf,
  openHandle,
  type SqliteHandle,
  sqliteDriver,
} from './sqlite-handle.js';

export interface SqliteOptions {
  /** Absolute. */
  path: string;
  readOnly: boolean;
  durability: 'full' | 'process';
  allowNetworkFs: boolean;
}

/** How long one statement waits for a lock while the event loop stands still, then how long we go on trying in turns. */
const BLOCK_MS = 250;
const PATIENCE_MS = 30_000;

/** Magic numbers of file systems on which SQLite's locks are not to be trusted, from linux/magic.h and statfs(2). */
const NETWORK_FS = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x517b, 'SMB'],
  [0x5346414f, 'AFS'],
  [0x01021997, '9P'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'],
  [0x00c36400, 'Ceph'],
]);

export async function openSqlite(options: SqliteOptions): Promise<Database> {
  const { path } = options;
  const address = `sqlite:${path}`;
  if (path.length > 4000) throw new ConnectionError('dbUrl: the path of the database is too long', address);
  if (options.readOnly && !existsSync(path)) {
    throw new ConnectionError(`there is no database at ${path}; open it without readOnly to make one`, address);
  }
  const folder = dirname(path);
  try {
    if (!options.readOnly) mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new ConnectionError(`cannot make the folder of the database ${path}: ${textOf(cause)}`, address, { cause });
  }
  if (!options.allowNetworkFs) refuseNetworkFs(folder, path);

  const { DataSource } = await import('typeorm');
  let prepared: BetterSqlite | undefined;
  const source = new DataSource({
    type: 'better-sqlite3',
    driver: sqliteDriver(),
    database: path,
    readonly: options.readOnly,
    prepareDatabase: async (connection: BetterSqlite) => {
      prepared = connection;
      connection.pragma(`busy_timeout = ${BLOCK_MS}`);
      await patiently(path, () => setJournalMode(connection, options));
      connection.pragma(`synchronous = ${options.durability === 'full' ? 'FULL' : 'NORMAL'}`);
      connection.pragma(CHECKPOINT);
      // 32 MB of pages in memory: a re-sweep of a million points walks one index from end to end.
      connection.pragma('cache_size = -32000');
      // libsql does not look at `readonly`.
      if (options.readOnly) connection.pragma('query_only = ON');
    },
  });
  try {
    await source.initialize();
  } catch (cause) {
    prepared?.close();
    if (cause instanceof EntropicError) throw cause;
    throw openError(path, address, cause);
  }
  return new SqliteDatabase(handleOf(prepared as BetterSqlite), () => source.destroy(), options, address);
}

class SqliteDatabase implements Database {
  readonly dialect = sqliteDialect;
  readonly address: string;
  readonly #main: SqliteHandle;
  readonly #destroy: () => Promise<void>;
  readonly #options: SqliteOptions;
  /** Device and inode of the file that is open. */
  readonly #identity: string | undefined;
  #leases: SqliteHandle | undefined;

  constructor(main: SqliteHandle, destroy: () => Promise<void>, options: SqliteOptions, address: string) {
    this.#main = main;
    this.#destroy = destroy;
    this.#options = options;
    this.address = address;
    this.#identity = identityOf(options.path);
  }

  read(sql: string, params: readonly unknown[] = []) {
    return this.#patiently(() => this.#main.all(sql, params));
  }

  /** As one text: the driver takes longer for a thousand small values than SQLite and JSON.parse for one large one. */
  readMany(columns: string, from: string, params: readonly unknown[]) {
    const sql = `SELECT json_group_array(json_array(${columns})) ${from}`;
    return this.#patiently(() => JSON.parse(String(this.#main.all(sql, params)[0]?.[0])) as Row[]);
  }

  write<T>(script: () => Script<T>): Promise<T> {
    return this.#patiently(() => transact(this.#main, script));
  }

  writeLease<T>(script: () => Script<T>): Promise<T> {
    return this.#patiently(() => {
      this.#leases ??= this.#openLeases();
      return transact(this.#leases, script);
    });
  }

  #openLeases(): SqliteHandle {
    try {
      return openLeaseHandle(this.#options.path);
    } catch (error) {
      throw sqliteErrorKind(error) === 'busy' ? error : openError(this.#options.path, this.address, error);
    }
  }

  /** SQLite goes on in a file that has lost its name, and what it commits there is gone with the process: looked at each time. */
  #patiently<T>(work: () => T): Promise<T> {
    const { path } = this.#options;
    return patiently(path, () => {
      if (identityOf(path) === this.#identity) return work();
      throw new ConnectionError(
        `the database ${path} is not there any more: it was removed, moved or replaced while it was open; put it back, or close the store and open it again`,
        this.address,
      );
    });
  }

  async close() {
    this.#leases?.close();
    this.#leases = undefined;
    if (!this.#options.readOnly) {
      try {
        // The file alone then holds everything: libsql's connections end with the process, and a log that is left behind would have
        // to be moved along with the file.
        this.#main.all('PRAGMA wal_checkpoint(TRUNCATE)', []);
      } catch {
        // Another process reads or writes: the last one does it.
      }
    }
    await this.#destroy();
  }
}

function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

/** A second connection whose commits are not fsynced: leases are written twice a run and may be lost in a power cut. */
function openLeaseHandle(path: string): SqliteHandle {
  const handle = openHandle(path);
  handle.exec(`PRAGMA busy_timeout = ${BLOCK_MS}`);
  handle.exec('PRAGMA synchronous = NORMAL');
  return handle;
}

/** One transaction in one turn of the event loop. IMMEDIATE: a deferred one that turns to writing fails under contention. */
function transact<T>(handle: SqliteHandle, script: () => Script<T>): T {
  handle.exec('BEGIN IMMEDIATE');
  try {
    const run = script();
    let step = run.next();
    while (!step.done) step = run.next(handle.all(step.value.sql, step.value.params));
    handle.exec('COMMIT');
    return step.value;
  } catch (error) {
    try {
      handle.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself on a full disk or an I/O error.
    }
    throw error;
  }
}

/** Tries again while another process holds the lock, leaving the event loop free between the tries. */
async function patiently<T>(path: string, work: () => T): Promise<T> {
  const start = performance.now();
  for (;;) {
    try {
      return work();
    } catch (error) {
      const kind = sqliteErrorKind(error);
      if (kind !== 'busy') throw kind === undefined ? error : storeError(kind, path, error);
      if (performance.now() - start > PATIENCE_MS) {
        const seconds = Math.round((performance.now() - start) / 1000);
        throw new StoreBusyError(
          `the database ${path} stayed locked by another process for ${seconds} s; nothing was lost, try again when it is free`,
          { cause: error },
        );
      }
      await sleep(2 + Math.random() * 30);
      // Two stores that wait would else go on from timer to timer, each due when the other's wait ends, and nothing else would happen.
      await nextTurn();
    }
  }
}

/**
 * The switch to WAL on a new database is not covered by busy_timeout (two processes that open it together collide), so it is
 * done under `patiently`, and skipped where it was done before.
 */
function setJournalMode(connection: BetterSqlite, options: SqliteOptions): void {
  if (options.readOnly) return;
  const wanted = options.allowNetworkFs && networkFs(dirname(options.path)) ? 'delete' : 'wal';
  const mode = () => JSON.stringify(connection.pragma('journal_mode')).toLowerCase();
  if (mode().includes(wanted)) return;
  connection.pragma(`journal_mode = ${wanted}`);
  if (!mode().includes(wanted)) throw Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' });
}

/** Extended code of node:sqlite; libsql gives the name. */
const IOERR_SHMSIZE = 10 | (19 << 8);

type ErrorKind = 'busy' | 'full' | 'corrupt' | 'readonly' | 'io';

/** SQLite's own primary result code, whichever driver reports it; undefined for anything else. */
function sqliteErrorKind(error: unknown): ErrorKind | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, errcode, message = '' } = error as { code?: string; errcode?: number; message?: string };
  const primary = errcode === undefined ? undefined : errcode & 0xff;
  const named = (name: string) => typeof code === 'string' && (code === name || code.startsWith(`${name}_`));
  if (primary === 5 || primary === 6 || named('SQLITE_BUSY') || named('SQLITE_LOCKED')) return 'busy';
  if (primary === 13 || named('SQLITE_FULL') || code === 'ENOSPC') return 'full';
  if (primary === 11 || primary === 26 || named('SQLITE_CORRUPT') || named('SQLITE_NOTADB')) return 'corrupt';
  if (primary === 8 || named('SQLITE_READONLY')) return 'readonly';
  if (/no such (table|column)|has no column named/.test(message)) return 'corrupt';
  // No room for the log's index, which grows before it is written: SQLite calls it an I/O error.
  if (errcode === IOERR_SHMSIZE || code === 'SQLITE_IOERR_SHMSIZE') return 'full';
  if (primary === 10 || named('SQLITE_IOERR')) return /full|space/i.test(message) ? 'full' : 'io';
  return undefined;
}

function storeError(kind: Exclude<ErrorKind, 'busy'>, path: string, cause: unknown): EntropicError {
  const address = `sqlite:${path}`;
  switch (kind) {
    case 'full':
      return new StoreFullError(
        `no space left for the database ${path}; free files first (deleting rows needs space too), then repeat the call`,
        { cause },
      );
    case 'corrupt':
      return new StoreCorruptError(
        `the database ${path} is damaged or is no SQLite database (${textOf(cause)}); restore it from a copy, or move it away: ` +
          'result files that stay in place are found again by the next runs',
        { cause },
      );
    case 'readonly':
      return new ConnectionError(
        `the database ${path} cannot be written (${textOf(cause)}); check its permissions`,
        address,
        { cause },
      );
    case 'io':
      return new ConnectionError(
        `reading or writing the database ${path} failed (${textOf(cause)}): the disk is full or failing; nothing committed was lost`,
        address,
        { cause },
      );
  }
}

function openError(path: string, address: string, cause: unknown): EntropicError {
  const kind = sqliteErrorKind(cause);
  if (kind !== undefined && kind !== 'busy') return storeError(kind, path, cause);
  return new ConnectionError(
    `cannot open the database ${path}: ${whyNot(path, cause)}; check the path and its permissions`,
    address,
    { cause },
  );
}

/** libsql gives a number where SQLite has a sentence. */
function whyNot(path: string, cause: unknown): string {
  try {
    if (statSync(path).isDirectory()) return 'it is a folder';
  } catch {
    // Its folder cannot be looked into.
  }
  return textOf(cause).replace(/^ConnectionFailed\(.*: 14"\)$/s, 'unable to open the file');
}

function networkFs(folder: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  return NETWORK_FS.get(statfsSync(folder).type >>> 0);
}

function refuseNetworkFs(folder: string, path: string): void {
  const kind = networkFs(folder);
  if (kind === undefined) return;
  throw new ConnectionError(
    `the database ${path} lies on a network file system (${kind}), where SQLite's locks are not safe. Put it on a local disk (result ` +
      'files may stay where they are), use a postgres:// URL, or pass allowNetworkFs: true if only one machine uses it',
    `sqlite:${path}`,
  );
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
