// A disk that is really full: a small file system of its own holds the results and the database. Python is the judge.
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineResult, int, Store, type StoreOptions } from 'entropic';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type JudgeServer, startJudge, startOnce, startTrialServer, type TrialServer } from './programs.js';
import { missing, mountTmpfs, unmount } from './tools.js';
import { type Answer, judgeRequest, type Scenario, type Site, sqliteSite, trialOf } from './trials.js';

const DISK_KB = 12_288;
const points = (count: number) => Array.from({ length: count }, (_, n) => n);

let root: string;
let judge: JudgeServer;
let server: TrialServer;
let disks = 0;
let reason: string | undefined;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'entropic-tmpfs-'));
  judge = startJudge();
  server = startTrialServer();
  await mkdir(join(root, 'probe'));
  reason = missing('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', join(root, 'probe')]);
  if (reason === undefined) unmount(join(root, 'probe'));
});

afterAll(async () => {
  await judge.close();
  await server.close();
  await rm(root, { recursive: true, force: true });
});

/** An empty disk until the end of the test; undefined where there are none to be had. */
async function freshDisk(): Promise<string | undefined> {
  if (reason !== undefined) {
    expect(reason).toMatch(/mount/);
    return undefined;
  }
  const disk = join(root, `disk-${++disks}`);
  await mkdir(disk);
  mountTmpfs(disk, `${DISK_KB}k`);
  onTestFinished(() => unmount(disk));
  return disk;
}

/** @returns what makes room again */
function fillAllBut(disk: string, freeKb: number): () => void {
  const filler = join(disk, 'filler');
  writeFileSync(filler, Buffer.alloc((DISK_KB - freeKb) * 1024));
  return () => rmSync(filler);
}

function fillToTheBrim(disk: string): () => void {
  const filler = join(disk, 'filler-to-the-brim');
  const fd = openSync(filler, 'w');
  for (const size of [1 << 16, 1 << 12]) {
    try {
      for (;;) writeSync(fd, Buffer.alloc(size));
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
  }
  closeSync(fd);
  return () => rmSync(filler);
}

/** An error that does not tell of the full disk. */
function notTold(errors: Answer['errors']): unknown[] {
  return errors.filter(({ code, reason, causes }) => {
    if (code === 'ENTROPIC_STORE_FULL') return false;
    if (code !== 'ENTROPIC_RUN_FAILED') return true;
    if (reason === 'store') return !causes.includes('ENTROPIC_STORE_FULL') && !causes.includes('ENOSPC');
    return !(reason === 'exception' && causes.includes('ENOSPC'));
  });
}

const Toy = defineResult('toy', { n: int() });

function openToy(disk: string, executions: number[], options: StoreOptions = {}) {
  return Store.open({
    model: Toy,
    resultsDir: join(disk, 'results'),
    dbUrl: `sqlite:${join(disk, 'runs.sqlite3')}`,
    runner: ({ n, resultFile }: { n: number; resultFile: string }) => {
      executions.push(n);
      writeFileSync(resultFile, 'x');
    },
    ...options,
  });
}

describe('a full disk (sqlite)', () => {
  const cases = [
    { name: 'results of 100 kB', bytes: 100_000, ns: points(14), free: [500, 900, 1400] },
    { name: 'results of 50 bytes', bytes: 50, ns: points(60), free: [390, 420, 450] },
  ];
  for (const { name, bytes, ns, free } of cases) {
    it(`[fault: tmpfs] [fault: ENOSPC] [I1] [I2] [I3] [I4] [I5] [I6] [I7] a sweep of ${name} that fills the disk says so, and the same command completes it when there is space`, async () => {
      const scenario: Scenario = { name: 'a sweep', action: 'sweep', ns };
      const committed: number[] = [];
      let full = 0;
      for (const freeKb of free) {
        const disk = await freshDisk();
        if (disk === undefined) return;
        // The runner's own log stands elsewhere: it must tell the truth.
        const site: Site = { ...sqliteSite(disk), log: join(root, `executions-${disks}.log`) };
        const makeRoom = fillAllBut(disk, freeKb);
        const { code, signal, lines, stderr } = await startOnce(trialOf(scenario, site, { bytes })).ended;
        expect({ code, signal, stderr }, `${freeKb} kB free`).toEqual({ code: 0, signal: null, stderr: '' });
        const answer = lines.at(-1) as unknown as Answer;
        if (answer.errors.length > 0) full++;
        expect(notTold(answer.errors)).toEqual([]);
        // I6: all points were accounted for, each time that the sweep was called.
        const failed = answer.errors.filter(({ phase }) => phase === 'act again').length;
        if (answer.errors.every(({ code }) => code === 'ENTROPIC_RUN_FAILED'))
          expect(answer.outcomes.length + failed).toBe(ns.length);
        const told = lines.flatMap((line) => (line.told ? [String(line.told)] : []));
        const between = await judge.ask(judgeRequest(scenario, site, 'killed', { told }));
        expect(between.problems).toEqual([]);
        committed.push(between.rows);
        makeRoom();
        const again = await server.ask(trialOf(scenario, site, { bytes }));
        expect([...again.errors, ...again.unhandled]).toEqual([]);
        expect((await judge.ask(judgeRequest(scenario, site, 'final', { told }))).problems).toEqual([]);
      }
      console.log(`${name}: rows on the full disks: ${committed.join(', ')}`);
      expect(Math.max(...committed)).toBeGreaterThan(0);
      expect(full).toBeGreaterThanOrEqual(free.length / 2);
    });
  }

  it('[fault: tmpfs] [fault: ENOSPC] a store that stays open goes on when there is space, and runs only what is missing', async () => {
    const disk = await freshDisk();
    if (disk === undefined) return;
    const makeRoom = fillAllBut(disk, 420);
    const executions: number[] = [];
    await using store = await openToy(disk, executions);
    const error = await store.sweep({ n: points(60) }).then(
      () => expect.unreachable(),
      (error) => error,
    );
    expect(error).toMatchObject({ code: 'ENTROPIC_SWEEP' });
    const kept = await store.sweep([{ n: 0 }]);
    expect(kept.length).toBe(1);
    const runBefore = executions.length;
    makeRoom();
    const records = await store.sweep({ n: points(60) });
    expect(new Set(records.map((record) => record.id)).size).toBe(60);
    // Twice ran only what came to no whole result: its error was the runner's own, or came before the result was sealed.
    const twice = executions.filter((n, i) => executions.indexOf(n) < i);
    expect(executions.length - runBefore).toBeLessThan(60);
    expect(twice).not.toContain(0);
  });

  it('[fault: tmpfs] [fault: ENOSPC] results are served and deleted on a full disk, or the error says that it is full', async () => {
    const disk = await freshDisk();
    if (disk === undefined) return;
    const executions: number[] = [];
    await using store = await openToy(disk, executions);
    await store.sweep({ n: points(5) });
    const makeRoom = fillToTheBrim(disk);
    expect(await store.retrieve({ n: 1 })).not.toBeNull();
    const said: string[] = [];
    for (const n of [1, 2, 3]) {
      const answer = await store.delete({ n }, { removeFile: true }).catch((error) => error);
      if (answer !== true) expect(answer).toMatchObject({ code: 'ENTROPIC_STORE_FULL' });
      said.push(answer === true ? 'deleted' : 'full');
      expect(await store.retrieve({ n })).toBeNull();
    }
    console.log(`delete on a full disk: ${said.join(', ')}`);
    expect(await store.retrieve({ n: 4 })).not.toBeNull();
    makeRoom();
    for (const n of [1, 2, 3]) await store.delete({ n }, { removeFile: true });
    const plans = await Promise.all(points(5).map((n) => store.retrieve({ n })));
    expect(plans.map((record) => record !== null)).toEqual([true, false, false, false, true]);
    await store.sweep({ n: points(5) });
    expect(executions).toEqual([0, 1, 2, 3, 4, 1, 2, 3]);
  });

  it('[fault: tmpfs] [fault: ENOSPC] opening on a full disk, whatever space is left, works or says that it is full', async () => {
    const disk = await freshDisk();
    if (disk === undefined) return;
    const said = new Map<string, number>();
    for (const freeKb of [0, 4, 8, 16, 24, 32, 48, 64, 96, 128, 160, 200, 240, 280, 320, 360]) {
      const makeRoom = freeKb === 0 ? fillToTheBrim(disk) : fillAllBut(disk, freeKb);
      const answer = await openToy(disk, []).then(
        async (store) => {
          await store.close();
          return 'opened';
        },
        (error) => {
          expect(error, `${freeKb} kB free`).toMatchObject({ code: 'ENTROPIC_STORE_FULL' });
          return 'full';
        },
      );
      said.set(answer, (said.get(answer) ?? 0) + 1);
      makeRoom();
      for (const name of ['results', 'runs.sqlite3', 'runs.sqlite3-wal', 'runs.sqlite3-shm'])
        await rm(join(disk, name), { recursive: true, force: true });
    }
    expect(said.get('full')).toBeGreaterThan(0);
    // And there is nothing wrong with a disk on which it failed.
    await using store = await openToy(disk, []);
    expect((await store.sweep({ n: [1] })).length).toBe(1);
  });

  it('[fault: tmpfs] [fault: ENOSPC] a results folder on a full disk says so when the store is opened', async () => {
    const disk = await freshDisk();
    if (disk === undefined) return;
    const dbUrl = `sqlite:${join(root, 'elsewhere.sqlite3')}`;
    const makeRoom = fillToTheBrim(disk);
    const error = await openToy(disk, [], { dbUrl }).catch((error) => error);
    expect(error).toMatchObject({ code: 'ENTROPIC_STORE_FULL', message: expect.stringContaining(disk) });
    makeRoom();
    const executions: number[] = [];
    await using store = await openToy(disk, executions, { dbUrl });
    await store.sweep({ n: points(3) });
    expect(executions).toEqual([0, 1, 2]);
  });
});
