// What a killed process left: finished runs that have a manifest and no row are adopted, the rest of its folder goes. Called at
// open for every dead owner, and by engine.ts whenever a lease is taken over from one.
import { join } from 'node:path';
import type { EventBus } from './event-bus.js';
import type { Ingest, Sealed } from './ingest.js';
import { CLOSED_MARK, readLiveManifests, settleIn } from './journal.js';
import type { Leases } from './leases.js';
import type { OwnerState } from './owner.js';
import { fillFrozenDefaults, type Point, type PointSchema, pointFromColumns } from './params.js';
import type { StorePaths } from './paths.js';
import type { Runs } from './runs.js';
import type { FileSystem } from './seams.js';
import type { Manifest } from './task.js';

/** Folders of owners on other hosts are left alone for so long after their last change. */
const GRACE_MS = 60 * 60 * 1000;
const GROUP = 256;

interface RecoveryParts {
  fs: FileSystem;
  paths: StorePaths;
  schema: PointSchema;
  runs: Runs;
  leases: Leases;
  ingest: Ingest;
  events: EventBus;
  owner: string;
  stateOf: (owner: string) => OwnerState;
  now: () => number;
}

export class Recovery {
  readonly #parts: RecoveryParts;
  /** Finished runs that could not be adopted just now (the disk failed): point → owner. They are tried again before they run. */
  readonly #left = new Map<string, string>();

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  /** At open: every folder whose owner is gone. Costs one listing when there is none. */
  async atOpen(): Promise<void> {
    const { fs, paths, events } = this.#parts;
    let liveOwners: Set<string> | undefined;
    for (const owner of fs.list(paths.tmpDir)) {
      if (owner === this.#parts.owner) continue;
      try {
        if (!this.#isGone(owner)) {
          if (this.#parts.stateOf(owner) === 'alive' || !this.#isOld(owner)) continue;
          liveOwners ??= await this.#parts.leases.liveOwners();
          if (liveOwners.has(owner)) continue;
        }
        await this.adoptOwner(owner);
      } catch (error) {
        // A store must open although the disk is full or a folder is not ours: what is there stays for the next time.
        events.emit({
          type: 'store.trouble',
          what: `recovering ${join(paths.tmpDir, owner)}`,
          message: (error as Error).message,
        });
      }
    }
  }

  /** All that an owner finished and did not commit; then its folder goes, unless something in it is still to be done. */
  async adoptOwner(owner: string): Promise<void> {
    const { fs, paths } = this.#parts;
    const folder = join(paths.tmpDir, owner);
    const manifests = newestOf(readLiveManifests(fs, folder));
    let whole = true;
    for (let i = 0; i < manifests.length; i += GROUP) {
      whole = (await this.#adoptGroup(owner, folder, manifests.slice(i, i + GROUP))) && whole;
    }
    if (!whole || !this.#isGone(owner)) return;
    await this.#parts.leases.forgetOwner(owner);
    fs.removeDir(folder);
  }

  /**
   * Finished runs without a row of points that were taken over: in the folder of the owner that lost the lease, and in those of the
   * dead, for that owner may itself have died while it recovered the run of another. The newest of each point, and its folder.
   * @param takenFrom by point, the owner that had it
   */
  async find(takenFrom: ReadonlyMap<string, string>): Promise<Map<string, { manifest: Manifest; folder: string }>> {
    const { fs, paths, runs } = this.#parts;
    const found = new Map<string, { manifest: Manifest; folder: string }>();
    const losers = new Set(takenFrom.values());
    for (const owner of takenFrom.size > 0 ? fs.list(paths.tmpDir) : []) {
      if (owner === this.#parts.owner || !(losers.has(owner) || this.#isGone(owner))) continue;
      const folder = join(paths.tmpDir, owner);
      for (const manifest of readLiveManifests(fs, folder)) {
        if (!takenFrom.has(manifest.id)) continue;
        if (manifest.fence > (found.get(manifest.id)?.manifest.fence ?? 0))
          found.set(manifest.id, { manifest, folder });
      }
    }
    // What the row has is newer: that run was superseded, or committed and only not marked.
    for (const { id, fence } of found.size > 0 ? await runs.findMany([...found.keys()]) : []) {
      if (fence >= (found.get(id)?.manifest.fence ?? 0)) found.delete(id);
    }
    return found;
  }

  /** The dead owner whose finished run of this point could not be adopted when the store was opened. */
  leftBy(id: string): string | undefined {
    return this.#left.get(id);
  }

  /** It was adopted, or nothing can be made of it. */
  settled(id: string): void {
    this.#left.delete(id);
  }

  /** The sealed run of a manifest, if its file is where it should be and whole. */
  async toSealed(manifest: Manifest, folder: string, fence: number): Promise<Sealed | undefined> {
    const { fs, paths, now } = this.#parts;
    const point = this.#pointOf(manifest);
    if (point === undefined) return undefined;
    for (const path of [join(folder, manifest.file), paths.finalFile(manifest.id)]) {
      if (fs.stat(path)?.kind !== 'file') continue;
      const digest = await fs.digest(path);
      if (digest.sha256 !== manifest.sha256 || digest.size !== manifest.size) continue;
      const temp = path === paths.finalFile(manifest.id) ? undefined : path;
      return {
        point,
        fence,
        manifest: { ...manifest, mtimeNs: digest.mtimeNs },
        temp,
        claimedAt: now(),
        journal: undefined,
      };
    }
    return undefined;
  }

  /** Drops every finished run of a point that nobody committed: it was deleted. */
  forget(id: string): void {
    const { fs, paths } = this.#parts;
    this.#left.delete(id);
    for (const owner of fs.list(paths.tmpDir)) {
      if (this.#parts.stateOf(owner) === 'alive' && !this.#isGone(owner)) continue;
      const folder = join(paths.tmpDir, owner);
      settleIn(
        fs,
        folder,
        readLiveManifests(fs, folder)
          .filter((m) => m.id === id)
          .map((m) => [m.id, m.fence] as const),
      );
    }
  }

  /** @returns whether nothing of the group is left to be done */
  async #adoptGroup(owner: string, folder: string, manifests: readonly Manifest[]): Promise<boolean> {
    const { leases, runs, events } = this.#parts;
    for (const { id } of manifests) this.#left.set(id, owner);
    const { claimed, held } = await leases.claim(manifests.map((manifest) => manifest.id));
    const fences = new Map(claimed.map((lease) => [lease.id, lease.fence]));
    const adoptions: Promise<boolean>[] = [];
    try {
      const rows = new Map((await runs.findMany([...fences.keys()])).map((row) => [row.id, row]));
      for (const manifest of manifests) {
        const { id } = manifest;
        const fence = fences.get(id);
        if (fence === undefined) continue;
        try {
          const superseded = (rows.get(id)?.fence ?? 0) >= manifest.fence;
          const sealed = superseded ? undefined : await this.toSealed(manifest, folder, fence);
          if (sealed) adoptions.push(this.#adopt(sealed, owner));
          else this.#left.delete(id);
        } catch (error) {
          events.emit({ type: 'store.trouble', what: `recovering ${id}`, message: (error as Error).message });
          adoptions.push(Promise.resolve(false));
        }
      }
      const adopted = await Promise.all(adoptions);
      return held.length === 0 && adopted.every(Boolean);
    } finally {
      await Promise.all(adoptions);
      // Those of committed runs are gone already. What is left is tried again by whoever wants the point next.
      await leases.release([...fences.keys()]);
    }
  }

  /** @returns whether it is settled; a commit that failed is told by the ingest, and kept there */
  async #adopt(sealed: Sealed, owner: string): Promise<boolean> {
    const { ingest, events, paths } = this.#parts;
    const { id } = sealed.manifest;
    try {
      const { status } = await ingest.add(sealed);
      if (status === 'committed') events.emit({ type: 'run.recovered', id, file: paths.finalFile(id), owner });
      this.#left.delete(id);
      return true;
    } catch {
      return false;
    }
  }

  #isGone(owner: string): boolean {
    const { fs, paths, stateOf } = this.#parts;
    return stateOf(owner) === 'dead' || fs.stat(join(paths.tmpDir, owner, CLOSED_MARK)) !== null;
  }

  #isOld(owner: string): boolean {
    const { fs, paths, now } = this.#parts;
    const folder = join(paths.tmpDir, owner);
    const times = [folder, ...fs.list(folder).map((name) => join(folder, name))].map(
      (path) => Number(fs.stat(path)?.mtimeNs ?? 0) / 1e6,
    );
    return now() - Math.max(...times) > GRACE_MS;
  }

  #pointOf(manifest: Manifest): Point | undefined {
    const text = fillFrozenDefaults(this.#parts.schema, manifest.paramsText);
    if (text === undefined) return undefined;
    try {
      const point = pointFromColumns(this.#parts.schema, JSON.parse(text));
      return point.id === manifest.id ? point : undefined;
    } catch {
      return undefined;
    }
  }
}

/** One manifest a point, the newest: older ones were superseded by it. */
function newestOf(manifests: readonly Manifest[]): Manifest[] {
  return [...new Map(manifests.map((manifest) => [manifest.id, manifest])).values()];
}
