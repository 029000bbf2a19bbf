// The world outside, behind three small seams: clock, ids and file system. The real ones live here; tests put their own
// in place of them (a file system whose Nth call fails or kills the process, a clock that stands still).
import crypto, { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { customAlphabet } from 'nanoid';

/** Time, as the library reads it. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** Seconds on a clock that never goes back; only differences mean something. */
  elapsed(): number;
}

/** Names that nobody else has. */
export interface Ids {
  /** 12 lower-case letters and digits: safe in file names, SQL and URLs. */
  nonce(): string;
}

/** What stands under a name, links not followed. */
export interface FileStat {
  kind: 'file' | 'folder' | 'link' | 'other';
  size: number;
  /** Nanoseconds since 1970 as decimal text: a number cannot hold them. */
  mtimeNs: string;
  /** Device and inode: the same for two names of one file. */
  identity: string;
}

/** Digest and size of a file, and its time of change when they were taken. */
export interface FileDigest {
  sha256: string;
  size: number;
  mtimeNs: string;
}

/**
 * The calls that the life of a result file is made of. Calls on metadata are synchronous: they take microseconds, and a
 * commit must not be interleaved with them. Those that wait for the disk (fsync) or read whole files are not.
 */
export interface FileSystem {
  /** `null` if nothing stands there. */
  stat(path: string): FileStat | null;
  /**
   * SHA-256 of a regular file; anything else (a folder, a link, a FIFO) is an error, never waited on.
   * @param settle give the file a time of change in whole milliseconds: see docs/decisions/004
   */
  digest(path: string, settle?: boolean): Promise<FileDigest>;
  /** Bytes of the file (or of the folder's list of names) reach the disk. */
  fsync(path: string): Promise<void>;
  /** The same at once, for the few places inside a transaction. */
  fsyncNow(path: string): void;
  /** A second name for a file; fails with EEXIST where something stands. */
  link(from: string, to: string): void;
  /** Replaces what stands under the new name, in one step. */
  rename(from: string, to: string): void;
  unlink(path: string): void;
  makeDir(path: string, mode?: number): void;
  /** A folder and all in it; no error if it is not there. */
  removeDir(path: string): void;
  /** Names in a folder; empty if there is none. */
  list(path: string): string[];
  /** Text of a small file; `null` if there is none. */
  read(path: string): string | null;
  /** Makes a small file and fsyncs it; fails with EEXIST where something stands. */
  writeNew(path: string, text: string): void;
  /** Opens for appending, the file made if needed (0600); every `append` is one write. */
  openAppend(path: string): number;
  append(fd: number, text: string): void;
  close(fd: number): void;
}

export interface Seams {
  clock: Clock;
  ids: Ids;
  fs: FileSystem;
}

const nonce = customAlphabet('0123456789abcdefghijklmnopqrstuvwxyz', 12);
const CHUNK = 1 << 20;

// `crypto.hash` (Node ≥ 20.12) takes half the time of a Hash object on small files.
const sha256Of = (bytes: Uint8Array): string =>
  typeof crypto.hash === 'function'
    ? crypto.hash('sha256', bytes, 'hex')
    : createHash('sha256').update(bytes).digest('hex');

export const realFileSystem: FileSystem = {
  stat(path) {
    const stat = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return null;
    const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'other';
    return { kind, size: Number(stat.size), mtimeNs: String(stat.mtimeNs), identity: `${stat.dev}:${stat.ino}` };
  },

  async digest(path, settle = false) {
    // O_NONBLOCK: a FIFO put in the file's place would otherwise block the open for ever.
    const flags = fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0) | (fs.constants.O_NONBLOCK ?? 0);
    const fd = fs.openSync(path, flags);
    try {
      let stat = fs.fstatSync(fd, { bigint: true });
      if (!stat.isFile()) throw Object.assign(new Error(`${path} is not a regular file`), { code: 'ENOTREG' });
      if (settle) {
        const milliseconds = Number(stat.mtimeNs / 1_000_000n);
        // Node cuts seconds off at the microsecond: half of one more, or .655 becomes .654999.
        const seconds = (milliseconds + 0.0005) / 1000;
        fs.futimesSync(fd, seconds, seconds);
        stat = fs.fstatSync(fd, { bigint: true });
      }
      const mtimeNs = String(stat.mtimeNs);
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, Number(stat.size) + 1));
      // Small files in one go, which most are; large ones leave the event loop free between chunks.
      let read = fs.readSync(fd, buffer);
      if (read < buffer.length) return { sha256: sha256Of(buffer.subarray(0, read)), size: read, mtimeNs };
      const hash = createHash('sha256');
      let size = 0;
      while (read > 0) {
        hash.update(buffer.subarray(0, read));
        size += read;
        read = await readChunk(fd, buffer);
      }
      return { sha256: hash.digest('hex'), size, mtimeNs };
    } finally {
      fs.closeSync(fd);
    }
  },

  fsync(path) {
    return new Promise((resolve, reject) => {
      const fd = fs.openSync(path, 'r');
      fs.fsync(fd, (error) => {
        fs.closeSync(fd);
        // Windows cannot fsync a folder; the limit is stated in docs/limits.md.
        if (error && !(process.platform === 'win32' && error.code === 'EPERM')) reject(error);
        else resolve();
      });
    });
  },

  fsyncNow(path) {
    const fd = fs.openSync(path, 'r');
    try {
      fs.fsyncSync(fd);
    } catch (error) {
      if (!(process.platform === 'win32' && isCode(error, 'EPERM'))) throw error;
    } finally {
      fs.closeSync(fd);
    }
  },

  link: (from, to) => fs.linkSync(from, to),
  rename: (from, to) => fs.renameSync(from, to),
  unlink: (path) => fs.unlinkSync(path),
  makeDir: (path, mode) => void fs.mkdirSync(path, { recursive: true, mode }),
  removeDir: (path) => fs.rmSync(path, { recursive: true, force: true }),

  list(path) {
    try {
      return fs.readdirSync(path);
    } catch (error) {
      if (isCode(error, 'ENOENT')) return [];
      throw error;
    }
  },

  read(path) {
    try {
      return fs.readFileSync(path, 'utf8');
    } catch (error) {
      if (isCode(error, 'ENOENT')) return null;
      throw error;
    }
  },

  writeNew(path, text) {
    const fd = fs.openSync(path, 'wx', 0o644);
    try {
      fs.writeSync(fd, text);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  },

  openAppend: (path) => fs.openSync(path, 'a', 0o600),
  append(fd, text) {
    const bytes = Buffer.from(text);
    const written = fs.writeSync(fd, bytes);
    // A full disk can take half a line. The checksum finds that out later; the caller must know now.
    if (written !== bytes.length) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  },
  close: (fd) => fs.closeSync(fd),
};

export const realSeams: Seams = {
  clock: { now: () => Date.now(), elapsed: () => performance.now() / 1000 },
  ids: { nonce: () => nonce() },
  fs: realFileSystem,
};

/** Whether an unknown thrown value is a system error with this code. */
export function isCode(error: unknown, ...codes: string[]): boolean {
  return typeof error === 'object' && error !== null && codes.includes((error as { code?: string }).code ?? '');
}

function readChunk(fd: number, buffer: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, buffer, 0, buffer.length, null, (error, read) => (error ? reject(error) : resolve(read)));
  });
}
