// Puts a FaultPlan in front of every statement that this process sends: the drivers' own prototypes are patched, no product code.
// The heartbeat's thread has drivers of its own, which are left alone. Used by fault-child.mjs.
import { createRequire } from 'node:module';
import pg from 'pg';

const coreRequire = createRequire(new URL('../../packages/core/package.json', import.meta.url));

/** `current()` is the plan of the moment: a process that serves many trials changes it. */
export function patchSqlite(current) {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const builtIn = major > 24 || (major === 24 && minor >= 11);
  const Database = builtIn ? coreRequire('node:sqlite').DatabaseSync : coreRequire('libsql');
  const error = builtIn ? nodeSqliteError : libsqlError;
  const patch = (owner, name, title) => {
    const original = owner[name];
    owner[name] = function (...args) {
      const plan = current();
      if (plan === undefined) return original.apply(this, args);
      return plan.around(title(args, this), () => original.apply(this, args), { error });
    };
  };
  patch(Database.prototype, 'exec', ([sql]) => `db.${firstWord(sql)}`);
  const probe = new Database(':memory:');
  const prototype = Object.getPrototypeOf(probe.prepare('SELECT 1'));
  probe.close();
  for (const name of ['all', 'run']) patch(prototype, name, () => 'db.statement');
}

export function patchPostgres(current) {
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function (...args) {
    const plan = current();
    const text = typeof args[0] === 'string' ? args[0] : args[0]?.text;
    if (plan === undefined || typeof text !== 'string' || typeof args.at(-1) === 'function')
      return query.apply(this, args);
    // A query of pg answers by a promise, its faults too.
    return new Promise((resolve) => {
      resolve(plan.around(`db.${firstWord(text)}`, () => query.apply(this, args), { error: postgresError }));
    });
  };
}

function firstWord(sql) {
  const word = /^\s*([A-Za-z]+)/.exec(sql)?.[1]?.toUpperCase() ?? 'SQL';
  return ['BEGIN', 'COMMIT', 'ROLLBACK'].includes(word) ? word : 'statement';
}

const SQLITE = {
  EIO: ['SQLITE_IOERR', 10, 'disk I/O error'],
  ENOSPC: ['SQLITE_FULL', 13, 'database or disk is full'],
  EDQUOT: ['SQLITE_FULL', 13, 'database or disk is full'],
};

function libsqlError(what) {
  const [code, rawCode, message] = SQLITE[what];
  return Object.assign(new Error(message), { code, rawCode });
}

function nodeSqliteError(what) {
  const [, errcode, message] = SQLITE[what];
  return Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode, errstr: message });
}

/** As the server sends them; `lost-after` is a connection that broke while the answer was on its way. */
function postgresError(what) {
  if (what === 'lost-after')
    return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
  const [code, message] =
    what === 'EIO' ? ['58030', 'could not fsync file: I/O error'] : ['53100', 'could not extend file: No space left'];
  return Object.assign(new Error(message), { code, severity: 'ERROR' });
}
