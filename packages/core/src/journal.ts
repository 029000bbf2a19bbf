// Manifests: what makes a finished run recoverable before its row exists. One line a manifest, appended in the slot that ran it;
// one line for each group that was settled. Lines are checksummed and not fsynced: they survive a kill, and after a power cut a
// torn or missing line only means that a run is done again.
import { basename, join } from 'node:path';
import { idOf } from './id.js';
import type { FileSystem } from './seams.js';
import type { Manifest } from './task.js';

/** Points of manifests: an id may have been run several times, the fence tells which. */
export type Settled = readonly (readonly [id: string, fence: number])[];

const PREFIX = 'journal-';
/** Left by a store that was closed while its process lives on: what it could not commit is anybody's to recover. */
export const CLOSED_MARK = 'closed';

/** Its base name; what slots add to it begins with a dot. */
export function journalName(journal: string): string {
  return basename(journal);
}

export function journalFile(ownerDir: string, part: string | number): string {
  return join(ownerDir, `${PREFIX}${part}`);
}

/** Appends to one journal file, opened at the first line. */
export class JournalWriter {
  readonly #fs: FileSystem;
  readonly #path: string;
  #fd: number | undefined;

  constructor(fs: FileSystem, path: string) {
    this.#fs = fs;
    this.#path = path;
  }

  manifest(manifest: Manifest): void {
    this.#append({ manifest });
  }

  /** These manifests are committed, refused, deleted or lost: there is nothing left to recover. */
  done(settled: Settled): void {
    if (settled.length > 0) this.#append({ done: settled });
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    try {
      if (fd !== undefined) this.#fs.close(fd);
    } catch {
      // Its lines were written or refused one by one; nothing more comes of a close.
    }
  }

  #append(entry: Entry): void {
    const text = JSON.stringify(entry);
    this.#fd ??= this.#fs.openAppend(this.#path);
    // The line break in front ends a line that a full disk cut short, so that it cannot swallow this one.
    this.#fs.append(this.#fd, `\n${idOf(text)} ${text}\n`);
  }
}

/** Manifests of an owner's folder that nothing has settled, oldest first. Unreadable lines are passed over. */
export function readLiveManifests(fs: FileSystem, ownerDir: string): Manifest[] {
  const manifests: Manifest[] = [];
  const settled = new Set<string>();
  for (const name of fs.list(ownerDir)) {
    if (!name.startsWith(PREFIX)) continue;
    for (const line of (fs.read(join(ownerDir, name)) ?? '').split('\n')) {
      const entry = parseLine(line);
      if (entry === undefined) continue;
      if ('manifest' in entry) manifests.push(entry.manifest);
      else for (const [id, fence] of entry.done) settled.add(`${id}.${fence}`);
    }
  }
  return manifests
    .filter((manifest) => !settled.has(`${manifest.id}.${manifest.fence}`))
    .sort((a, b) => a.fence - b.fence);
}

/** Marks manifests in a dead owner's folder as settled. */
export function settleIn(fs: FileSystem, ownerDir: string, settled: Settled): void {
  const writer = new JournalWriter(fs, journalFile(ownerDir, 'settled'));
  try {
    writer.done(settled);
  } finally {
    writer.close();
  }
}

type Entry = { manifest: Manifest } | { done: Settled };

function parseLine(line: string): Entry | undefined {
  if (line.length < 18 || line[16] !== ' ') return undefined;
  const text = line.slice(17);
  if (idOf(text) !== line.slice(0, 16)) return undefined;
  const entry = JSON.parse(text) as Entry;
  // A name with a folder in it could lead outside; no journal of ours has one.
  if ('manifest' in entry && basename(entry.manifest.file) !== entry.manifest.file) return undefined;
  return entry;
}
