// The helper itself: what every other suite relies on.
import { expect, it } from 'vitest';
import { describeEachDatabase } from './databases.js';

describeEachDatabase('a fresh place', (db) => {
  it('is empty, answers SQL, and is empty again once it was made anew', async () => {
    const place = await db.fresh();
    await place.sql('CREATE TABLE t (n INTEGER, s TEXT)');
    await place.sql('INSERT INTO t VALUES (?, ?)', [1, 'é']);
    expect(await place.sql('SELECT n, s FROM t')).toEqual([[1, 'é']]);
    await place.recreate();
    await expect(place.sql('SELECT n FROM t')).rejects.toThrow(/no such table|does not exist/);
  });

  it('shares nothing with another', async () => {
    const [one, two] = [await db.fresh(), await db.fresh()];
    await one.sql('CREATE TABLE t (n INTEGER)');
    await expect(two.sql('SELECT n FROM t')).rejects.toThrow(/no such table|does not exist/);
    expect(one.folder).not.toBe(two.folder);
  });
});
