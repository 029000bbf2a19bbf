// The demo as a user runs it, in a small form: twice, killed in the middle, and with one thread and two. NumPy, and Python's own
// sqlite3 and hashlib, judge what it left; Onsager's formulas judge the physics.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CRITICAL_TEMPERATURE, exactEnergy, exactMagnetization } from '../examples/02-ising/onsager.js';
import { describeDatabase } from './helpers/databases.js';
import { lastLines, type ProcessResult, root, runProcess } from './helpers/example.js';
import { copyIsing, runIsing } from './helpers/ising.js';
import { blocksOf } from './helpers/markdown.js';
import { ensureNumpy } from './helpers/numpy.js';

const TEMPERATURES = 13;
const SMALL = { ISING_SIZES: '16,32', ISING_SEEDS: '5' };
const POINTS = TEMPERATURES * 2 * 5;

interface Judgement {
  rows: number;
  judged: {
    id: string;
    temperature: number;
    size: number;
    seed: number;
    magnetization: number;
    energy: number;
    sha256: string;
    seconds: number;
  }[];
  files: string[];
  temporary: string[];
  leases: number;
  problems: string[];
}

let python: string;
const folders: string[] = [];

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'entropic-ising-'));
  folders.push(folder);
  return folder;
}

/** What Python finds; that it finds nothing wrong, nor anything left over, is expected at once. */
async function judge(work: string): Promise<Judgement['judged']> {
  const script = join(import.meta.dirname, 'helpers', 'judge-ising.py');
  const result = await runProcess(python, [script, join(work, 'runs.sqlite3'), join(work, 'results')]);
  expect(result.stderr).toBe('');
  const found = JSON.parse(result.stdout) as Judgement;
  expect(found.problems).toEqual([]);
  expect(found.rows).toBe(found.judged.length);
  expect(found.files).toEqual(found.judged.map(({ id }) => `${id}.npy`).sort());
  expect(found.temporary).toEqual([]);
  expect(found.leases).toBe(0);
  return found.judged;
}

/** The lines of the table: the temperature, ⟨|m|⟩ of each size, the exact one, and the same for the energy. */
function tableOf(text: string): number[][] {
  return text
    .split('\n')
    .filter((line) => /^ +\d\.\d\d( +-?\d\.\d{5})+$/.test(line))
    .map((line) => line.trim().split(/ +/).map(Number));
}

/** What the picture tells of its points, as a browser shows it under the mouse. */
function toldBy(svg: string): string[] {
  return [...svg.matchAll(/<title>(L = .*?)<\/title>/g)].map(([, told = '']) => told);
}

beforeAll(async () => {
  python = await ensureNumpy();
}, 180_000);

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe('[demo] Onsager’s formulas', () => {
  it('give the figures that the demo is held to', () => {
    expect(exactMagnetization(1.5)).toBeCloseTo(0.9865, 5);
    expect(exactMagnetization(2)).toBeCloseTo(0.91132, 5);
    expect(exactEnergy(1.5)).toBeCloseTo(-1.95112, 5);
    expect(exactEnergy(2)).toBeCloseTo(-1.74556, 5);
  });

  it('meet what is known besides: the critical point, the ground state, and weak coupling', () => {
    expect(CRITICAL_TEMPERATURE).toBeCloseTo(2.269185314213022, 12);
    expect(exactMagnetization(CRITICAL_TEMPERATURE)).toBe(0);
    expect(exactMagnetization(CRITICAL_TEMPERATURE - 1e-12)).toBeGreaterThan(0);
    expect(exactEnergy(CRITICAL_TEMPERATURE)).toBeCloseTo(-Math.SQRT2, 12);
    expect([exactMagnetization(0.1), exactEnergy(0.1)]).toEqual([1, -2]);
    expect(exactEnergy(1000)).toBeCloseTo(-2 * Math.tanh(1 / 1000), 8);
  });
});

describe('[demo] run twice in an empty folder (sqlite)', () => {
  let work: string;
  let first: ProcessResult;
  let second: ProcessResult;
  let picture: string;
  let readme: string;

  beforeAll(async () => {
    work = makeFolder();
    first = await runIsing({ ...SMALL, ISING_FOLDER: work });
    picture = readFileSync(join(work, 'magnetization.svg'), 'utf8');
    second = await runIsing({ ...SMALL, ISING_FOLDER: work });
    readme = blocksOf('README.md').find(({ text }) => text.startsWith('2-D Ising model'))?.text as string;
  }, 180_000);

  it('[S11] [D1] runs every point the first time, on the threads of a client, and ends with the count', () => {
    expect(first.stderr.replace(/^ {2}\d+ of 130 points after \d+ s\n/gm, '')).toBe('');
    expect(first.code).toBe(0);
    expect(lastLines(first.stdout, 1)).toEqual([`${POINTS} points: ${POINTS} run, 0 cached`]);
    expect(first.stdout).not.toContain('points cached');
  });

  it('[S11] runs nothing the second time, says that all points are cached, and shows the same', () => {
    expect(second.stderr).toBe('');
    expect(second.code).toBe(0);
    expect(lastLines(second.stdout, 2)).toEqual([
      `${POINTS} points: 0 run, ${POINTS} cached`,
      `all ${POINTS} points cached`,
    ]);
    expect(tableOf(second.stdout)).toEqual(tableOf(first.stdout));
    expect(readFileSync(join(work, 'magnetization.svg'), 'utf8')).toBe(picture);
  });

  it('comes within 0.01 of Onsager’s magnetization and 0.02 of his energy, for lattices of 32 × 32', () => {
    for (const temperature of [1.5, 2]) {
      const [, , m, exactM, , e, exactE] = tableOf(first.stdout).find(([t]) => t === temperature) as number[];
      expect(Math.abs((m as number) - exactMagnetization(temperature))).toBeLessThan(0.01);
      expect(Math.abs((e as number) - exactEnergy(temperature))).toBeLessThan(0.02);
      expect(exactM).toBeCloseTo(exactMagnetization(temperature), 5);
      expect(exactE).toBeCloseTo(exactEnergy(temperature), 5);
    }
  });

  it('[S2] [S5] leaves series that NumPy reads and rows that Python finds right, whose means are those of the table', async () => {
    const found = await judge(work);
    expect(found).toHaveLength(POINTS);
    const rows = tableOf(first.stdout);
    expect(rows).toHaveLength(TEMPERATURES);
    for (const [temperature, ...shown] of rows) {
      const means = [16, 32].map((size) => found.filter((one) => one.size === size && one.temperature === temperature));
      for (const [i, seeds] of means.entries()) {
        expect(seeds.map(({ seed }) => seed)).toEqual([0, 1, 2, 3, 4]);
        const mean = (of: 'magnetization' | 'energy') => seeds.reduce((sum, one) => sum + one[of], 0) / seeds.length;
        expect(shown[i]).toBeCloseTo(mean('magnetization'), 4);
        expect(shown[i + 3]).toBeCloseTo(mean('energy'), 4);
      }
    }
  });

  it('draws a picture that is XML, with every point and its error, the exact curve and the critical temperature', async () => {
    const program = 'import sys, xml.dom.minidom; xml.dom.minidom.parseString(sys.argv[1])';
    expect((await runProcess(python, ['-c', program, picture])).stderr).toBe('');
    expect(toldBy(picture)).toHaveLength(TEMPERATURES * 2);
    for (const told of toldBy(picture)) expect(told).toMatch(/^L = (16|32), T = [\d.]+: 0\.\d{5} ± 0\.\d{5}$/);
    expect(picture).toContain('<path class="exact"');
    expect(picture).toContain(`= ${CRITICAL_TEMPERATURE.toFixed(3)}`);
    expect(picture).not.toContain('NaN');
  });

  it('[readme] has in the README the table and the picture that it makes', () => {
    const [here, there] = [tableOf(first.stdout), tableOf(readme)];
    expect(there).toHaveLength(TEMPERATURES);
    // The README is of the whole demo, which has a third size.
    expect(there.map(([t, m16, m32, , m, e16, e32, , e]) => [t, m16, m32, m, e16, e32, e])).toEqual(here);
    const whole = toldBy(readFileSync(join(root, 'docs', 'images', 'magnetization.svg'), 'utf8'));
    expect(whole.filter((told) => !told.startsWith('L = 64'))).toEqual(toldBy(picture));
    expect(lastLines(readme, 1)).toEqual(['195 points: 195 run, 0 cached']);
  });
});

describe('[demo] [I5] [D6] killed in the middle of its sweep (sqlite)', () => {
  it('recovers what was finished, runs only the rest, and starts at once', async () => {
    const folder = makeFolder();
    const [copy, work, log] = [copyIsing(join(folder, 'example')), join(folder, 'work'), join(folder, 'executions')];
    writeFileSync(log, '');
    const env = { ISING_FOLDER: work, ISING_SIZES: '32', ISING_SEEDS: '4', ISING_THREADS: '2', EXECUTIONS_LOG: log };
    const points = TEMPERATURES * 4;
    const killAt = 20;

    const killed = await runIsing({ ...env, KILL_AT: String(killAt) }, copy);
    expect(killed.signal).toBe('SIGKILL');
    expect(killed.stdout).not.toContain('points:');
    expect(existsSync(join(work, 'magnetization.svg'))).toBe(false);
    const before = readFileSync(log, 'utf8').trim().split('\n');

    const next = await runIsing(env, copy);
    expect(next.code).toBe(0);
    const [, run, cached] = /^52 points: (\d+) run, (\d+) cached$/.exec(lastLines(next.stdout, 1)[0] ?? '') ?? [];
    expect(Number(run) + Number(cached)).toBe(points);
    // Two threads: all but the two runs that were on their way had been sealed.
    expect(Number(cached)).toBeGreaterThanOrEqual(before.length - 2);

    const found = await judge(work);
    expect(found).toHaveLength(points);
    const executed = readFileSync(log, 'utf8').trim().split('\n');
    expect(new Set(executed)).toEqual(new Set(found.map(({ id }) => id)));
    expect(executed.length).toBeLessThanOrEqual(points + 2);
    expect(executed.length - before.length).toBe(Number(run));

    // A lease of the killed process would run for 30 s more. The work of two threads takes at most the sum of both.
    const again = new Set(executed.slice(before.length));
    const seconds = found.filter(({ id }) => again.has(id)).reduce((sum, one) => sum + one.seconds, 0);
    expect(next.seconds - seconds).toBeLessThan(10);
    expect(lastLines((await runIsing(env, copy)).stdout, 1)).toEqual([`all ${points} points cached`]);
    expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual(executed);
  }, 180_000);
});

describe('[demo] with one thread and with two (sqlite)', () => {
  it('writes the same files, byte for byte', async () => {
    const digests = await Promise.all(
      ['1', '2'].map(async (threads) => {
        const work = makeFolder();
        const env = { ISING_FOLDER: work, ISING_SIZES: '8,16', ISING_SEEDS: '1', ISING_THREADS: threads };
        const { stdout } = await runIsing(env);
        expect(stdout).toContain(`× 1 seeds, ${threads} at once\n`);
        const found = await judge(work);
        return found.map(({ id }) => [id, readFileSync(join(work, 'results', `${id}.npy`)).toString('base64')]);
      }),
    );
    expect(digests[0]).toHaveLength(TEMPERATURES * 2);
    expect(digests[1]).toEqual(digests[0]);
  }, 120_000);
});

describeDatabase('[demo] run twice with the URL of a server', 'postgres', (db) => {
  it('[S11] does there what it does on SQLite', async () => {
    const { folder, dbUrl, sql } = await db.fresh();
    const env = { ISING_FOLDER: folder, ISING_DB_URL: dbUrl, ISING_SIZES: '16', ISING_SEEDS: '2' };
    expect(lastLines((await runIsing(env)).stdout, 1)).toEqual(['26 points: 26 run, 0 cached']);
    expect(lastLines((await runIsing(env)).stdout, 1)).toEqual(['all 26 points cached']);
    expect(Number((await sql('SELECT count(*) FROM ising'))[0]?.[0])).toBe(26);
    expect(readdirSync(join(folder, 'results')).filter((name) => name.endsWith('.npy'))).toHaveLength(26);
  }, 120_000);
});
