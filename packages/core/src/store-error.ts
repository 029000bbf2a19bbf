// What the system says of the results folder (a full disk, a failing one) → an error with a code and a next step. Called wherever an
// error of the file system would reach a user.
import { ConnectionError, StoreFullError } from './errors.js';
import { isCode } from './seams.js';

/** Any error; those that are coded already, and those that are nobody's but the caller's, come back as they are. */
export function asStoreError(error: unknown, folder: string): unknown {
  if (isCode(error, 'ENOSPC', 'EDQUOT')) {
    return new StoreFullError(
      `no space left under ${folder}; free files first, then repeat the call: only what is missing runs again`,
      { cause: error },
    );
  }
  if (!isSystemError(error)) return error;
  return new ConnectionError(
    `reading or writing under ${folder} failed (${error.message}): check the disk and the permissions, then repeat the call: ` +
      'nothing committed was lost',
    folder,
    { cause: error },
  );
}

/** Trouble that the whole machine or the whole database has, not one row. */
export function isInfrastructure(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return isSystemError(error) || (typeof code === 'string' && code.startsWith('ENTROPIC_'));
}

/** As Node's: `code` EIO, EACCES, …, and the system call that gave it. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) && typeof syscall === 'string';
}
