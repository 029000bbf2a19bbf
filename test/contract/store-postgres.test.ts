// The store's contract on Postgres, in a process whose clock on the wall is not UTC.
import { expect, it } from 'vitest';
import { describeDatabase } from '../helpers/databases.js';
import { storeContract } from './store.js';

process.env.TZ = 'Asia/Kolkata';

describeDatabase('the store', 'postgres', (db) => {
  it('these tests run in Kolkata', () => {
    expect(new Date('2026-01-15T12:00:00Z').getHours()).toBe(17);
  });
  storeContract(db);
});
