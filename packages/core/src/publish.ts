// A sealed result gets its final name, never clobbering what is not ours to replace. Called by ingest.ts: `tryLink` before the
// transaction for the common case (nothing stands there), `plan` and `settle` around and inside it for the rest.
import type { EventBus } from './event-bus.js';
import type { FileProblem } from './lookup.js';
import type { StorePaths } from './paths.js';
import type { StoredRun } from './runs.js';
import { type FileStat, type FileSystem, isCode } from './seams.js';

/** A result file on its way to its final name. */
export interface Publication {
  id: string;
  /** Where it is now; undefined if it has its final name already (a recovered run). */
  temp: string | undefined;
  sha256: string;
  size: number;
  mtimeNs: string;
  forced: boolean;
}

/** What to do with a file that stands in the way, decided before the transaction and only valid while it is the same file. */
interface Plan {
  action: 'adopt' | 'replace' | 'quarantine';
  standing: FileStat;
}

export class Publisher {
  readonly #fs: FileSystem;
  readonly #paths: StorePaths;
  readonly #events: EventBus;
  readonly #now: () => number;
  readonly #nonce: () => string;

  constructor(parts: { fs: FileSystem; paths: StorePaths; events: EventBus; now: () => number; nonce: () => string }) {
    this.#fs = parts.fs;
    this.#paths = parts.paths;
    this.#events = parts.events;
    this.#now = parts.now;
    this.#nonce = parts.nonce;
  }

  /** @returns whether the result now stands under its final name; false if something else does, or links are not to be had */
  tryLink(item: Publication): boolean {
    if (item.temp === undefined) return true;
    try {
      this.#fs.link(item.temp, this.#paths.finalFile(item.id));
      return true;
    } catch (error) {
      if (isCode(error, 'EEXIST', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) return false;
      throw error;
    }
  }

  /** Looks at what stands in the way; the digest of a large file is taken here, not inside the transaction. */
  async plan(
    item: Publication,
    row: StoredRun | undefined,
    check: (row: StoredRun) => Promise<FileProblem | undefined>,
  ): Promise<Plan | undefined> {
    const final = this.#paths.finalFile(item.id);
    const standing = this.#fs.stat(final);
    if (standing === null) return undefined;
    if (standing.kind === 'file' && standing.size === item.size && (await this.#sha256(final)) === item.sha256) {
      await this.#fs.fsync(final);
      return { action: 'adopt', standing };
    }
    // A forced re-run replaces the result it repeats, and nothing else: an edited or foreign file is kept aside.
    const repeats =
      item.forced && row !== undefined && this.#paths.locate(row) === final && (await check(row)) === undefined;
    return { action: repeats ? 'replace' : 'quarantine', standing };
  }

  /** Undefined for a file that cannot be read: whatever it is, it is not this result. */
  async #sha256(file: string): Promise<string | undefined> {
    try {
      return (await this.#fs.digest(file)).sha256;
    } catch {
      return undefined;
    }
  }

  /**
   * Inside the transaction that commits the row, so that no stale holder can touch a file that a newer one has committed. May be
   * called again if the transaction is repeated.
   * @returns the time of change of the file that stands there now
   */
  settle(item: Publication, plan: Plan | undefined, options: { fsync: boolean }): string {
    const final = this.#paths.finalFile(item.id);
    const temp = item.temp as string;
    const mine = this.#fs.stat(temp);
    const standing = this.#fs.stat(final);
    if (mine === null || standing?.identity === mine.identity) return (standing as FileStat).mtimeNs;
    if (standing !== null && plan?.action === 'adopt' && same(plan.standing, standing)) {
      this.#events.emit({ type: 'file.adopted', id: item.id, file: final });
      return standing.mtimeNs;
    }
    if (standing !== null && !(plan?.action === 'replace' && same(plan.standing, standing)))
      this.quarantine(item.id, final);
    this.#fs.rename(temp, final);
    if (options.fsync) this.#fs.fsyncNow(this.#paths.resultsDir);
    return item.mtimeNs;
  }

  /** Moves what is no result of ours out of the way: kept, under a name that says when. */
  quarantine(id: string, file: string): void {
    this.#fs.makeDir(this.#paths.quarantineDir);
    const to = this.#paths.quarantineFile(id, this.#now(), this.#nonce());
    this.#fs.rename(file, to);
    this.#events.emit({ type: 'file.quarantined', id, file, to });
  }
}

export type PublishPlan = Plan | undefined;

function same(a: FileStat, b: FileStat): boolean {
  return a.kind === b.kind && a.identity === b.identity && a.size === b.size && a.mtimeNs === b.mtimeNs;
}
