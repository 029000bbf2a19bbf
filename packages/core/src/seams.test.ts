// The real file system behind its seam.
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { realFileSystem } from './seams.js';

it('settles a time of change on a whole millisecond, whatever fraction it has as a floating-point number of seconds', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'entropic-seams-'));
  try {
    const file = join(folder, 'result.dat');
    writeFileSync(file, 'x');
    for (let millisecond = 0; millisecond < 1000; millisecond += 7) {
      // A quarter of a millisecond behind it, as a file that was written just now.
      const seconds = 1_795_561_124 + millisecond / 1000 + 0.00025;
      utimesSync(file, seconds, seconds);
      const { mtimeNs } = await realFileSystem.digest(file, true);
      expect(BigInt(mtimeNs)).toBe(1_795_561_124_000_000_000n + BigInt(millisecond) * 1_000_000n);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
