// Files made elsewhere get a row; rows are forgotten. Called by RunStore.register and RunStore.delete.
import { realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Claim } from './claims.js';
import { checkCustomData, columnCustomData } from './custom-data.js';
import { ClosedError, InvalidOptionError, StoreBusyError } from './errors.js';
import type { OpenedStore } from './open.js';
import { checkOptionNames } from './options.js';
import type { Point } from './params.js';
import { type AnyRecord, toRecord } from './record.js';
import type { FileDigest } from './seams.js';
import type { CustomData } from './types.js';

export interface RegisterOptions {
  /** As of a run. */
  customData?: CustomData;
  /** Lets the row point to another file than it does. @defaultValue false */
  replace?: boolean;
}

export interface DeleteOptions {
  /** Removes the result file too. @defaultValue false */
  removeFile?: boolean;
}

const POLL_MS = 20;
/** Longer than a tick of the clock that file systems take their times from (4 to 10 ms). */
const TICK_MS = 20;

export async function registerFile(
  store: OpenedStore,
  point: Point,
  file: string | URL,
  options: RegisterOptions | undefined,
): Promise<AnyRecord> {
  checkOptionNames(options, ['customData', 'replace'], 'register');
  const customData = columnCustomData(checkCustomData(options?.customData), null, undefined);
  const { path, digest } = await readFile(store, file);
  const { engine, runs, finder, paths, events, seams, host, owner } = store;
  const claim = await claimPoint(store, point);
  try {
    const [row] = await runs.findMany([point.id]);
    const valid = row !== undefined && (await finder.checkFile(row, { digest: false })) === undefined;
    if (row && valid && row.sha256 === digest.sha256) return toRecord(row, point.params, paths.locate(row));
    if (row && valid && options?.replace !== true) {
      throw new InvalidOptionError(
        `register: ${point.id} has a result already, ${paths.locate(row)}, with other content than ${path}; pass { replace: true } to point to the new one`,
      );
    }
    const createdAt = seams.clock.now();
    const { id, params, paramsText } = point;
    const run = { id, fence: claim.fence, params, paramsText, resultFile: path, createdAt, customData, ...digest };
    const rows = [{ ...run, codeDigest: null, elapsedSeconds: null, host, attempt: null }];
    const committed = await runs.commit(rows, { owner, committedAt: createdAt });
    if (!committed.has(id)) {
      throw new StoreBusyError(
        `register: another process took ${id} over while this one stood still; nothing was written, try again`,
      );
    }
    events.emit({ type: 'row.registered', id, file: path });
    return toRecord({ id, createdAt: new Date(createdAt), customData: JSON.parse(customData) }, params, path);
  } finally {
    await engine.release([claim]);
  }
}

/** @returns whether there was a row */
export async function deletePoint(
  store: OpenedStore,
  id: string,
  options: DeleteOptions | undefined,
): Promise<boolean> {
  checkOptionNames(options, ['removeFile'], 'delete');
  const { runs, attempts, recovery, ingest, journals, paths, seams, events } = store;
  recovery.forget(id);
  const unsettled = ingest.unsettled.get(id);
  if (unsettled?.journal !== undefined) journals.done(unsettled.journal, [[id, unsettled.manifest.fence]]);
  ingest.unsettled.delete(id);
  const [row] = await runs.findMany([id]);
  if (row && options?.removeFile === true) {
    // The file first: on a full disk the row can only go once there is space again.
    const file = paths.locate(row);
    if (seams.fs.stat(file)?.kind === 'file') {
      seams.fs.unlink(file);
      events.emit({ type: 'file.removed', id, file });
    }
  }
  const tried = await attempts.numbers(id);
  const removed = await runs.remove(id);
  for (const attempt of tried) {
    const log = paths.logFile(id, attempt);
    if (seams.fs.stat(log) !== null) seams.fs.unlink(log);
  }
  if (removed) events.emit({ type: 'row.deleted', id });
  return removed;
}

/** The point for us alone, waited for. */
async function claimPoint(store: OpenedStore, point: Point): Promise<Claim> {
  const { engine } = store;
  for (;;) {
    if (engine.closing.aborted) throw new ClosedError('the store was closed');
    const { claims, held } = await engine.claim([point], true);
    if (claims[0]) return claims[0];
    await engine.untilChanged(held, POLL_MS, engine.closing);
  }
}

async function readFile(store: OpenedStore, file: string | URL): Promise<{ path: string; digest: FileDigest }> {
  let path: string;
  try {
    path = realpathSync(file instanceof URL ? fileURLToPath(file) : file);
  } catch (cause) {
    const where = `register: there is no file ${String(file)}`;
    throw new InvalidOptionError(`${where} (a relative path starts from the working folder)`, { cause });
  }
  let digest: FileDigest;
  try {
    digest = await store.seams.fs.digest(path);
    if (Math.abs(store.seams.clock.now() - Number(digest.mtimeNs) / 1e6) < TICK_MS) {
      // Written just now: an edit within the same tick would keep the time of change, and never be noticed.
      await sleep(TICK_MS);
      digest = await store.seams.fs.digest(path);
    }
  } catch (cause) {
    throw new InvalidOptionError(`register: ${path} cannot be read as one regular file: ${(cause as Error).message}`, {
      cause,
    });
  }
  if (digest.size === 0) throw new InvalidOptionError(`register: ${path} is empty: a result has at least one byte`);
  return { path, digest };
}
