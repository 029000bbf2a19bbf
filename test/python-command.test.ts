// The example of a command, as a user runs it: a NumPy script over SQLite and Postgres, twice. NumPy in a virtual environment of this clone
// runs it, and judges what it left.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { describeEachDatabase } from './helpers/databases.js';
import { lastLines, root, runProcess } from './helpers/example.js';
import { ensureNumpy } from './helpers/numpy.js';

const example = join(root, 'examples', '03-python-command');
const POINTS = 12;

/** Shape and type of a file, and its last row, as NumPy has them. */
const JUDGE = `
import json, sys
import numpy as np
print(json.dumps([[*a.shape, str(a.dtype), *a[-1].tolist()] for a in map(np.load, sys.argv[1:])]))
`;

let python: string;
beforeAll(async () => {
  python = await ensureNumpy();
}, 180_000);

function run(folder: string, dbUrl: string) {
  const tsx = pathToFileURL(join(example, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href;
  const env = { OSCILLATOR_FOLDER: folder, OSCILLATOR_DB_URL: dbUrl, PYTHON: python };
  return runProcess(process.execPath, ['--import', tsx, 'main.ts'], { cwd: example, env });
}

/** x and v at a time, by the exact solution. */
function exact(gamma: number, t: number): [x: number, v: number] {
  const omega = Math.sqrt(1 - gamma ** 2);
  const decay = Math.exp(-gamma * t);
  return [
    decay * (Math.cos(omega * t) + (gamma / omega) * Math.sin(omega * t)),
    (-decay / omega) * Math.sin(omega * t),
  ];
}

describeEachDatabase('[S2] [D1] [python-command] the example of a command, run twice (command)', (db) => {
  it('runs every point once, reads the files back, and finds all of them the second time', async () => {
    const place = await db.fresh();
    const { folder, dbUrl, resultsDir } = place;
    const first = await run(folder, dbUrl);
    expect([first.stderr, first.code]).toEqual(['', 0]);
    expect(lastLines(first.stdout, 1)).toEqual([`${POINTS} points: ${POINTS} run, 0 cached`]);
    expect(first.stdout).toMatch(/^the first run said: x\(10\) = -0\.\d{12}$/m);
    const errors = first.stdout.split('\n').flatMap((line) => /^ +0\.\d\d +(\d+) +(\S+)$/.exec(line)?.slice(1) ?? []);
    const numbers = errors.filter((_, i) => i % 2 === 1).map(Number);
    expect(numbers).toHaveLength(POINTS);
    // The method is of fourth order.
    for (let i = 0; i < POINTS; i++) {
      const before = numbers[i - 1] as number;
      if (i % 4 > 0) expect(before / (numbers[i] as number)).toBeGreaterThan(14);
      if (i % 4 > 0) expect(before / (numbers[i] as number)).toBeLessThan(18);
    }

    const rows = (await place.sql(
      "SELECT o.id, gamma, dt, steps, x.sha256 FROM oscillator o JOIN entropic_runs x ON x.table_name = 'oscillator' AND x.id = o.id ORDER BY gamma, steps",
    )) as [string, number, number, string, string][];
    expect(rows).toHaveLength(POINTS);
    const files = rows.map(([id]) => join(resultsDir, `${id}.npy`));
    const judged = await runProcess(python, ['-c', JUDGE, ...files]);
    const series = JSON.parse(judged.stdout) as [number, number, string, number, number, number][];
    for (const [i, [, gamma, , steps, sha256]] of rows.entries()) {
      const [length, width, type, t, x, v] = series[i] as (typeof series)[number];
      expect([length, width, type]).toEqual([Number(steps) + 1, 3, 'float64']);
      expect(t).toBeCloseTo(10, 10);
      const [exactX, exactV] = exact(Number(gamma), t);
      expect([Math.abs(x - exactX) < 1e-4, Math.abs(v - exactV) < 1e-4]).toEqual([true, true]);
      expect(
        createHash('sha256')
          .update(readFileSync(files[i] as string))
          .digest('hex'),
      ).toBe(sha256);
    }
    expect(readdirSync(resultsDir).filter((name) => name.endsWith('.npy'))).toHaveLength(POINTS);
    expect(existsSync(join(resultsDir, '.tmp')) ? readdirSync(join(resultsDir, '.tmp')) : []).toEqual([]);

    const second = await run(folder, dbUrl);
    expect([second.stderr, second.code]).toEqual(['', 0]);
    expect(second.stdout).toBe(first.stdout.replace(`${POINTS} run, 0 cached`, `0 run, ${POINTS} cached`));
  });
});
