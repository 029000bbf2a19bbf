// The SQLite file itself is damaged, replaced or taken away, before a store is opened or while it is open: every call says so by an
// error with a code, nothing is reported as stored that is not, and with the file put back everything is there. Python is the judge.
import { copyFileSync, mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineResult, EntropicError, int, Store } from 'entropic';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askScript, idOfToy } from '../helpers/lab.js';
import { type JudgeServer, startJudge, startOnce, startTrialServer, type TrialServer } from './programs.js';
import { copyStore, judgeRequest, layOut, type Scenario, type Site, sqliteSite, trialOf, wholeText } from './trials.js';

/** Enough for a database of many pages. */
const scenario: Scenario = { name: 'a sweep', action: 'sweep', ns: Array.from({ length: 300 }, (_, n) => n) };

let root: string;
let judge: JudgeServer;
let server: TrialServer;
let sites = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'entropic-database-'));
  judge = startJudge();
  server = startTrialServer();
  const site = sqliteSite(join(root, 'template'));
  layOut(scenario, site);
  // In a process that ends, so that nothing of it is left in memory.
  expect(await startOnce(trialOf(scenario, site)).ended).toMatchObject({ code: 0, stderr: '' });
});

afterAll(async () => {
  await judge.close();
  await server.close();
  await rm(root, { recursive: true, force: true });
});

function freshSite(): Site {
  const site = sqliteSite(join(root, `site-${++sites}`));
  copyStore(join(root, 'template'), site.folder);
  return site;
}

const pathOf = (site: Site) => site.dbUrl.slice('sqlite:'.length);

function open({ resultsDir, dbUrl }: Site, readOnly = false) {
  const runner = ({ n, resultFile }: { n: number; resultFile: string }) => writeFileSync(resultFile, wholeText(n));
  return Store.open({ model: defineResult('results', { n: int() }), resultsDir, dbUrl, runner, readOnly });
}

type OpenStore = Awaited<ReturnType<typeof open>>;

const reads: Record<string, (store: OpenStore) => Promise<unknown>> = {
  retrieve: (store) => store.retrieve({ n: 150 }),
  get: (store) => store.get(idOfToy(299)),
  attempts: (store) => store.attempts(idOfToy(0)),
  verify: (store) => store.verify(),
};
const writes: Record<string, (store: OpenStore) => Promise<unknown>> = {
  runOrRetrieve: (store) => store.runOrRetrieve({ n: 1000 }),
  run: (store) => store.run({ n: 1 }),
  sweep: async (store) => await store.sweep({ n: [2, 2000] }),
  delete: (store) => store.delete({ n: 3 }),
};

/** What each call came to: the code of its error, or "answered"; any other error fails the test. */
async function callAll(store: OpenStore, calls: typeof reads): Promise<Record<string, string>> {
  const told: Record<string, string> = {};
  for (const [name, call] of Object.entries(calls)) {
    const error = await call(store).then(
      () => undefined,
      (error) => error,
    );
    if (error !== undefined) expect(error, name).toBeInstanceOf(EntropicError);
    told[name] = error === undefined ? 'answered' : deepest(error);
  }
  return told;
}

/** The leases that it cannot give back any more are told of by the same error. */
async function closes(store: OpenStore): Promise<void> {
  await store.close().catch((error) => expect(error).toBeInstanceOf(EntropicError));
  await expect(store.retrieve({ n: 1 })).rejects.toMatchObject({ code: 'ENTROPIC_CLOSED' });
}

/** A run and a sweep say it by their causes. */
function deepest(error: EntropicError): string {
  return error.cause instanceof EntropicError ? deepest(error.cause) : error.code;
}

/** With the file put back, everything is there and the same sweep runs nothing. */
async function expectWholeAgain(site: Site): Promise<void> {
  const path = pathOf(site);
  for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { recursive: true, force: true });
  copyFileSync(pathOf(sqliteSite(join(root, 'template'))), path);
  const before = await judge.ask(judgeRequest(scenario, site, 'killed'));
  expect(before.rows).toBe(300);
  const again = await server.ask(trialOf(scenario, site));
  expect([...again.errors, ...again.unhandled]).toEqual([]);
  expect((await judge.ask({ ...judgeRequest(scenario, site, 'final'), mayOrphan: true })).problems).toEqual([]);
}

const harms: Record<string, (path: string) => void> = {
  'cut in half': (path) => truncateSync(path, Math.floor(statSync(path).size / 2)),
  'overwritten with text': (path) => writeFileSync(path, 'This is my diary.\n'.repeat(1000)),
  'replaced by a folder': (path) => {
    rmSync(path);
    mkdirSync(path);
  },
};

describe('a database file that is no good (sqlite)', () => {
  it('[fault: database] one that was cut in half is called damaged by every call that needs what is lost', async () => {
    const site = freshSite();
    harms['cut in half']?.(pathOf(site));
    const told: string[] = [];
    const store = await open(site).catch((error) => {
      expect(error).toMatchObject({ code: 'ENTROPIC_STORE_CORRUPT', message: expect.stringContaining(pathOf(site)) });
      told.push(error.code);
    });
    if (store) {
      told.push(...Object.values(await callAll(store, { ...reads, ...writes })));
      await store.close();
    }
    expect(told).toContain('ENTROPIC_STORE_CORRUPT');
    expect(told.filter((code) => code !== 'answered' && code !== 'ENTROPIC_STORE_CORRUPT')).toEqual([]);
    await expectWholeAgain(site);
  });

  it('[fault: database] one that was overwritten with text is called damaged when it is opened', async () => {
    const site = freshSite();
    harms['overwritten with text']?.(pathOf(site));
    for (const readOnly of [false, true]) {
      await expect(open(site, readOnly)).rejects.toMatchObject({
        code: 'ENTROPIC_STORE_CORRUPT',
        message: expect.stringContaining('no SQLite database'),
      });
    }
    await expectWholeAgain(site);
  });

  it('[fault: database] a folder in its place is named when it is opened', async () => {
    const site = freshSite();
    harms['replaced by a folder']?.(pathOf(site));
    for (const readOnly of [false, true]) {
      await expect(open(site, readOnly)).rejects.toMatchObject({
        code: 'ENTROPIC_CONNECTION',
        message: expect.stringContaining(`${pathOf(site)}: it is a folder`),
      });
    }
    await expectWholeAgain(site);
  });

  it('[fault: database] one that may not be read or written says so, with its path', async () => {
    const answers = await askScript<Record<string, object>>('unreadable-database.mjs');
    const said = { code: 'ENTROPIC_CONNECTION', message: expect.stringContaining('/inner/runs.sqlite3') };
    expect(answers).toMatchObject({ folder: said, folderReadOnly: said, file: said });
    // What is there can still be read.
    expect(answers.fileNotWritable).toMatchObject({ ...said, found: true });
  });
});

describe('a database file that is lost while the store is open (sqlite)', () => {
  for (const [harm, damage] of Object.entries(harms)) {
    it(`[fault: database] one that is ${harm}: calls answer or fail with a code, and the store closes`, async () => {
      const site = freshSite();
      const store = await open(site);
      await store.retrieve({ n: 1 });
      damage(pathOf(site));
      const told = await callAll(store, { ...reads, ...writes });
      await closes(store);
      const expected = harm === 'replaced by a folder' ? 'ENTROPIC_CONNECTION' : 'ENTROPIC_STORE_CORRUPT';
      expect(Object.values(told).filter((code) => code !== 'answered' && code !== expected)).toEqual([]);
      expect(told.runOrRetrieve).toBe(expected);
      await expectWholeAgain(site);
    });
  }

  for (const used of [false, true]) {
    it(`[fault: database] one that is removed ${used ? 'after' : 'before'} the first run: no call says that anything is stored`, async () => {
      const site = freshSite();
      const store = await open(site);
      if (used) await store.run({ n: 5 });
      else await store.retrieve({ n: 5 });
      for (const end of ['', '-wal', '-shm']) rmSync(`${pathOf(site)}${end}`, { force: true });
      const told = await callAll(store, { ...reads, ...writes });
      await closes(store);
      expect(new Set(Object.values(told))).toEqual(new Set(['ENTROPIC_CONNECTION']));
      // Nothing was put into its place.
      expect(statSync(pathOf(site), { throwIfNoEntry: false })).toBeUndefined();
      if (!used) await expectWholeAgain(site);
    });
  }

  it('[fault: database] one that another took the place of is not written to', async () => {
    const site = freshSite();
    const other = freshSite();
    const store = await open(site);
    await store.run({ n: 5 });
    rmSync(pathOf(site));
    copyFileSync(pathOf(other), pathOf(site));
    const told = await callAll(store, writes);
    await closes(store);
    expect(new Set(Object.values(told))).toEqual(new Set(['ENTROPIC_CONNECTION']));
  });
});
