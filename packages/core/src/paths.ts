// Where everything of one store lies: the only file that joins names under the results folder. Ids are hexadecimal and suffixes
// are checked, so nothing a user passes can lead outside it.
import { basename, isAbsolute, join, resolve, win32 } from 'node:path';
import { InvalidOptionError } from './errors.js';

const SUFFIX = /^(\.[A-Za-z0-9_-]{1,16}){1,3}$/;

export class StorePaths {
  /** Absolute. */
  readonly resultsDir: string;
  readonly suffix: string;
  /** Folders of the running and the dead owners: `<resultsDir>/.tmp/<owner>/`. */
  readonly tmpDir: string;
  readonly ownerDir: string;
  readonly quarantineDir: string;
  /** `store.json` and logs. */
  readonly metaDir: string;
  /** The folder as the user wrote it, for the column `result_file`. */
  readonly #asWritten: string;

  constructor(options: { resultsDir: string; fileSuffix: string; owner: string }) {
    const { resultsDir, fileSuffix, owner } = options;
    if (typeof resultsDir !== 'string' || resultsDir === '' || resultsDir.includes('\0')) {
      throw new InvalidOptionError("resultsDir must be the path of a folder, such as './results'");
    }
    if (typeof fileSuffix !== 'string' || !SUFFIX.test(fileSuffix)) {
      throw new InvalidOptionError(
        `fileSuffix: ${JSON.stringify(fileSuffix)} cannot end a file name here; give one to three parts of letters, digits, _ or -, each after a dot, such as '.npy' or '.tar.gz'`,
      );
    }
    this.resultsDir = resolve(resultsDir);
    this.suffix = fileSuffix;
    this.tmpDir = join(this.resultsDir, '.tmp');
    this.ownerDir = join(this.tmpDir, owner);
    this.quarantineDir = join(this.resultsDir, '.quarantine');
    this.metaDir = join(this.resultsDir, '.entropic');
    this.#asWritten = resultsDir;
  }

  /** The final name of a point's result. */
  finalFile(id: string): string {
    return `${this.resultsDir}/${id}${this.suffix}`;
  }

  /** What the column `result_file` says of it, as Python writes it: `results/<id>.npy`. */
  columnText(id: string): string {
    return join(this.#asWritten, `${id}${this.suffix}`);
  }

  /** The private name that a run writes to. It ends with the suffix: writers choose their format by it. */
  tempFile(id: string, fence: number): string {
    return `${this.ownerDir}/${id}.${fence}${this.suffix}`;
  }

  workDir(id: string, fence: number): string {
    return `${this.ownerDir}/${id}.${fence}.work`;
  }

  logFile(id: string, attempt: number): string {
    return `${this.metaDir}/logs/${id}.${attempt}.log`;
  }

  quarantineFile(id: string, time: number, nonce: string): string {
    return join(this.quarantineDir, `${id}.${new Date(time).toISOString().replaceAll(':', '')}-${nonce}${this.suffix}`);
  }

  /**
   * Where the file of a row is. Files that we made are looked up by their base name in the folder of the open store, so a moved
   * folder or another working folder still hits; a registered file is where it was registered.
   */
  locate(row: { id: string; resultFile: string; registered: boolean }): string {
    // As nearly every row has it.
    if (!row.registered && row.resultFile.endsWith(`/${row.id}${this.suffix}`)) return this.finalFile(row.id);
    const name = basename(win32.basename(row.resultFile));
    if (row.registered || !name.startsWith(row.id))
      return isAbsolute(row.resultFile) ? row.resultFile : resolve(row.resultFile);
    return `${this.resultsDir}/${name}`;
  }
}
