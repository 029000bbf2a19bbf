// What the tests of the client share: folders of their own, and functions that say in a file that they have begun.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/** Removed after the test. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'entropic-client-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Until so many have begun, as functions.mjs tells it. */
export async function untilBegun(folder: string, count = 1): Promise<void> {
  const file = join(folder, 'begun');
  for (const end = Date.now() + 30_000; ; await sleep(5)) {
    if (existsSync(file) && readFileSync(file, 'utf8').trimEnd().split('\n').length >= count) return;
    if (Date.now() > end) throw new Error(`waited for ${count} to begin`);
  }
}
