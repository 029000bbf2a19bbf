// Postgres by URL, through the pool that TypeORM opens with `pg`. Opened once by connection.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionError, type EntropicError, InvalidOptionError, StoreBusyError, StoreFullError } from '../errors.js';
import type { Database, Query, Row, Script } from './database.js';
import { postgresDialect } from './postgres-dialect.js';

export interface PostgresOptions {
  url: string;
  /** The URL without its password. */
  address: string;
}

/** The part of `pg` that is used: it is an optional dependency, and loaded only for a postgres:// URL. */
interface PgClient {
  query(config: {
    text: string;
    values?: readonly unknown[];
    rowMode?: 'array';
    types?: unknown;
  }): Promise<{ rows: Row[] }>;
  release(error?: Error | boolean): void;
  on(event: 'error', listener: () => void): void;
  off(event: 'error', listener: () => void): void;
}
interface PgPool {
  connect(): Promise<PgClient>;
}

const PATIENCE_MS = 30_000;
const INT8 = 20;
const JSON_OID = 114;

export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const pg = await importPg(options.address);
  const { DataSource } = await import('typeorm');
  const source = new DataSource({
    type: 'postgres',
    url: options.url,
    driver: pg,
    applicationName: 'entropic',
    connectTimeoutMS: 10_000,
    poolSize: 6,
    // Idle connections keep no process alive that forgot to close its store.
    extra: { allowExitOnIdle: true },
    // A server that goes away while a connection idles: the next call finds out and reconnects.
    poolErrorHandler: () => {},
  });
  try {
    await source.initialize();
  } catch (cause) {
    // TypeORM leaves the connection open whose first statements failed, and an open connection keeps the process alive.
    void source.driver.disconnect().catch(() => {});
    throw connectError(options.address, cause);
  }
  const pool = (source.driver as unknown as { master: PgPool }).master;
  const parse = (pg as { types: { getTypeParser(oid: number, format?: string): unknown } }).types.getTypeParser;
  // bigint → number: fences, sizes and int params stay within 2^53 − 1 by validation; times of files are read as text.
  const types = {
    getTypeParser: (oid: number, format?: string) =>
      oid === INT8 ? Number : oid === JSON_OID ? JSON.parse : parse(oid, format),
  };
  return new PostgresDatabase(pool, () => source.destroy(), types, options.address);
}

class PostgresDatabase implements Database {
  readonly dialect = postgresDialect;
  readonly address: string;
  readonly #pool: PgPool;
  readonly #destroy: () => Promise<void>;
  readonly #types: unknown;

  constructor(pool: PgPool, destroy: () => Promise<void>, types: unknown, address: string) {
    this.#pool = pool;
    this.#destroy = destroy;
    this.#types = types;
    this.address = address;
  }

  read(sql: string, params: readonly unknown[] = []) {
    return this.#patiently((client) => this.#run(client, { sql, params }));
  }

  readMany(columns: string, from: string, params: readonly unknown[]) {
    return this.read(`SELECT ${columns} ${from}`, params);
  }

  write<T>(script: () => Script<T>): Promise<T> {
    return this.#patiently(async (client) => {
      await client.query({ text: 'BEGIN' });
      try {
        const run = script();
        let step = run.next();
        while (!step.done) step = run.next(await this.#run(client, step.value));
        await client.query({ text: 'COMMIT' });
        return step.value;
      } catch (error) {
        // On a dead connection this fails too, and the server rolls back by itself.
        await client.query({ text: 'ROLLBACK' }).catch(() => {});
        throw error;
      }
    });
  }

  writeLease<T>(script: () => Script<T>): Promise<T> {
    return this.write(script);
  }

  close() {
    return this.#destroy();
  }

  async #run(client: PgClient, { sql, params }: Query): Promise<Row[]> {
    return (await client.query({ text: numbered(sql), values: params, rowMode: 'array', types: this.#types })).rows;
  }

  /**
   * Conflicts and lost connections are tried again from the start. If the answer to a COMMIT was lost, the script runs once
   * more and finds its own fence in the row: scripts are written for that.
   */
  async #patiently<T>(work: (client: PgClient) => Promise<T>): Promise<T> {
    const start = performance.now();
    for (let tries = 0; ; tries++) {
      let client: PgClient | undefined;
      try {
        client = await this.#pool.connect();
        // A connection that breaks tells its query and is an event besides, which ends a process where nobody listens.
        client.on('error', ignore);
        const result = await work(client);
        client.off('error', ignore);
        client.release();
        return result;
      } catch (error) {
        const kind = errorKind(error);
        client?.off('error', ignore);
        client?.release(kind === 'lost' ? true : undefined);
        const waited = performance.now() - start;
        if (kind === 'full') throw fullError(this.address, error);
        if (kind === 'broken') {
          throw new ConnectionError(
            `the server of ${this.address} failed (${textOf(error)}): look at its disk and its log; nothing committed was lost`,
            this.address,
            { cause: error },
          );
        }
        if (kind === undefined) throw error;
        if (waited > PATIENCE_MS) {
          if (kind === 'lost') throw connectError(this.address, error);
          throw new StoreBusyError(
            `${this.address} refused the transaction for ${Math.round(waited / 1000)} s; nothing was lost, try again`,
            { cause: error },
          );
        }
        await sleep(Math.min(1000, 5 * 2 ** Math.min(tries, 8)) * (0.5 + Math.random()));
      }
    }
  }
}

function ignore(): void {}

const numberedTexts = new Map<string, string>();

/** `?` → `$1`, `$2`, … None of our statements has a question mark in a literal. */
function numbered(sql: string): string {
  let text = numberedTexts.get(sql);
  if (text === undefined) {
    let n = 0;
    text = sql.replace(/\?/g, () => `$${++n}`);
    if (numberedTexts.size < 500) numberedTexts.set(sql, text);
  }
  return text;
}

function errorKind(error: unknown): 'conflict' | 'lost' | 'full' | 'broken' | undefined {
  const { code = '', message = '' } = (error ?? {}) as { code?: string; message?: string };
  if (code === '40001' || code === '40P01' || code === '55P03') return 'conflict';
  if (code === '53100') return 'full';
  // 58: its files cannot be read or written; XX: its own mistake, or damaged pages; 53200: out of memory; 25006: it may only be read.
  if (/^(58...|XX...|53200|25006)$/.test(code)) return 'broken';
  // 57P01–03: the server shuts down or starts; 08*: connection; 53300: too many clients just now.
  if (/^(57P0[123]|08...|53300)$/.test(code)) return 'lost';
  if (/^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOENT)$/.test(code)) return 'lost';
  if (/Connection terminated|connection error|not queryable|timeout exceeded when trying to connect/i.test(message))
    return 'lost';
  return undefined;
}

async function importPg(address: string): Promise<unknown> {
  try {
    const pg = await import('pg');
    return pg.default ?? pg;
  } catch (cause) {
    throw new InvalidOptionError(`dbUrl ${address} needs the package "pg"; install it: npm install pg`, { cause });
  }
}

function fullError(address: string, cause: unknown): StoreFullError {
  return new StoreFullError(`no space left on the server of ${address}; free space there, then repeat the call`, {
    cause,
  });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function connectError(address: string, cause: unknown): EntropicError {
  if (errorKind(cause) === 'full') return fullError(address, cause);
  const { code = '', message = String(cause) } = (cause ?? {}) as { code?: string; message?: string };
  const detail = message || code;
  const next =
    code === '28P01' || code === '28000'
      ? 'the user or the password is not accepted'
      : code === '3D000'
        ? 'that database does not exist: create it first (createdb)'
        : 'is the server running, and the address right?';
  return new ConnectionError(`cannot use ${address}: ${detail}; ${next}`, address, { cause });
}
