// What `Store.open` takes, raw and resolved. Called by open.ts.
import { type DatabaseTarget, parseDbUrl } from './database/connection.js';
import { InvalidOptionError } from './errors.js';
import type { Logger } from './events.js';
import type { Verify } from './lookup.js';
import { checkOptionNames, type Duration, oneOfOption, parseDuration } from './options.js';

/** Options of `Store.open` that do not depend on the model's types. */
export interface StoreOptions {
  /**
   * Folder of the result files; resolved against the working folder once, at open. It belongs to one table of one database.
   * @defaultValue './results'
   */
  resultsDir?: string;
  /**
   * `sqlite:///./file` (relative), `sqlite:////absolute/file`, `sqlite:path`, or `postgres://user:password@host/database`.
   * @defaultValue 'sqlite:///./runs.sqlite3'
   */
  dbUrl?: string;
  /**
   * End of every result file's name, such as `.npy` or `.tar.gz`: one to three parts of letters, digits, `_`, `-`.
   * @defaultValue '.dat'
   */
  fileSuffix?: string;
  /**
   * `full`: a call resolves after file, folder and row are on the disk. `process`: no fsync; safe against kills of the process,
   * but a power cut may cost the last seconds (what it damaged is found by size or digest and never served).
   * @defaultValue 'full'
   */
  durability?: 'full' | 'process';
  /**
   * What a hit checks of its file: `stat` kind, size and time of change (a changed time: the digest); `digest` always the digest;
   * `off` nothing, not even that it is there.
   * @defaultValue 'stat'
   */
  verify?: Verify;
  /**
   * How long a run may go without a sign of life of its process before others may take it over. Renewed each third of it; a
   * process of the same host that is gone is noticed at once. At least 1 s.
   * @defaultValue '30s'
   */
  lease?: Duration;
  /** Opens an existing store and writes nothing: hits only, a miss that would run is refused. @defaultValue false */
  readOnly?: boolean;
  /** A pino-shaped logger: cache hits, run completions, ingestion, file operations at `info`. @defaultValue none: silent */
  logger?: Logger;
  /** Lets an SQLite file lie on a network file system, for use by one machine only (with a rollback journal). @defaultValue false */
  allowNetworkFs?: boolean;
}

export interface ResolvedOptions {
  resultsDir: string;
  target: DatabaseTarget;
  fileSuffix: string;
  durability: 'full' | 'process';
  verify: Verify;
  leaseSeconds: number;
  readOnly: boolean;
  logger: Logger | undefined;
  allowNetworkFs: boolean;
}

const NAMES = [
  'model',
  'runner',
  'resultsDir',
  'dbUrl',
  'fileSuffix',
  'durability',
  'verify',
  'lease',
  'readOnly',
  'logger',
  'allowNetworkFs',
];

export function resolveStoreOptions(raw: StoreOptions & { model?: unknown; runner?: unknown }): ResolvedOptions {
  if (typeof raw !== 'object' || raw === null)
    throw new InvalidOptionError('Store.open takes an object: { model, runner, … }');
  checkOptionNames(raw, NAMES, 'Store.open');
  const {
    resultsDir = './results',
    dbUrl = 'sqlite:///./runs.sqlite3',
    fileSuffix = '.dat',
    durability = 'full',
    verify = 'stat',
  } = raw;
  const { lease = '30s', readOnly = false, logger, allowNetworkFs = false } = raw;
  const leaseSeconds = parseDuration(lease, 'lease');
  if (leaseSeconds < 1) throw new InvalidOptionError('lease: at least 1 s, or a busy machine loses runs that are well');
  if (logger !== undefined) {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      if (typeof logger?.[level] !== 'function')
        throw new InvalidOptionError(`logger: it has no function "${level}"; pass a pino-shaped logger`);
    }
  }
  return {
    resultsDir,
    target: parseDbUrl(dbUrl),
    fileSuffix,
    durability: oneOfOption(durability, ['full', 'process'], 'durability'),
    verify: oneOfOption(verify, ['stat', 'digest', 'off'], 'verify'),
    leaseSeconds,
    readOnly: booleanOption(readOnly, 'readOnly'),
    logger,
    allowNetworkFs: booleanOption(allowNetworkFs, 'allowNetworkFs'),
  };
}

function booleanOption(value: unknown, option: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new InvalidOptionError(`${option}: give true or false`);
}
