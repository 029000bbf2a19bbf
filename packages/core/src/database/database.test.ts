// Times as SQLite's text: every millisecond comes back as it was, also those whose digits begin with zeros.
import { expect, test } from 'vitest';
import { parseSqlTime, sqlTime } from './database.js';

test('[S5] each millisecond of a second is read as it was written', () => {
  const start = Date.UTC(2026, 0, 31, 23, 59, 59);
  for (let i = 0; i < 1000; i++) expect(parseSqlTime(sqlTime(start + i)).getTime()).toBe(start + i);
});

test('[S5] times of SQLAlchemy are read with any number of digits', () => {
  expect(sqlTime(Date.UTC(2026, 0, 2, 3, 4, 5, 6))).toBe('2026-01-02 03:04:05.006000');
  const read = (text: string) => parseSqlTime(text).toISOString();
  expect(read('2026-01-02 03:04:05.006789')).toBe('2026-01-02T03:04:05.006Z');
  expect(read('2026-01-02 03:04:05.5')).toBe('2026-01-02T03:04:05.500Z');
  expect(read('2026-01-02 03:04:05')).toBe('2026-01-02T03:04:05.000Z');
});
