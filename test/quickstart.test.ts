// The quickstart as a user runs it: twice in an empty folder, and once more after it was killed. NumPy, and Python's own sqlite3
// and hashlib, judge what it left.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeDatabase } from './helpers/databases.js';
import { lastLines, type ProcessResult, runProcess, runQuickstart, runQuickstartBehind } from './helpers/example.js';
import { ensureNumpy } from './helpers/numpy.js';

const POINTS = 24;

interface Judgement {
  rows: number;
  judged: {
    id: string;
    alpha: number;
    dt: number;
    n: number;
    drift: number;
    customData: Record<string, unknown> & { elapsed_seconds: number };
  }[];
  files: string[];
  temporary: string[];
  leases: number;
  problems: string[];
}

let python: string;
const folders: string[] = [];

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'entropic-quickstart-'));
  folders.push(folder);
  return folder;
}

async function judge(work: string): Promise<Judgement> {
  const script = join(import.meta.dirname, 'helpers', 'judge-quickstart.py');
  const result = await runProcess(python, [script, join(work, 'runs.sqlite3'), join(work, 'results')]);
  expect(result.stderr).toBe('');
  return JSON.parse(result.stdout) as Judgement;
}

/** What a line of the report says behind its name. */
function said(result: ProcessResult, what: string): string | undefined {
  const line = result.stdout.split('\n').find((text) => text.startsWith(`  ${what}  `));
  return line?.slice(what.length + 2).trim();
}

beforeAll(async () => {
  python = await ensureNumpy();
}, 180_000);

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe('[quickstart] run twice in an empty folder (sqlite)', () => {
  let work: string;
  let first: ProcessResult;
  let second: ProcessResult;
  let filesBetween: string[];

  beforeAll(async () => {
    work = makeFolder();
    first = await runQuickstart(work);
    filesBetween = readdirSync(join(work, 'results')).sort();
    second = await runQuickstart(work);
  }, 120_000);

  it('[S10] runs every point of the grid the first time, and ends with the count', () => {
    expect(first.stderr).toBe('');
    expect(first.code).toBe(0);
    expect(lastLines(first.stdout, 1)).toEqual([`${POINTS} points: ${POINTS} run, 0 cached`]);
    expect(first.stdout).not.toContain('all 24 points cached');
  });

  it('[S10] runs nothing the second time, and says that all points are cached', () => {
    expect(second.stderr).toBe('');
    expect(second.code).toBe(0);
    expect(lastLines(second.stdout, 2)).toEqual([
      `${POINTS} points: 0 run, ${POINTS} cached`,
      `all ${POINTS} points cached`,
    ]);
    expect(readdirSync(join(work, 'results')).sort()).toEqual(filesBetween);
  });

  it('[S1] [S3] [S4] runs a point once and has it already afterwards, also in the next process', () => {
    expect(said(first, 'runOrRetrieve')).toBe('ran it');
    expect(said(first, 'runOrRetrieve again')).toBe('had it already');
    expect(said(second, 'runOrRetrieve')).toBe('had it already');
  });

  it('[S5] [S12] gives a record with id, file, UTC time, custom data and the params, defaults filled in', () => {
    const id = said(first, 'record.id');
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    expect(said(second, 'record.id')).toBe(id);
    expect(said(first, 'record.resultFile')).toBe(`${id}.npy`);
    expect(said(first, 'record.createdAt')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(said(first, 'record.customData')).toMatch(/^note: my first run, elapsedSeconds: [\d.e-]+$/);
    expect(said(first, 'record.alpha, .beta')).toBe('0.5 0.028');
  });

  it('[S6] retrieves what is there and gives null for what is not', () => {
    expect(said(first, 'retrieve')).toBe(said(first, 'record.id'));
    expect(said(first, 'retrieve another')).toBe('null');
  });

  it('[S7] runs again on demand, under the same id', () => {
    expect(said(first, 'run')).toBe('again, same id');
    expect(said(second, 'run')).toBe('again, same id');
  });

  it('[S8] [S9] registers a file that was made elsewhere, with custom data, and deletes it again', () => {
    for (const result of [first, second]) {
      expect(said(result, 'register')).toMatch(/^[0-9a-f]{16} \{"from":"my old laptop"\}$/);
      expect(said(result, 'delete')).toBe('true');
      expect(said(result, 'delete again')).toBe('false');
    }
    expect(readdirSync(work).sort()).toEqual(['results', 'runs.sqlite3']);
  });

  it('[S13] logs hits, run completions, ingestion and file operations only where a logger was given', () => {
    const logged = first.stdout.split('\n').filter((line) => line.startsWith('  · '));
    for (const what of [/cache hit/, /finished in/, /ingested 1 run/, /file .* published/, /file .* removed/]) {
      expect(logged.filter((line) => what.test(line))).toHaveLength(1);
    }
  });

  it('[S2] [S5] [S12] leaves files that NumPy reads and rows that Python finds right: ids, digests, sizes, the invariant', async () => {
    const found = await judge(work);
    expect(found.problems).toEqual([]);
    expect(found.rows).toBe(POINTS + 1);
    expect(found.files).toEqual(found.judged.map(({ id }) => `${id}.npy`));
    expect(found.temporary).toEqual([]);
    expect(found.leases).toBe(0);
    const swept = found.judged.filter(({ n }) => n === 5000);
    expect(swept.map(({ customData }) => customData.study)).toEqual(Array(POINTS).fill('convergence'));
    for (const coarse of swept.filter(({ dt }) => dt > 0.005)) {
      const fine = swept.find(({ alpha, dt }) => alpha === coarse.alpha && dt === coarse.dt / 2);
      expect(Math.log2(coarse.drift / (fine as typeof coarse).drift)).toBeCloseTo(4, 0);
    }
  });
});

describe('[quickstart] [I5] killed in the middle of its sweep (sqlite)', () => {
  it('recovers what was finished, runs only the rest, and starts at once', async () => {
    const work = makeFolder();
    const log = join(work, 'executions.log');
    writeFileSync(log, '');
    const preload = join(import.meta.dirname, 'helpers', 'count-and-kill.mjs');
    // Three executions before the sweep; the eleventh of the sweep is cut short.
    const killed = await runQuickstartBehind(preload, work, { EXECUTIONS_LOG: log, KILL_AT_EXECUTION: '14' });
    expect(killed.signal).toBe('SIGKILL');
    expect(killed.stdout).not.toContain('points:');

    const next = await runQuickstartBehind(preload, work, { EXECUTIONS_LOG: log });
    expect(next.stderr).toBe('');
    expect(next.code).toBe(0);
    // A lease of the killed process would run for 30 s more.
    expect(next.seconds).toBeLessThan(25);
    expect(lastLines(next.stdout, 1)).toEqual([`${POINTS} points: ${POINTS - 10} run, 10 cached`]);

    const found = await judge(work);
    expect(found.problems).toEqual([]);
    expect(found.temporary).toEqual([]);
    expect(found.leases).toBe(0);
    const swept = new Set(found.judged.filter(({ n }) => n === 5000).map(({ id }) => id));
    expect(swept.size).toBe(POINTS);
    const executed = readFileSync(log, 'utf8')
      .split('\n')
      .filter((id) => swept.has(id));
    expect(new Set(executed)).toEqual(swept);
    // Only the one that was on its way was done twice.
    expect(executed).toHaveLength(POINTS + 1);
    expect(lastLines((await runQuickstart(work)).stdout, 1)).toEqual([`all ${POINTS} points cached`]);
  }, 120_000);
});

describeDatabase('[quickstart] run twice with the URL of a server', 'postgres', (db) => {
  it('[S3] [S10] does there what it does on SQLite', async () => {
    const { folder, dbUrl, sql } = await db.fresh();
    const first = await runQuickstart(folder, { QUICKSTART_DB_URL: dbUrl });
    expect([first.stderr, lastLines(first.stdout, 1)]).toEqual(['', [`${POINTS} points: ${POINTS} run, 0 cached`]]);
    const second = await runQuickstart(folder, { QUICKSTART_DB_URL: dbUrl });
    expect([second.stderr, lastLines(second.stdout, 1)]).toEqual(['', [`all ${POINTS} points cached`]]);
    expect(said(second, 'record.id')).toBe(said(first, 'record.id'));
    expect(Number((await sql('SELECT count(*) FROM orbits'))[0]?.[0])).toBe(POINTS + 1);
    expect(readdirSync(join(folder, 'results')).filter((name) => name.endsWith('.npy'))).toHaveLength(POINTS + 1);
  }, 120_000);
});
