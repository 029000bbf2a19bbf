// As many points as fit on a disk, not in memory: a million of a grid, and a sweep over 200,000 results that are there.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { describeDatabase } from '../helpers/databases.js';
import { askScript, openToy } from '../helpers/lab.js';

describe('a grid of 1,000,000 points', () => {
  it('[G1] is counted and walked in constant memory', async () => {
    const told = await askScript<Record<string, number> & { last: object }>('million-points.mjs', {
      flags: ['--expose-gc'],
    });
    expect(told.count).toBe(1_000_000);
    expect(told.walked).toBe(1_000_000);
    // Each axis has its mean as often as there are points: 499.5, 4.5 and 0.5.
    expect(told.sum).toBeCloseTo(1_000_000 * (499_500 + 4.5 + 0.5), 0);
    expect(told.last).toEqual({ seed: 999, n: 9, dt: 1 });
    expect(told.filtered).toBe(100_000);
    console.log(`1,000,000 points: ${Math.round(told.megabytes ?? 0)} MB more`);
    expect(told.megabytes).toBeLessThan(100);
  }, 180_000);
});

describeDatabase('a sweep over 200,000 cached points', 'sqlite', (db) => {
  it('[S10] read one by one takes less than 250 MB of memory', async () => {
    const place = await db.fresh();
    const count = 200_000;
    await (await openToy(place)).close();
    const script = fileURLToPath(new URL('../helpers/many-results.py', import.meta.url));
    const path = place.dbUrl.slice('sqlite:///'.length);
    // Rows only, and hits by their rows: 200,000 files would take longer to make than to find.
    execFileSync('python3', [script, '-', String(count), path]);
    const args = ['for-await', place.resultsDir, place.dbUrl, String(count), 'off'];
    const told = await askScript<Record<string, number>>('large-sweep.mjs', { args });
    console.log(`${count} cached points: ${Math.round(told.megabytes ?? 0)} MB, ${Math.round(told.took ?? 0)} ms`);
    expect(told).toMatchObject({ points: count, distinct: count, statuses: { cached: count } });
    expect(told).toMatchObject({ progress: { total: count, cached: count, running: 0, queued: 0 } });
    expect(told.megabytes).toBeLessThan(250);
  }, 180_000);
});
