// Two processes that sweep one grid at once. With the Python original one of them fails, and every point runs twice.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeEachDatabase, type Place } from '../helpers/databases.js';
import { askScript, expectWhole } from '../helpers/lab.js';

const TRIALS = 5;
const POINTS = 300;

describeEachDatabase('two processes that sweep the same grid', (db) => {
  it('[D7] [python-fault: two-processes] run each point once, and both get all records in grid order', async () => {
    const places: Place[] = [];
    for (let i = 0; i < TRIALS; i++) places.push(await db.fresh());
    const trials = places.map(({ resultsDir, dbUrl, folder }) => ({ resultsDir, dbUrl, folder, count: POINTS }));
    const race = (name: string) =>
      askScript<unknown[]>('racing-sweep.mjs', { args: [name, JSON.stringify(trials)], timeout: 110_000 });
    const outcomes = await Promise.all([race('a'), race('b')]);
    expect(outcomes).toEqual([0, 1].map(() => Array(TRIALS).fill({ inOrder: true })));
    let ranByA = 0;
    for (const place of places) {
      const lines = readFileSync(join(place.folder, 'executions.log'), 'utf8').trim().split('\n');
      const points = Array.from({ length: POINTS }, (_, n) => n);
      expect(lines.map((line) => Number(line.slice(2))).sort((x, y) => x - y)).toEqual(points);
      await expectWhole(place, points);
      ranByA += lines.filter((line) => line.startsWith('a ')).length;
    }
    // Both took part: of all trials together, since a busy machine may stop one of them for most of a trial.
    const share = ranByA / (TRIALS * POINTS);
    expect(share).toBeGreaterThanOrEqual(0.1);
    expect(share).toBeLessThanOrEqual(0.9);
  }, 120_000);
});
