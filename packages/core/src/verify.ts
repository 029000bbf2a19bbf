// Compares what the database says with what lies in the folder. Changes nothing unless asked to repair. Called by RunStore.verify.
import { join } from 'node:path';
import type { OpenedStore } from './open.js';
import { checkOptionNames } from './options.js';
import { ownerState } from './owner.js';
import type { StoredRun } from './runs.js';

export interface VerifyOptions {
  /** Reads every file and compares its digest, not only size and time of change. @defaultValue false */
  readData?: boolean;
  /** Drops rows without a valid file and moves what is no result to `.quarantine/`. @defaultValue false */
  repair?: boolean;
}

export type ProblemKind = 'missing' | 'truncated' | 'edited' | 'not-a-file' | 'orphan' | 'stale-lease';

export interface VerifyProblem {
  kind: ProblemKind;
  id?: string;
  /** Absolute. */
  file?: string;
}

export interface VerifyReport {
  /** Rows looked at. */
  checked: number;
  problems: VerifyProblem[];
}

const PAGE = 500;

export async function verifyStore(store: OpenedStore, options: VerifyOptions): Promise<VerifyReport> {
  checkOptionNames(options, ['readData', 'repair'], 'verify');
  const { readData = false, repair = false } = options;
  const report: VerifyReport = { checked: 0, problems: [] };
  await checkRows(store, { readData, repair }, report);
  await checkOrphans(store, repair, report);
  await checkLeases(store, repair, report);
  return report;
}

async function checkRows(store: OpenedStore, options: Required<VerifyOptions>, report: VerifyReport): Promise<void> {
  const { runs, finder, paths } = store;
  let after = '';
  for (;;) {
    const rows = await runs.page(after, PAGE);
    for (const row of rows) {
      report.checked++;
      const problem = await finder.checkFile(row, { digest: options.readData });
      if (problem === undefined) continue;
      // What cannot be read is no file for our purposes.
      const kind = problem === 'unreadable' ? 'not-a-file' : problem;
      report.problems.push({ kind, id: row.id, file: paths.locate(row) });
      if (options.repair) await repairRow(store, row);
    }
    const last = rows.at(-1);
    if (!last) return;
    after = last.id;
  }
}

/** Under the lease of the point, and looked at again: somebody may be replacing it just now. */
async function repairRow(store: OpenedStore, row: StoredRun): Promise<void> {
  const { leases, runs, finder, paths, publisher, seams } = store;
  const { claimed } = await leases.claim([row.id]);
  if (claimed.length === 0) return;
  try {
    const [again] = await runs.findMany([row.id]);
    if (!again || (await finder.checkFile(again, { digest: true })) === undefined) return;
    const file = paths.locate(again);
    // A registered file is the user's, wherever it lies.
    const ours = !again.registered && file.startsWith(`${paths.resultsDir}/`);
    if (ours && seams.fs.stat(file) !== null) publisher.quarantine(row.id, file);
    await runs.remove(row.id);
  } finally {
    await leases.release([row.id]);
  }
}

/** Files named as results that no row knows: left by `delete`, or by a database that is gone. */
async function checkOrphans(store: OpenedStore, repair: boolean, report: VerifyReport): Promise<void> {
  const { seams, paths, runs, leases, publisher } = store;
  const names = seams.fs.list(paths.resultsDir).filter((name) => /^[0-9a-f]{16}\./.test(name));
  for (let i = 0; i < names.length; i += PAGE) {
    const page = names.slice(i, i + PAGE);
    const ids = page.map((name) => name.slice(0, 16));
    const rows = new Map((await runs.findMany(ids)).map((row) => [row.id, row]));
    const live = await leases.live(ids);
    for (const name of page) {
      const id = name.slice(0, 16);
      const file = join(paths.resultsDir, name);
      const row = rows.get(id);
      // Published and not yet committed: somebody is at it.
      if (live.has(id) || (row && paths.locate(row) === file)) continue;
      report.problems.push({ kind: 'orphan', id, file });
      if (repair) publisher.quarantine(id, file);
    }
  }
}

async function checkLeases(store: OpenedStore, repair: boolean, report: VerifyReport): Promise<void> {
  const { database, schema, leases } = store;
  const rows = await database.read(
    `SELECT id, owner, expires - ${database.dialect.nowMs} FROM entropic_leases WHERE table_name = ?`,
    [schema.model.tableName],
  );
  const owners = new Set<string>();
  for (const [id, owner, left] of rows as [string, string, number][]) {
    if (Number(left) > 0 && ownerState(owner) !== 'dead') continue;
    report.problems.push({ kind: 'stale-lease', id });
    owners.add(owner);
  }
  if (repair) for (const owner of owners) await leases.forgetOwner(owner);
}
