// dbUrl: every accepted form, every refused one, and no password in anything that an error shows.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { inspect } from 'node:util';
import { ConnectionError, InvalidOptionError, StoreCorruptError } from 'entropic';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { describeDatabase } from '../helpers/databases.js';
import { errorOf, openStore, POINT, POINT_ID } from './store/kit.js';

const SECRET = 's3cr3t-horse';
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'entropic-url-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (dbUrl: unknown, options = {}) =>
  openStore({ resultsDir: join(folder, 'results'), dbUrl } as never, options as never);

/** Nothing that a person or a log could see of an error holds the password. */
function expectNoSecret(error: Error, what: string, secret = SECRET): void {
  expect(inspect(error, { depth: 20, showHidden: true, getters: true }), what).not.toContain(secret);
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error)), what).not.toContain(secret);
}

describe('dbUrl (sqlite)', () => {
  it('[S3] sqlite:path, sqlite:///relative and sqlite:////absolute name the same file', async () => {
    const path = join(folder, 'deep', 'runs.sqlite3');
    const near = relative(process.cwd(), path);
    for (const [i, dbUrl] of [`sqlite:${path}`, `sqlite:${near}`, `sqlite:///${near}`, `sqlite:///${path}`].entries()) {
      await using store = await open(dbUrl);
      if (i === 0) await store.run(POINT);
      expect((await store.retrieve(POINT))?.id, dbUrl).toBe(POINT_ID);
    }
    expect(existsSync(path)).toBe(true);
  });

  it('[S3] odd characters of a path are taken as they are', async () => {
    for (const name of ['with space', 'é\u{1f680}', '100%', "quote'd", 'q?mark#hash', 'semi;colon']) {
      await using store = await open(`sqlite:${join(folder, name, 'runs.sqlite3')}`, {
        resultsDir: join(folder, name),
      });
      await store.run(POINT);
      expect(existsSync(join(folder, name, 'runs.sqlite3')), name).toBe(true);
    }
  });

  it('[S3] what is no file is refused', async () => {
    for (const dbUrl of [
      'sqlite:',
      'sqlite:///',
      'sqlite::memory:',
      'sqlite:///:memory:',
      'sqlite:a\0b',
      5,
      null,
      '',
    ]) {
      const error = await errorOf(open(dbUrl));
      expect(error, String(dbUrl)).toBeInstanceOf(InvalidOptionError);
      expect(error.message).toMatch(/dbUrl/);
    }
  });

  it('[S3] a folder, a file that is no database and a missing database are told apart', async () => {
    const directory = join(folder, 'directory');
    await mkdir(directory);
    expect(await errorOf(open(`sqlite:${directory}`))).toBeInstanceOf(ConnectionError);
    const garbage = join(folder, 'garbage.db');
    await writeFile(
      garbage,
      'this is no database, but it is long enough to be looked at as if it were one '.repeat(20),
    );
    const error = await errorOf(open(`sqlite:${garbage}`));
    expect(error).toBeInstanceOf(StoreCorruptError);
    expect(error.message).toContain(garbage);
    const missing = await errorOf(open(`sqlite:${join(folder, 'missing.db')}`, { readOnly: true }));
    expect(missing).toBeInstanceOf(ConnectionError);
    expect(missing.message).toMatch(/there is no database at .*missing\.db/);
  });
});

describeDatabase('dbUrl', 'postgres', (db) => {
  it('[S3] postgres://, postgresql:// and a driver in the scheme reach the same database', async () => {
    const { dbUrl } = await db.fresh();
    const rest = dbUrl.slice('postgres://'.length);
    for (const [i, scheme] of ['postgres', 'postgresql', 'postgresql+psycopg2', 'postgresql+asyncpg'].entries()) {
      await using store = await open(`${scheme}://${rest}`);
      if (i === 0) await store.run(POINT);
      expect((await store.retrieve(POINT))?.id, scheme).toBe(POINT_ID);
    }
  });

  it('[S3] no error holds the password: wrong password, no such database, nobody there, a form that is not understood', async () => {
    const url = new URL(inject('postgresUrl'));
    const at = (changes: Partial<Pick<URL, 'port' | 'hostname'>>) => {
      const copy = Object.assign(new URL(url), { password: SECRET }, changes);
      return copy.href;
    };
    const closed = await freePort();
    const wrong: [string, RegExp][] = [
      [at({}), /the user or the password is not accepted/],
      [url.href.replace(/\/[^/]*$/, '/no_such_db'), /does not exist/],
      [at({ port: String(closed) }), /is the server running/],
      [at({ hostname: 'no-such-host.invalid' }), /is the server running/],
      [`mysql://user:${SECRET}@host/db`, /not understood/],
      [`mysql://user:a/${SECRET}@host/db`, /not understood/],
      [`postgres:user:${SECRET}@host/db`, /not understood/],
      [`user:${SECRET}@host/db`, /not understood/],
      [`postgres://user:${SECRET}#x@host/db`, /./],
      [`postgres://user:12#${SECRET}@host/db`, /./],
      [`postgres://user@127.0.0.1:${closed}/db?password=${SECRET}`, /./],
      [`postgres://user:${SECRET}@[broken/db`, /./],
    ];
    for (const [dbUrl, message] of wrong) {
      const error = await errorOf(open(dbUrl));
      expect(['ENTROPIC_CONNECTION', 'ENTROPIC_INVALID_OPTION'], dbUrl).toContain(error.code);
      expect(error.message).toMatch(message);
      expectNoSecret(error, dbUrl);
      expectNoSecret(error, dbUrl, 'correct-horse');
    }
  });

  it('[S3] a password with every special character, percent-encoded, is understood', async () => {
    const place = await db.fresh();
    const password = `p@ss:w/rd#?&%é ${SECRET}`;
    const role = `odd_${process.pid}`;
    // A question mark in the text would be a place for a parameter.
    await place.sql(`CREATE ROLE ${role} LOGIN PASSWORD E'${password.replace('?', '\\x3f')}'`);
    await place.sql(`GRANT ALL ON SCHEMA public TO ${role}`);
    const url = new URL(place.dbUrl);
    url.username = role;
    url.password = encodeURIComponent(password);
    const store = await open(url.href);
    try {
      expect((await store.run(POINT)).id).toBe(POINT_ID);
    } finally {
      await store.close();
      await place.sql(`DROP OWNED BY ${role} CASCADE`);
      await place.sql(`DROP ROLE ${role}`);
    }
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
