// A results folder belongs to one table of one database: `<resultsDir>/.entropic/store.json` says which. Called once at open.
import { join } from 'node:path';
import { EntropicError, InvalidOptionError } from './errors.js';
import type { EventBus } from './event-bus.js';
import type { StorePaths } from './paths.js';
import { isCode, type Seams } from './seams.js';
import { asStoreError } from './store-error.js';

const FORMAT_VERSION = 1;

interface Claimed {
  formatVersion: number;
  table: string;
  storeId: string;
  /** Where the database was, without a password: for messages, and to know a database that was made anew in its place. */
  database: string;
}

export interface FolderOwner {
  table: string;
  storeId: string;
  database: string;
}

/**
 * Makes the folder and writes who owns it, or checks that this store does.
 * @throws InvalidOptionError that names the owner, or says why the folder cannot be used; StoreFullError
 */
export function claimResultsDir(paths: StorePaths, wanted: FolderOwner, seams: Seams, events: EventBus): void {
  try {
    claim(paths, wanted, seams, events);
  } catch (cause) {
    if (cause instanceof EntropicError) throw cause;
    // The disk's trouble, not the option's.
    if (isCode(cause, 'ENOSPC', 'EDQUOT', 'EIO')) throw asStoreError(cause, paths.resultsDir);
    throw new InvalidOptionError(`resultsDir: cannot use ${paths.resultsDir}: ${(cause as Error).message}`, { cause });
  }
}

function claim(paths: StorePaths, wanted: FolderOwner, seams: Seams, events: EventBus): void {
  const { fs } = seams;
  const file = storeFile(paths);
  fs.makeDir(paths.metaDir);
  const text = fs.read(file);
  if (text === null) {
    if (write(paths, wanted, seams)) return;
    // Another process was first.
    claim(paths, wanted, seams, events);
    return;
  }
  const found = parse(text, file);
  if (found.table === wanted.table && found.storeId === wanted.storeId) return;
  if (found.table === wanted.table && found.database === wanted.database) {
    // The same place, another store: the database was deleted and made anew. Its files are adopted or set aside, one by one.
    fs.rename(file, `${file}.${found.storeId}.old`);
    write(paths, wanted, seams);
    events.emit({ type: 'store.adopted', resultsDir: paths.resultsDir, previousStoreId: found.storeId });
    return;
  }
  throw new InvalidOptionError(
    `resultsDir: ${paths.resultsDir} belongs to table "${found.table}" of ${found.database} (store ${found.storeId}), not to table ` +
      `"${wanted.table}" of ${wanted.database} (store ${wanted.storeId}). Give each table a folder of its own, such as './results-${wanted.table}'; ` +
      `if that database is gone for good, delete ${file} and open again`,
  );
}

/** For a store that may not write: checks only. */
export function checkResultsDir(paths: StorePaths, wanted: FolderOwner, seams: Seams): void {
  const file = storeFile(paths);
  const text = seams.fs.read(file);
  if (text === null) return;
  const found = parse(text, file);
  if (found.table === wanted.table && found.storeId === wanted.storeId) return;
  throw new InvalidOptionError(
    `resultsDir: ${paths.resultsDir} belongs to table "${found.table}" of ${found.database}, not to this store`,
  );
}

/**
 * The file is written in this owner's private folder: a kill leaves nothing that the next open would not clear away.
 * @returns whether we were the one who made it
 */
function write(paths: StorePaths, owner: FolderOwner, { fs }: Seams): boolean {
  const content: Claimed = { formatVersion: FORMAT_VERSION, ...owner };
  const file = storeFile(paths);
  const partial = join(paths.ownerDir, 'store.json.part');
  try {
    fs.makeDir(paths.ownerDir, 0o700);
    fs.writeNew(partial, `${JSON.stringify(content, null, 2)}\n`);
    try {
      fs.link(partial, file);
    } catch (error) {
      if (isCode(error, 'EEXIST')) return false;
      // No links on this file system: a rename is as whole, only not exclusive.
      fs.rename(partial, file);
    }
    return true;
  } finally {
    try {
      fs.removeDir(paths.ownerDir);
    } catch {
      // It goes when this process is gone.
    }
  }
}

function storeFile(paths: StorePaths): string {
  return join(paths.metaDir, 'store.json');
}

function parse(text: string, file: string): Claimed {
  try {
    const found = JSON.parse(text) as Claimed;
    if (typeof found.table === 'string' && typeof found.storeId === 'string') {
      if (found.formatVersion <= FORMAT_VERSION) return found;
      throw new InvalidOptionError(
        `${file} has format ${found.formatVersion}, this entropic knows ${FORMAT_VERSION}: upgrade it`,
      );
    }
  } catch (error) {
    if (error instanceof InvalidOptionError) throw error;
  }
  throw new InvalidOptionError(
    `${file} cannot be read: it should say which store the folder belongs to. If you know that it is this one, delete it`,
  );
}
