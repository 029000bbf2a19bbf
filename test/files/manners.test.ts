// A library is a guest in its user's process: silent, no signal handlers, no exit, nothing left open.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeEachDatabase } from '../helpers/databases.js';
import { runScript, type ScriptOptions } from '../helpers/lab.js';

interface Report {
  before: Record<string, number>;
  after: Record<string, number>;
  /** Listeners as the runner saw them, distinct. */
  listening: string[];
  /** What is left in `.tmp`. */
  left: string[];
  resources: string[];
  at: number;
}

/** Two seconds are promised. More is left to a busy machine, but less than idle connections of a pool live (10 s). */
const PATIENCE_MS = 8000;

type Place = { resultsDir: string; dbUrl: string; folder: string };

async function quickstart(place: Place, how: 'closed' | 'open', options: ScriptOptions = {}) {
  const report = join(place.folder, 'report.json');
  const args = [place.resultsDir, place.dbUrl, report, how];
  const ended = await runScript('manners.mjs', { args, timeout: 40_000, ...options });
  const found = JSON.parse(readFileSync(report, 'utf8')) as Report;
  return { ...ended, report: found, lingered: Date.now() - found.at };
}

describeEachDatabase('a script that opens a store', (db) => {
  it('[S13] prints nothing, has no more listeners than before, leaves nothing open, and ends by itself', async () => {
    const { code, signal, stdout, stderr, report, lingered } = await quickstart(await db.fresh(), 'closed', {
      env: { NODE_NO_WARNINGS: '' },
    });
    expect({ code, signal, stdout, stderr }).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
    expect(report.after).toEqual(report.before);
    expect(report.listening).toEqual([JSON.stringify(report.before)]);
    expect(report.left).toEqual([]);
    expect(report.resources).toEqual([]);
    expect(lingered).toBeLessThan(PATIENCE_MS);
  });

  it('[S13] prints nothing though every warning and every deprecation is asked for', async () => {
    const flags = ['--trace-warnings', '--pending-deprecation', '--trace-exit'];
    const { code, stdout, stderr } = await quickstart(await db.fresh(), 'closed', { flags });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('[S13] ends by itself though it never closes its store', async () => {
    const { code, signal, stdout, stderr, lingered } = await quickstart(await db.fresh(), 'open');
    expect({ code, signal, stdout, stderr }).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
    expect(lingered).toBeLessThan(PATIENCE_MS);
  });
});
