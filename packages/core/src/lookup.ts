// Hit or miss: row, then the file that it names, both looked at in this very call. Nothing here changes anything: no row, no file.
// Called by engine.ts for every point of every call.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EntropicError, IdCollisionError, SchemaDriftError } from './errors.js';
import type { EventBus } from './event-bus.js';
import { readLiveManifests } from './journal.js';
import type { Leases } from './leases.js';
import { fillFrozenDefaults, type Point, type PointSchema, pointFromColumns, splitCanonical } from './params.js';
import type { StorePaths } from './paths.js';
import { type AnyRecord, toRecord } from './record.js';
import type { Runs, StoredRun } from './runs.js';
import type { FileSystem } from './seams.js';
import type { Manifest } from './task.js';

export type Verify = 'stat' | 'digest' | 'off';

export type Lookup =
  | { kind: 'hit'; record: AnyRecord }
  | { kind: 'miss'; why: string }
  | { kind: 'error'; error: EntropicError };

/** What is wrong with the file of a row. */
export type FileProblem = 'missing' | 'not-a-file' | 'truncated' | 'edited' | 'unreadable';

/** How long a reader waits for somebody who is replacing the result just now. */
const SETTLE_MS = 1000;
/** Of the params that are looked up in one statement. */
const MAX_LETTERS = 10_000_000;
const NO_ROW: Lookup = { kind: 'miss', why: 'never run' };

export class Finder {
  readonly #runs: Runs;
  readonly #leases: Leases;
  readonly #fs: FileSystem;
  readonly #paths: StorePaths;
  readonly #schema: PointSchema;
  readonly #events: EventBus;
  readonly #verify: Verify;

  constructor(parts: {
    runs: Runs;
    leases: Leases;
    fs: FileSystem;
    paths: StorePaths;
    schema: PointSchema;
    events: EventBus;
    verify: Verify;
  }) {
    this.#runs = parts.runs;
    this.#leases = parts.leases;
    this.#fs = parts.fs;
    this.#paths = parts.paths;
    this.#schema = parts.schema;
    this.#events = parts.events;
    this.#verify = parts.verify;
  }

  /**
   * One answer a point, in their order.
   * @param holding the caller holds the leases of these points: nobody else can be replacing a result
   */
  async find(points: readonly Point[], { holding = false } = {}): Promise<Lookup[]> {
    const rows = await this.#rowsOf(points);
    const answers: Lookup[] = new Array(points.length);
    const doubtful: { index: number; point: Point; row: StoredRun; problem: FileProblem }[] = [];
    for (let i = 0; i < points.length; i++) {
      const point = points[i] as Point;
      const row = rows.get(point.id);
      if (row === undefined) {
        answers[i] = NO_ROW;
        continue;
      }
      const conflict = row.paramsText === point.paramsText ? undefined : await this.#identityConflict(point, row);
      if (conflict) {
        answers[i] = { kind: 'error', error: conflict };
        continue;
      }
      const file = this.#paths.locate(row);
      // Not awaited unless a digest must be taken: a million hits are a million turns of the event loop otherwise.
      let problem = this.quickCheck(row, file);
      if (problem === 'unsure') problem = await this.#digestCheck(row, file);
      if (problem === undefined) answers[i] = { kind: 'hit', record: toRecord(row, point.params, file) };
      else doubtful.push({ index: i, point, row, problem });
    }
    if (doubtful.length > 0) await this.#settleDoubts(doubtful, answers, holding);
    return answers;
  }

  /** In one statement, unless their params are long: the rows come as one text. */
  async #rowsOf(points: readonly Point[]): Promise<Map<string, StoredRun>> {
    const rows = new Map<string, StoredRun>();
    for (let start = 0; start < points.length; ) {
      const ids: string[] = [];
      for (let letters = 0; start < points.length && letters < MAX_LETTERS; start++) {
        const { id, paramsText } = points[start] as Point;
        ids.push(id);
        letters += paramsText.length;
      }
      for (const row of await this.#runs.findMany(ids)) rows.set(row.id, row);
    }
    return rows;
  }

  /** By size and time of change; `unsure` if only a digest can tell. */
  quickCheck(row: StoredRun, file: string, verify = this.#verify): FileProblem | 'unsure' | undefined {
    if (verify === 'off') return undefined;
    const stat = this.#fs.stat(file);
    if (stat === null) return 'missing';
    if (stat.kind !== 'file') return 'not-a-file';
    // A row that entropic did not write says nothing of its file but that it is there.
    if (row.paramsText === null) return undefined;
    if (stat.size !== row.size) return stat.size < row.size ? 'truncated' : 'edited';
    return stat.mtimeNs === row.mtimeNs && verify === 'stat' ? undefined : 'unsure';
  }

  async #digestCheck(row: StoredRun, file: string): Promise<FileProblem | undefined> {
    try {
      return (await this.#fs.digest(file)).sha256 === row.sha256 ? undefined : 'edited';
    } catch {
      // Between stat and open it may have become something else.
      const stat = this.#fs.stat(file);
      return stat === null ? 'missing' : stat.kind === 'file' ? 'unreadable' : 'not-a-file';
    }
  }

  /** The whole check of one row, for `verify` and for whoever replaces a result: they look also where hits do not. */
  async checkFile(row: StoredRun, options: { digest: boolean }): Promise<FileProblem | undefined> {
    const file = this.#paths.locate(row);
    const quick = this.quickCheck(row, file, this.#verify === 'off' ? 'stat' : this.#verify);
    return quick === 'unsure' || (quick === undefined && options.digest && row.paramsText !== null)
      ? this.#digestCheck(row, file)
      : quick;
  }

  /**
   * Row and file disagree. Somebody may be between the rename and the commit of a forced re-run: wait for a live lease, look
   * again; or was killed there: a manifest whose digest is the file's *is* the result. Only then it is a miss.
   */
  async #settleDoubts(
    doubtful: { index: number; point: Point; row: StoredRun; problem: FileProblem }[],
    answers: Lookup[],
    holding: boolean,
  ): Promise<void> {
    let left = doubtful;
    const deadline = performance.now() + SETTLE_MS;
    for (let pause = 5; left.length > 0; pause = Math.min(pause * 2, 100)) {
      const live = await this.#leases.live(left.map(({ point }) => point.id));
      // Looked at again in every case: the holder may have committed between our row and our stat.
      const rows = new Map((await this.#runs.findMany(left.map(({ point }) => point.id))).map((row) => [row.id, row]));
      const still: typeof doubtful = [];
      let waiting = false;
      for (const doubt of left) {
        const row = rows.get(doubt.point.id);
        if (row === undefined) {
          answers[doubt.index] = NO_ROW;
          continue;
        }
        const problem = await this.checkFile(row, { digest: false });
        if (problem === undefined) {
          answers[doubt.index] = { kind: 'hit', record: toRecord(row, doubt.point.params, this.#paths.locate(row)) };
        } else {
          still.push({ ...doubt, row, problem });
          // Another row than before: the result was replaced meanwhile, and perhaps once more between this row and its file.
          if (live.has(row.id) || row.fence !== doubt.row.fence) waiting = true;
        }
      }
      left = still;
      if (holding || !waiting || performance.now() > deadline) break;
      await sleep(pause);
    }
    if (left.length === 0) return;
    const manifests = this.#manifests(new Set(left.map(({ point }) => point.id)));
    for (const { index, point, row, problem } of left) {
      const file = this.#paths.finalFile(point.id);
      const manifest = await this.#matching(manifests.get(point.id) ?? [], file);
      if (manifest) {
        const newer = {
          id: point.id,
          createdAt: new Date(manifest.createdAt),
          customData: JSON.parse(manifest.customData),
        };
        answers[index] = { kind: 'hit', record: toRecord(newer, point.params, file) };
        continue;
      }
      const why = PROBLEM_TEXT[problem];
      this.#events.emit({ type: 'cache.invalid', id: point.id, file: this.#paths.locate(row), why });
      answers[index] = { kind: 'miss', why: `its result file ${why}` };
    }
  }

  #manifests(ids: ReadonlySet<string>): Map<string, Manifest[]> {
    const found = new Map<string, Manifest[]>();
    for (const owner of this.#fs.list(this.#paths.tmpDir)) {
      for (const manifest of readLiveManifests(this.#fs, join(this.#paths.tmpDir, owner))) {
        if (ids.has(manifest.id)) found.set(manifest.id, [...(found.get(manifest.id) ?? []), manifest]);
      }
    }
    return found;
  }

  async #matching(manifests: readonly Manifest[], file: string): Promise<Manifest | undefined> {
    const stat = manifests.length > 0 ? this.#fs.stat(file) : null;
    if (stat?.kind !== 'file' || !manifests.some((manifest) => manifest.size === stat.size)) return undefined;
    try {
      const { sha256 } = await this.#fs.digest(file);
      return manifests.findLast((manifest) => manifest.sha256 === sha256);
    } catch {
      return undefined;
    }
  }

  /** The row's params are not letter by letter the point's: an older row, a row of Python's, or really another point. */
  async #identityConflict(point: Point, row: StoredRun): Promise<EntropicError | undefined> {
    const { tableName } = this.#schema.model;
    let stored = row.paramsText;
    if (stored === null) {
      const values = (await this.#runs.paramsOf([row.id])).get(row.id);
      try {
        stored = values ? pointFromColumns(this.#schema, values).paramsText : '{}';
      } catch {
        stored = '{}';
      }
    }
    if (stored === point.paramsText || fillFrozenDefaults(this.#schema, stored) === point.paramsText) return undefined;
    const had = splitCanonical(stored);
    const wants = splitCanonical(point.paramsText);
    const inId = splitCanonical(point.idText);
    for (const [column, value] of wants) {
      const before = had.get(column);
      if (before === value || inId.has(column)) continue;
      return new SchemaDriftError(
        `the default of column "${column}" differs: the row of ${row.id} was made with ${before ?? 'no such column'}, this table freezes ${value}; ` +
          'its result is not served for these params. Pass the value explicitly, or delete the row',
        { table: tableName, column },
      );
    }
    return new IdCollisionError(
      `the row ${row.id} of ${tableName} holds other params (${clip(stored)}) than those asked for (${clip(point.paramsText)}): ` +
        'it was changed by hand or two points share an id. Its result is not served; delete the row to run this point',
      row.id,
    );
  }
}

export const PROBLEM_TEXT: Record<FileProblem, string> = {
  missing: 'is missing',
  'not-a-file': 'is no regular file any more',
  unreadable: 'cannot be read',
  truncated: 'is shorter than it was',
  edited: 'was changed after the run',
};

function clip(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
