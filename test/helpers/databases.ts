// Both databases for tests: a fresh SQLite file or a fresh database on the run's Postgres, for each test that asks for one.
// `describeEachDatabase('name', (db) => { it('…', async () => { const place = await db.fresh(); … }) })` runs its tests on both.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, describe, inject } from 'vitest';

export type DatabaseKind = 'sqlite' | 'postgres';

/** A folder and an empty database, both gone after the test. */
export interface Place {
  readonly kind: DatabaseKind;
  /** Absolute, empty. */
  readonly folder: string;
  /** `<folder>/results`, not made yet. */
  readonly resultsDir: string;
  readonly dbUrl: string;
  /**
   * SQL by another program (pg, or Python's sqlite3), in a connection of its own that commits. Places are `?` on both.
   * @returns rows as arrays; bigint of Postgres as text
   */
  sql(text: string, params?: readonly unknown[]): Promise<unknown[][]>;
  /** The database is lost, and an empty one stands in its place. All stores on it must be closed. */
  recreate(): Promise<void>;
}

export interface TestDatabase {
  readonly kind: DatabaseKind;
  fresh(): Promise<Place>;
}

/** A describe for each database, its name ending with ` (sqlite)` or ` (postgres)` for scripts/check-tags.mjs. */
export function describeEachDatabase(name: string, body: (db: TestDatabase) => void): void {
  for (const kind of ['sqlite', 'postgres'] as const) describeDatabase(name, kind, body);
}

/** The same for one of the two. */
export function describeDatabase(name: string, kind: DatabaseKind, body: (db: TestDatabase) => void): void {
  describe(`${name} (${kind})`, () => {
    const places: (Place & { remove(): Promise<void> })[] = [];
    afterEach(async () => {
      for (const place of places.splice(0)) await place.remove();
    });
    afterAll(() => {
      judge?.child.kill();
      judge = undefined;
    });
    body({
      kind,
      async fresh() {
        const place = kind === 'sqlite' ? await freshSqlite() : await freshPostgres(inject('postgresUrl'));
        places.push(place);
        return place;
      },
    });
  });
}

async function freshSqlite() {
  const folder = await mkdtemp(join(tmpdir(), 'entropic-test-'));
  const path = join(folder, 'runs.sqlite3');
  return {
    kind: 'sqlite' as const,
    folder,
    resultsDir: join(folder, 'results'),
    dbUrl: `sqlite:///${path}`,
    sql: (text: string, params: readonly unknown[] = []) => askJudge(path, text, params),
    async recreate() {
      for (const end of ['', '-wal', '-shm']) await rm(`${path}${end}`, { force: true });
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

let databases = 0;

/** @param serverUrl of a database that is there; the fresh one stands beside it */
export async function freshPostgres(serverUrl: string): Promise<Place & { remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'entropic-test-'));
  const name = `test_${process.pid}_${++databases}`;
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  await onServer(serverUrl, `CREATE DATABASE ${name}`);
  return {
    kind: 'postgres' as const,
    folder,
    resultsDir: join(folder, 'results'),
    dbUrl: url.href,
    sql: (text: string, params: readonly unknown[] = []) => onServer(url.href, text, params),
    async recreate() {
      await onServer(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`);
      await onServer(serverUrl, `CREATE DATABASE ${name}`);
    },
    async remove() {
      await onServer(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function onServer(url: string, text: string, params: readonly unknown[] = []): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let n = 0;
    const numbered = text.replace(/\?/g, () => `$${++n}`);
    const { rows } = await client.query({ text: numbered, values: [...params], rowMode: 'array' });
    return rows;
  } finally {
    await client.end();
  }
}

/** One Python for all questions of a test file: starting it costs more than answering. */
let judge: { child: ChildProcess; lines: Interface } | undefined;
let lastQuestion: Promise<unknown> = Promise.resolve();

function askJudge(path: string, sql: string, params: readonly unknown[]): Promise<unknown[][]> {
  const answer = lastQuestion.then(() => ask(path, sql, params));
  lastQuestion = answer.catch(() => {});
  return answer;
}

async function ask(path: string, sql: string, params: readonly unknown[]): Promise<unknown[][]> {
  if (!judge) {
    const script = fileURLToPath(new URL('./sqlite-judge.py', import.meta.url));
    const child = spawn('python3', [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    judge = { child, lines: createInterface({ input: child.stdout as NodeJS.ReadableStream }) };
  }
  const { child, lines } = judge;
  const line = await new Promise<string>((resolve, reject) => {
    const onEnd = (reason: unknown) => reject(new Error(`python3 ended while it was asked: ${reason}`));
    child.once('error', onEnd);
    child.once('exit', onEnd);
    lines.once('line', (text) => {
      child.off('error', onEnd);
      child.off('exit', onEnd);
      resolve(text);
    });
    child.stdin?.write(`${JSON.stringify({ path, sql, params })}\n`);
  });
  const { rows, error } = JSON.parse(line) as { rows?: unknown[][]; error?: string };
  if (rows === undefined) throw new Error(`${error}\n${sql}`);
  return rows;
}
