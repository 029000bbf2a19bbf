// Sweeps over so many cached points that a statement with a variable for each, or a copy of each in memory, would fail.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeDatabase, type Place } from '../helpers/databases.js';
import { askScript, openToy } from '../helpers/lab.js';

interface Came {
  points: number;
  distinct: number;
  inOrder: boolean;
  statuses: Record<string, number>;
  progress: Record<string, number | null>;
  megabytes: number;
  took: number;
}

const script = fileURLToPath(new URL('../helpers/many-results.py', import.meta.url));

/** Makes tables and folder, then fills both by other programs. */
async function fill(place: Place, count: number): Promise<void> {
  await (await openToy(place)).close();
  const args = [script, place.resultsDir, String(count)];
  if (place.kind === 'sqlite') args.push(place.dbUrl.slice('sqlite:///'.length));
  const { sha256, size, mtimeNs } = JSON.parse(execFileSync('python3', args, { encoding: 'utf8' }));
  if (place.kind === 'sqlite') return;
  const ids = `SELECT n, '{"n":' || n || '}' AS params FROM generate_series(0, ${count - 1}) AS s(n)`;
  const id = "left(encode(sha256(convert_to(params, 'UTF8')), 'hex'), 16)";
  await place.sql(
    `INSERT INTO toy (id, result_file, created_at, custom_data, n)
     SELECT ${id}, 'results/' || ${id} || '.dat', now(), '{}', n FROM (${ids}) AS p`,
  );
  await place.sql(
    `INSERT INTO entropic_runs (table_name, id, params_text, sha256, size, mtime_ns, fence, elapsed_s, committed_at)
     SELECT 'toy', ${id}, params, '${sha256}', ${size}, ${mtimeNs}, 1, 0.1, now() FROM (${ids}) AS p`,
  );
  await place.sql('ANALYZE');
}

async function sweep(place: Place, how: 'grid' | 'for-await' | 'list', count: number): Promise<Came> {
  const came = await askScript<Came>('large-sweep.mjs', { args: [how, place.resultsDir, place.dbUrl, String(count)] });
  console.log(
    `${place.kind}, ${how}: ${count} cached points in ${Math.round(came.took)} ms, at most ${Math.round(came.megabytes)} MB`,
  );
  return came;
}

const none = { finished: 0, failed: 0, cancelled: 0, running: 0, queued: 0 };

describeDatabase('a sweep of 100,000 cached points', 'sqlite', (db) => {
  it('[S10] [python-fault: variable-limit] gives all records in grid order, all outcomes one by one, and each place of a duplicate, in less than 400 MB', async () => {
    const place = await db.fresh();
    const count = 100_000;
    await fill(place, count);
    const grid = await sweep(place, 'grid', count);
    expect(grid).toMatchObject({ points: count, inOrder: true, progress: { total: count, cached: count, ...none } });
    const outcomes = await sweep(place, 'for-await', count);
    expect(outcomes).toMatchObject({ points: count, distinct: count, statuses: { cached: count } });
    const list = await sweep(place, 'list', count);
    expect(list).toMatchObject({
      points: count,
      distinct: count / 2,
      inOrder: true,
      progress: { total: count, cached: count, ...none },
    });
    for (const { megabytes } of [grid, outcomes, list]) expect(megabytes).toBeLessThan(400);
  });
});

describeDatabase('a sweep of 70,000 cached points', 'postgres', (db) => {
  it('[S10] [python-fault: variable-limit] is more than a statement has variables for, and gives all records in grid order', async () => {
    const place = await db.fresh();
    const count = 70_000;
    await fill(place, count);
    const grid = await sweep(place, 'grid', count);
    expect(grid).toMatchObject({ points: count, inOrder: true, progress: { total: count, cached: count, ...none } });
    expect(grid.megabytes).toBeLessThan(400);
  });
});
