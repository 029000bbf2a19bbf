// The journal files of one open store: a few thousand tasks each, and a part goes when nothing in it is left to recover, so that a
// store that lives for months does not keep a line for every run. Made by open.ts; used by engine.ts and ingest.ts.
import { CLOSED_MARK, JournalWriter, journalFile, journalName, type Settled } from './journal.js';
import type { FileSystem } from './seams.js';

/** Tasks that share one part: a few megabytes. */
const TASKS_A_PART = 10_000;

interface Part {
  writer: JournalWriter;
  /** Tasks whose manifest may still be needed. */
  open: number;
  tasks: number;
}

export class Journals {
  readonly #fs: FileSystem;
  readonly #folder: string;
  readonly #parts = new Map<string, Part>();
  #current: string | undefined;
  #count = 0;

  constructor(fs: FileSystem, folder: string) {
    this.#fs = fs;
    this.#folder = folder;
  }

  /** Whether anything was ever written: a store that only reads leaves no trace. */
  get used(): boolean {
    return this.#count > 0;
  }

  /** The journal that takes the manifest of the next task. Makes the folder at the first. */
  next(): string {
    let part = this.#current === undefined ? undefined : this.#parts.get(this.#current);
    if (!part || part.tasks >= TASKS_A_PART) {
      if (!part) this.#fs.makeDir(this.#folder, 0o700);
      const full = this.#current;
      this.#current = journalFile(this.#folder, this.#count++);
      part = { writer: new JournalWriter(this.#fs, this.#current), open: 0, tasks: 0 };
      this.#parts.set(this.#current, part);
      if (full !== undefined) this.#dropIfDone(full);
    }
    part.tasks++;
    part.open++;
    return this.#current as string;
  }

  /** These manifests need no recovery any more: committed, refused, deleted or lost. */
  done(journal: string, settled: Settled): void {
    this.#parts.get(journal)?.writer.done(settled);
    this.release(journal, settled.length);
  }

  /** Tasks of this journal that came to no manifest. */
  release(journal: string, count = 1): void {
    const part = this.#parts.get(journal);
    if (!part) return;
    part.open -= count;
    this.#dropIfDone(journal);
  }

  /** @param unsettled whether something is left that somebody else must recover, this process included */
  close(unsettled: boolean): void {
    for (const { writer } of this.#parts.values()) writer.close();
    this.#parts.clear();
    if (!this.used) return;
    if (unsettled) this.#fs.writeNew(`${this.#folder}/${CLOSED_MARK}`, '');
    else this.#fs.removeDir(this.#folder);
  }

  #dropIfDone(journal: string): void {
    const part = this.#parts.get(journal);
    if (!part || part.open > 0 || journal === this.#current) return;
    part.writer.close();
    this.#parts.delete(journal);
    // The slots of a pool write beside it, each to a file of its own: `journal-3.t2`.
    const name = journalName(journal);
    for (const file of this.#fs.list(this.#folder)) {
      if (file === name || file.startsWith(`${name}.`)) this.#fs.unlink(`${this.#folder}/${file}`);
    }
  }
}
