// The digest of a command: what was written, and the content of every file that it names. Files are read again when they have changed.
// Called by command.ts.
import { createHash } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { type CommandRunner, InvalidOptionError } from '@entropic/core';
import { type FileSystem, realSeams } from '@entropic/core/internal';

export class CommandSource {
  readonly #runner: CommandRunner;
  readonly #fs: FileSystem;
  readonly #files: readonly string[];
  /** Of each file: what it was like, and its digest. */
  readonly #known = new Map<string, { state: string; sha256: Promise<string> }>();
  /** Asked for in this turn of the event loop: a thousand tasks sent together ask once. */
  #fresh: Promise<string> | undefined;

  constructor(runner: CommandRunner, fs: FileSystem = realSeams.fs) {
    this.#runner = runner;
    this.#fs = fs;
    this.#files = [...new Set([...runner.argumentFiles, ...runner.inputs])].sort();
  }

  /** @throws InvalidOptionError for a file that is not there any more */
  current(): Promise<string> {
    if (this.#fresh === undefined) {
      this.#fresh = this.#digest();
      setImmediate(() => {
        this.#fresh = undefined;
      });
    }
    return this.#fresh;
  }

  async #digest(): Promise<string> {
    // Base names only: the same code has the same digest wherever it lies.
    const files = await Promise.all(this.#files.map(async (file) => [basename(file), await this.#digestOf(file)]));
    return createHash('sha256')
      .update(JSON.stringify([this.#runner.signature, files]))
      .digest('hex');
  }

  async #digestOf(file: string): Promise<string> {
    const found = statSync(file, { bigint: true, throwIfNoEntry: false });
    if (!found?.isFile()) {
      throw new InvalidOptionError(`runner: the command needs ${file}, which is not there any more, or is no file`);
    }
    const state = `${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
    const known = this.#known.get(file);
    if (known?.state === state) return known.sha256;
    // Behind a link the file itself.
    const sha256 = this.#fs.digest(realpathSync(file)).then((digest) => digest.sha256);
    this.#known.set(file, { state, sha256 });
    sha256.catch(() => this.#known.delete(file));
    return sha256;
  }
}
