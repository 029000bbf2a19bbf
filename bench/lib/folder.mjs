// The folder in which a bench works. Used by run.mjs and profile.mjs.
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * ext4 makes a new file ten times slower where thousands were deleted in the last minutes, as every repetition leaves them. With the
 * flag `T` each folder made in this one lies elsewhere on the disk. Where it cannot be set, nothing is lost but that.
 *
 * @param {string} name the beginning of its name
 */
export function makeFolder(name) {
  const folder = mkdtempSync(join(tmpdir(), name));
  spawnSync('chattr', ['+T', folder], { stdio: 'ignore' });
  return folder;
}
