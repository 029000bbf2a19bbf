// The last lines that an attempt printed, for its row: a log may be deleted, or lie on another machine. Called by failures.ts when an
// attempt fails, and by RunStore.attempts for those whose row has none.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const MAX_LINES = 50;
const MAX_BYTES = 16 * 1024;
/** Stands where the text begins in the middle of a line, or of lines that were too long. */
const CUT = '[…]';
const NEWLINE = 10;

/** At most 50 lines and 16 KiB from the end of a log; undefined for a run that printed nothing. Never throws. */
export function readLogTail(path: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, MAX_BYTES));
    const read = readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    return read === 0 ? undefined : lastLines(bytes.subarray(0, read), size > MAX_BYTES);
  } catch {
    // There is no log. Or it cannot be read: a failure is not lost over what else there is to be said of it.
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** @param cut whether the log has more in front of these bytes */
function lastLines(bytes: Buffer, cut: boolean): string {
  // Valid text, whatever was printed; Postgres stores no NUL. It may have become longer.
  const text = Buffer.from(bytes.toString('utf8', cut ? startOfCharacter(bytes, 0) : 0).replaceAll('\0', '\ufffd'));
  const whole = !cut && text.length <= MAX_BYTES;
  const from = whole ? 0 : startOfCharacter(text, Math.max(0, text.length - MAX_BYTES + Buffer.byteLength(CUT)));
  const line = startOfLines(text, from);
  if (line !== undefined) return text.toString('utf8', line);
  return `${whole ? '' : CUT}${text.toString('utf8', from)}`;
}

/** Where the last 50 lines begin; undefined if there are not more behind `from`. */
function startOfLines(text: Buffer, from: number): number | undefined {
  // A line break at the very end begins no line.
  let at = text.length - 1;
  for (let lines = 0; lines < MAX_LINES; lines++) {
    at = at <= from ? -1 : text.lastIndexOf(NEWLINE, at - 1);
    if (at < from) return undefined;
  }
  return at + 1;
}

/** The first byte at or behind `at` that does not go on with a character of UTF-8. */
function startOfCharacter(bytes: Buffer, at: number): number {
  let start = at;
  while (start < bytes.length && start < at + 4 && ((bytes[start] as number) & 0xc0) === 0x80) start++;
  return start;
}
