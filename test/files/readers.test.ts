// Another process reads a point all the time while this one runs it again and again with other content.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { realSeams } from '@entropic/core/internal';
import { openStore } from 'entropic/internal';
import { expect, it } from 'vitest';
import { describeDatabase, describeEachDatabase } from '../helpers/databases.js';
import { askScript, countingRunner, openToy, Toy } from '../helpers/lab.js';

const RUNS = 200;

interface Seen {
  reads: number;
  misses: number;
  digests: string[];
}

describeEachDatabase('a reader in another process', (db) => {
  it(`[fault: read-while-replaced] gets a whole result at every read during ${RUNS} forced re-runs`, async () => {
    const place = await db.fresh();
    const made = new Set<string>();
    const { runner, executions } = countingRunner((_, nth) => {
      // Every other result has the size of the one before it.
      const content = `${nth} `.padStart(8).repeat(1000 + 100 * Math.floor(nth / 2));
      made.add(createHash('sha256').update(content).digest('hex'));
      return content;
    });
    await using store = await openToy(place, runner);
    await store.run({ n: 1 });
    const ready = join(place.folder, 'ready');
    const stop = join(place.folder, 'stop');
    const args = [place.resultsDir, place.dbUrl, ready, stop];
    const reading = askScript<Seen>('reader.mjs', { args });
    await expect.poll(() => existsSync(ready), { timeout: 20_000 }).toBe(true);
    try {
      for (let i = 0; i < RUNS; i++) await store.run({ n: 1 });
    } finally {
      writeFileSync(stop, '');
    }
    const { reads, misses, digests } = await reading;
    expect(executions).toHaveLength(RUNS + 1);
    expect({ misses, unknown: digests.filter((digest) => !made.has(digest)) }).toEqual({ misses: 0, unknown: [] });
    // It really read while the result was replaced.
    expect(reads).toBeGreaterThan(100);
    expect(digests.length).toBeGreaterThan(10);
  });
});

describeDatabase('a reader that takes digests', 'sqlite', (db) => {
  it('[fault: read-while-replaced] gets the newest result though it is replaced twice while it reads', async () => {
    const place = await db.fresh();
    const { runner } = countingRunner((_, nth) => `result ${nth}`);
    await using writer = await openToy(place, runner);
    await writer.run({ n: 1 });
    let replaced = 0;
    const seams = {
      ...realSeams,
      fs: {
        ...realSeams.fs,
        // A large file takes its time; meanwhile the point is run again, from claim to commit.
        async digest(path: string, settle?: boolean) {
          if (replaced++ < 2) await writer.run({ n: 1 });
          return realSeams.fs.digest(path, settle);
        },
      },
    };
    const { resultsDir, dbUrl } = place;
    await using reader = await openStore({ model: Toy, resultsDir, dbUrl, verify: 'digest' }, seams);
    const record = await reader.retrieve({ n: 1 });
    expect(replaced).toBeGreaterThan(2);
    expect(record).not.toBeNull();
    expect(readFileSync(record?.resultFile as string, 'utf8')).toBe('result 3');
  });
});
