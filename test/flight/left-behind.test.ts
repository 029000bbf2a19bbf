// A sweep on threads that ends in the middle leaves nothing: no thread, no handle, no open file, no temporary file, no lease. The
// process that ran it tells of itself; folders and tables are looked at by Python and by own SQL.
import { existsSync, readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeDatabase, type Place } from '../helpers/databases.js';
import { runScript, snapshot } from '../helpers/lab.js';

interface Told {
  way: string;
  before: Resources;
  after: Resources;
}
interface Resources {
  threads: number;
  files: string[];
  handles: string[];
}

/** The endings of left-behind.mjs. */
const all = ['left', 'aborted', 'cancelled', 'storeClosed', 'clientClosed', 'bothClosed', 'ownSlot', 'maxFailures'];

async function expectNothingLeft(place: Place, ways: string[]): Promise<void> {
  const { code, signal, stdout, stderr } = await runScript('left-behind.mjs', {
    args: [ways.join(','), place.resultsDir, place.dbUrl],
  });
  // It ends by itself: whatever kept it alive would have run into the time limit.
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  const told = stdout.trim().split('\n');
  expect(told).toHaveLength(ways.length);
  expect(await place.sql('SELECT table_name, id FROM entropic_leases')).toEqual([]);
  for (const line of told) {
    const { way, before, after } = JSON.parse(line) as Told;
    expect(after.threads, `threads after: ${way}`).toBeLessThanOrEqual(before.threads);
    expect(after.files, `open files after: ${way}`).toEqual([]);
    expect(after.handles.sort(), `handles after: ${way}`).toEqual(before.handles.sort());
    const folder = `${place.resultsDir}-${way}`;
    const rows = await place.sql(
      `SELECT t.result_file FROM "${way}" t JOIN entropic_runs x ON x.table_name = '${way}' AND x.id = t.id`,
    );
    // Every file has a row and every row a file; nothing lies beside them.
    const found = snapshot(folder).filter(([path, kind]) => kind === 'file' && !path.startsWith('.entropic'));
    const names = rows.map(([file]) => String(file).split('/').at(-1) as string);
    expect(found.map(([path]) => path).sort(), way).toEqual(names.sort());
    if (way !== 'maxFailures') expect(rows.length, way).toBeGreaterThanOrEqual(5);
    const temporary = existsSync(`${folder}/.tmp`) ? readdirSync(`${folder}/.tmp`) : [];
    expect(temporary, `temporary files after: ${way}`).toEqual([]);
  }
}

describeDatabase('a sweep on threads that ends in the middle', 'sqlite', (db) => {
  it('[S11] leaves nothing behind: left, aborted, cancelled, or closed with its store or its client', async () => {
    await expectNothingLeft(await db.fresh(), all);
  });
});

describeDatabase('a sweep on threads that ends in the middle', 'postgres', (db) => {
  it('[S11] leaves nothing behind: left, or closed with its store and its client at once', async () => {
    await expectNothingLeft(await db.fresh(), ['left', 'bothClosed']);
  });
});
