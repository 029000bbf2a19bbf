// The store's contract on SQLite, in a process whose clock on the wall is not UTC.
import { expect, it } from 'vitest';
import { describeDatabase } from '../helpers/databases.js';
import { storeContract } from './store.js';

process.env.TZ = 'America/New_York';

describeDatabase('the store', 'sqlite', (db) => {
  it('these tests run in New York', () => {
    expect(new Date('2026-01-15T12:00:00Z').getHours()).toBe(7);
  });
  storeContract(db);
});
