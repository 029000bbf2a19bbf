// dbUrl → an open database. The one place that knows which URLs there are.
import { resolve } from 'node:path';
import { InvalidOptionError } from '../errors.js';
import type { Database } from './database.js';
import { openPostgres } from './postgres.js';
import { openSqlite } from './sqlite.js';

/** A `dbUrl`, understood. */
export type DatabaseTarget = { kind: 'sqlite'; path: string } | { kind: 'postgres'; url: string; address: string };

export interface DatabaseOptions {
  readOnly: boolean;
  durability: 'full' | 'process';
  allowNetworkFs: boolean;
}

/**
 * `sqlite:///relative.db`, `sqlite:////absolute.db` (as SQLAlchemy writes them), `sqlite:path`, `postgres://…`,
 * `postgresql://…`, `postgresql+driver://…`. Relative paths are resolved against the working folder, now.
 */
export function parseDbUrl(dbUrl: string): DatabaseTarget {
  if (typeof dbUrl !== 'string') throw new InvalidOptionError("dbUrl must be text such as 'sqlite:///./runs.sqlite3'");
  if (dbUrl.includes('\0')) throw new InvalidOptionError('dbUrl must not hold a NUL character');
  const sqlite = /^sqlite:(?:\/\/\/|(?!\/\/))(.*)$/s.exec(dbUrl);
  if (sqlite) {
    const path = sqlite[1] ?? '';
    if (path === '' || path.includes(':memory:')) {
      throw new InvalidOptionError(`dbUrl: a run cache needs a file, give one such as 'sqlite:///./runs.sqlite3'`);
    }
    return { kind: 'sqlite', path: resolve(path) };
  }
  const postgres = /^(?:postgres|postgresql)(?:\+[a-z0-9_]+)?:\/\/(.*)$/s.exec(dbUrl);
  if (postgres) {
    const url = `postgres://${postgres[1]}`;
    return { kind: 'postgres', url, address: withoutPassword(url) };
  }
  // Whatever stands before an @ may be a password, in whatever form.
  const shown = dbUrl.includes('@') ? `${dbUrl.slice(0, dbUrl.indexOf(':') + 1)}…` : dbUrl;
  throw new InvalidOptionError(
    `dbUrl: '${shown}' is not understood; give 'sqlite:///./runs.sqlite3' or 'postgres://user@host/database'`,
  );
}

export function openDatabase(target: DatabaseTarget, options: DatabaseOptions): Promise<Database> {
  return target.kind === 'sqlite' ? openSqlite({ path: target.path, ...options }) : openPostgres(target);
}

function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url);
    // What follows a bare # would be cut off: it is the rest of a password.
    if (parsed.hash !== '') throw new Error('a #');
    parsed.password = '';
    for (const secret of ['password', 'sslkey', 'sslpassword']) parsed.searchParams.delete(secret);
    return parsed.toString();
  } catch {
    throw new InvalidOptionError(
      "dbUrl: not a valid postgres URL; the form is 'postgres://user:password@host:5432/database', with special characters " +
        'of user and password percent-encoded (# as %23)',
    );
  }
}
