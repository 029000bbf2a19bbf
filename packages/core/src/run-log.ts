// The log of one attempt: what the run printed, written at once so that it is live and survives a kill. Called in the slot.
import {
  appendFileSync,
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Kept of the beginning and of the end; what lies between is left out once there is more. */
const HEAD = 5_000_000;
const TAIL = 5_000_000;

export class RunLog {
  readonly #path: string;
  #fd: number | undefined;
  #size = 0;
  #leftOut = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** The file is made at the first byte. Never throws: a full disk must not fail a run over its log. */
  write(chunk: string | Uint8Array): void {
    try {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      if (bytes.length === 0) return;
      this.#fd ??= this.#open();
      writeSync(this.#fd, bytes, 0, bytes.length, this.#size);
      this.#size += bytes.length;
      if (this.#size > HEAD + 2 * TAIL) this.#shorten(this.#fd);
    } catch {
      // Nothing can be said of it in a better place.
    }
  }

  /** After `close`: a line about what the run did since. */
  addLate(line: string | Uint8Array): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      appendFileSync(this.#path, line);
    } catch {
      // As above.
    }
  }

  close(): void {
    if (this.#fd === undefined) return;
    try {
      if (this.#size > HEAD + TAIL) this.#shorten(this.#fd);
      closeSync(this.#fd);
    } catch {
      // As above.
    }
    this.#fd = undefined;
  }

  #open(): number {
    mkdirSync(dirname(this.#path), { recursive: true });
    // Truncated: a file of that name is of a try that never came to a row.
    return openSync(this.#path, 'w+', 0o644);
  }

  /** Head, a line that says what is missing, tail. Now and then, so that a byte is copied about once. */
  #shorten(fd: number): void {
    const tail = Buffer.alloc(TAIL);
    const size = fstatSync(fd).size;
    readSync(fd, tail, 0, TAIL, size - TAIL);
    this.#leftOut += size - HEAD - TAIL;
    const note = Buffer.from(`\n[… about ${this.#leftOut} bytes of the log are left out here …]\n`);
    writeSync(fd, note, 0, note.length, HEAD);
    writeSync(fd, tail, 0, TAIL, HEAD + note.length);
    this.#size = HEAD + note.length + TAIL;
    ftruncateSync(fd, this.#size);
  }
}

/**
 * Before a run begins: a try of the same number that was cancelled or killed may have left a log, which would be taken for that of a
 * run that prints nothing. A look costs some 2 µs, an `unlink` of nothing ten. Never throws.
 */
export function dropLog(path: string): void {
  try {
    if (statSync(path, { throwIfNoEntry: false })) unlinkSync(path);
  } catch {
    // As above.
  }
}
