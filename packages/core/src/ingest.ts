// Outcomes → rows: the single writer. What finishes within a few milliseconds shares the folder's fsync and the transaction; a lone
// run does not wait. Called by engine.ts for runs and by recover.ts for what a killed process left.
import type { EventBus } from './event-bus.js';
import type { Journals } from './journals.js';
import type { Finder } from './lookup.js';
import type { Point } from './params.js';
import type { StorePaths } from './paths.js';
import type { Publication, Publisher, PublishPlan } from './publish.js';
import { type AnyRecord, toRecord } from './record.js';
import type { NewRun, Runs } from './runs.js';
import type { FileSystem } from './seams.js';
import { asStoreError, isInfrastructure } from './store-error.js';
import type { Manifest } from './task.js';

const MAX_GROUP = 256;
/** Longest time that a finished run waits for others, so that one commit serves them all; and how close together they must come. */
const GATHER_MS = 20;
const CLOSE_MS = 5;

/** A sealed run under a lease that we hold. */
export interface Sealed {
  point: Point;
  /** Of our lease; for a recovered run newer than the manifest's. */
  fence: number;
  manifest: Manifest;
  /** Absolute; undefined if the file has its final name already. */
  temp: string | undefined;
  /** When the lease was claimed, in milliseconds since 1970: this clock runs on while a process or a machine is stopped. */
  claimedAt: number;
  /** Where its manifest stands; undefined if in the journal of another owner, which recover.ts settles. */
  journal: string | undefined;
}

export type Ingested = { status: 'committed'; record: AnyRecord } | { status: 'stale' };

interface Entry extends Sealed, Publication {
  resolve(result: Ingested): void;
  reject(error: unknown): void;
  linked: boolean;
  /** Its caller has heard. */
  settled: boolean;
  plan: PublishPlan;
}

interface IngestParts {
  runs: Runs;
  fs: FileSystem;
  paths: StorePaths;
  events: EventBus;
  publisher: Publisher;
  finder: Finder;
  journals: Journals;
  owner: string;
  host: string;
  durable: boolean;
  leaseSeconds: number;
  now: () => number;
  elapsed: () => number;
  stillMine: (ids: readonly string[]) => Promise<Set<string>>;
  /** Points that are claimed in this process: waiting for a slot, running, or here. */
  inFlight: () => number;
}

export class Ingest {
  readonly #parts: IngestParts;
  #queue: Entry[] = [];
  #working: Promise<void> | undefined;
  /** Ends the waiting for more. */
  #enough: (() => void) | undefined;
  /** Seconds: when the last one came, and how long after the one before. */
  #cameAt = Number.NEGATIVE_INFINITY;
  #gap = Number.POSITIVE_INFINITY;
  /** Sealed runs whose commit failed: the next call for the point commits them instead of running again. */
  readonly unsettled = new Map<string, Sealed>();

  constructor(parts: IngestParts) {
    this.#parts = parts;
  }

  /** How many are on their way. */
  get pending(): number {
    return this.#queue.length;
  }

  /** Resolves after the commit, and the fsyncs of `durability: 'full'`. Rejects if it could not be committed: it is then kept. */
  add(sealed: Sealed): Promise<Ingested> {
    return new Promise((resolve, reject) => {
      const { id, sha256, size, mtimeNs, forced } = sealed.manifest;
      this.#queue.push({
        ...sealed,
        id,
        sha256,
        size,
        mtimeNs,
        forced,
        resolve,
        reject,
        linked: sealed.temp === undefined,
        plan: undefined,
        settled: false,
      });
      const now = this.#parts.elapsed();
      this.#gap = now - this.#cameAt;
      this.#cameAt = now;
      if (!this.#moreExpected()) this.#enough?.();
      this.#working ??= this.#work();
    });
  }

  /** Until nothing is on its way. */
  async drain(): Promise<void> {
    while (this.#working) await this.#working;
  }

  async #work(): Promise<void> {
    // The queue is taken at the next turn of microtasks, so that what was added together goes together.
    await undefined;
    while (this.#queue.length > 0) {
      await this.#gather();
      const group = this.#queue.splice(0, MAX_GROUP);
      try {
        await this.#group(group);
      } catch (error) {
        for (const entry of group) if (!entry.settled) this.#fail(entry, error);
      }
    }
    this.#working = undefined;
  }

  /** A lone run does not wait, nor one whose neighbours come far apart. */
  #moreExpected(): boolean {
    const { length } = this.#queue;
    return length < MAX_GROUP && this.#gap * 1000 < CLOSE_MS && this.#parts.inFlight() > length;
  }

  async #gather(): Promise<void> {
    if (!this.#moreExpected()) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#enough = resolve;
      timer = setTimeout(resolve, GATHER_MS);
    });
    clearTimeout(timer);
    this.#enough = undefined;
  }

  async #group(group: Entry[]): Promise<void> {
    const { paths, fs, durable } = this.#parts;
    let entries = await this.#dropStale(group);
    if (durable) {
      entries = await this.#each(
        entries,
        // A recovered result may have its final name already, and have got it just before the kill.
        (entry) => fs.fsync(entry.temp ?? paths.finalFile(entry.id)),
        true,
      );
    }
    entries = await this.#each(entries, (entry) => {
      if (!entry.linked) entry.linked = this.#parts.publisher.tryLink(entry);
    });
    await this.#planConflicts(entries.filter((entry) => !entry.linked));
    // An adopted file's name may be as new as one that was linked just now: its process was killed, or its fsync failed.
    if (durable && entries.some((entry) => entry.linked || entry.plan?.action === 'adopt')) {
      try {
        await fs.fsync(paths.resultsDir);
      } catch (error) {
        for (const entry of entries) this.#fail(entry, error);
        return;
      }
    }
    await this.#commit(entries);
  }

  async #commit(entries: Entry[]): Promise<void> {
    if (entries.length === 0) return;
    const { runs, owner, events, now, elapsed, paths, publisher, durable } = this.#parts;
    const byId = new Map(entries.map((entry) => [entry.id, entry]));
    const rows = new Map<string, NewRun>(entries.map((entry) => [entry.id, this.#row(entry)]));
    const started = elapsed();
    const settle = (id: string) => {
      const entry = byId.get(id) as Entry;
      if (!entry.linked) (rows.get(id) as NewRun).mtimeNs = publisher.settle(entry, entry.plan, { fsync: durable });
    };
    let committed: Set<string>;
    try {
      committed = await runs.commit([...rows.values()], {
        owner,
        committedAt: now(),
        settle: entries.every((entry) => entry.linked) ? undefined : settle,
      });
    } catch (error) {
      if (entries.length > 1 && !isInfrastructure(error)) {
        // One row that the table refuses (a constraint added by hand) must not take its neighbours along.
        for (const entry of entries) await this.#commit([entry]);
        return;
      }
      for (const entry of entries) this.#fail(entry, error);
      return;
    }
    if (committed.size > 0 && events.wants('row.committed')) {
      events.emit({ type: 'row.committed', ids: [...committed], seconds: elapsed() - started });
    }
    this.#markDone(entries);
    for (const entry of entries) {
      this.unsettled.delete(entry.id);
      this.#removeTemp(entry);
      const file = paths.finalFile(entry.id);
      if (!committed.has(entry.id)) {
        events.emit({ type: 'run.stale', id: entry.id, fence: entry.fence });
        this.#settle(entry, { status: 'stale' });
        continue;
      }
      if (events.wants('file.published'))
        events.emit({ type: 'file.published', id: entry.id, file, bytes: entry.size });
      const row = rows.get(entry.id) as NewRun;
      const stored = { id: entry.id, createdAt: new Date(row.createdAt), customData: JSON.parse(row.customData) };
      this.#settle(entry, { status: 'committed', record: toRecord(stored, entry.point.params, file) });
    }
  }

  #row(entry: Entry): NewRun {
    const { manifest, point } = entry;
    return {
      id: entry.id,
      fence: entry.fence,
      params: point.params,
      paramsText: point.paramsText,
      resultFile: this.#parts.paths.columnText(entry.id),
      createdAt: manifest.createdAt,
      customData: manifest.customData,
      sha256: manifest.sha256,
      size: manifest.size,
      mtimeNs: manifest.mtimeNs,
      codeDigest: manifest.codeDigest,
      elapsedSeconds: manifest.elapsedSeconds,
      host: this.#parts.host,
      attempt: manifest.attempt,
    };
  }

  /** A process that was stopped for longer than its lease finds out here, before it touches a final name. */
  async #dropStale(group: Entry[]): Promise<Entry[]> {
    const { now, leaseSeconds, stillMine } = this.#parts;
    const old = group.filter((entry) => Math.abs(now() - entry.claimedAt) > leaseSeconds * 900);
    if (old.length === 0) return group;
    let mine: Set<string>;
    try {
      mine = await stillMine(old.map((entry) => entry.id));
    } catch (error) {
      for (const entry of group) this.#fail(entry, error);
      return [];
    }
    const stale = new Set(old.filter((entry) => !mine.has(entry.id)));
    this.#refuse([...stale]);
    return group.filter((entry) => !stale.has(entry));
  }

  /** Somebody else has the point: the result is discarded, its caller looks again. */
  #refuse(stale: readonly Entry[]): void {
    this.#markDone(stale);
    for (const entry of stale) {
      this.unsettled.delete(entry.id);
      this.#removeTemp(entry);
      this.#parts.events.emit({ type: 'run.stale', id: entry.id, fence: entry.fence });
      this.#settle(entry, { status: 'stale' });
    }
  }

  async #planConflicts(entries: Entry[]): Promise<void> {
    if (entries.length === 0) return;
    const { runs, publisher, finder } = this.#parts;
    const rows = new Map((await runs.findMany(entries.map((entry) => entry.id))).map((row) => [row.id, row]));
    await Promise.all(
      entries.map(async (entry) => {
        entry.plan = await publisher.plan(entry, rows.get(entry.id), (row) => finder.checkFile(row, { digest: false }));
      }),
    );
  }

  /** Does one step for every entry, side by side; an entry whose step fails leaves the group. */
  async #each(entries: Entry[], step: (entry: Entry) => unknown, fileDoubtful = false): Promise<Entry[]> {
    const results = await Promise.allSettled(entries.map(async (entry) => step(entry)));
    const failed = new Map<Entry, unknown>();
    for (const [i, result] of results.entries()) {
      if (result.status === 'rejected') failed.set(entries[i] as Entry, result.reason);
    }
    if (failed.size > 0) await this.#failUnlessLost(failed, fileDoubtful);
    return entries.filter((entry) => !failed.has(entry));
  }

  /** Stopped for too long between two steps: the file is gone because the new holder of its point has committed it. */
  async #failUnlessLost(failed: ReadonlyMap<Entry, unknown>, fileDoubtful: boolean): Promise<void> {
    const ids = [...failed.keys()].map((entry) => entry.id);
    // Whoever cannot ask keeps the error that there was.
    const mine = await this.#parts.stillMine(ids).catch(() => new Set(ids));
    this.#refuse([...failed.keys()].filter((entry) => !mine.has(entry.id)));
    for (const [entry, error] of failed) if (!entry.settled) this.#fail(entry, error, fileDoubtful);
  }

  /**
   * @param fileDoubtful after a failed fsync the kernel may have dropped the pages: the file is not to be trusted, so the run is
   * forgotten. Otherwise only the commit failed, and the sealed run is kept for the next call.
   */
  #fail(entry: Entry, error: unknown, fileDoubtful = false): void {
    const { events, paths } = this.#parts;
    if (fileDoubtful) {
      this.#markDone([entry]);
      this.#removeTemp(entry);
    } else {
      this.unsettled.set(entry.id, entry);
    }
    events.emit({
      type: 'store.trouble',
      what: `committing ${entry.id} under ${paths.resultsDir}`,
      message: (error as Error)?.message ?? String(error),
    });
    entry.settled = true;
    entry.reject(asStoreError(error, paths.resultsDir));
  }

  #settle(entry: Entry, result: Ingested): void {
    entry.settled = true;
    entry.resolve(result);
  }

  #removeTemp(entry: Entry): void {
    const { temp } = entry;
    if (temp === undefined) return;
    try {
      this.#parts.fs.unlink(temp);
    } catch {
      // It was renamed to its final name, or the folder goes at the end.
    }
  }

  #markDone(entries: readonly Entry[]): void {
    for (const journal of new Set(entries.map((entry) => entry.journal))) {
      if (journal === undefined) continue;
      const settled = entries.filter((entry) => entry.journal === journal);
      try {
        this.#parts.journals.done(
          journal,
          settled.map(({ manifest }) => [manifest.id, manifest.fence]),
        );
      } catch (error) {
        // A missing `done` only makes the next recovery look at a row that is there already.
        this.#parts.events.emit({ type: 'store.trouble', what: journal, message: (error as Error).message });
      }
    }
  }
}
