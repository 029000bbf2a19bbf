// A database that others hold: Python locks it, several processes write to it at once. Nobody fails for that, and all rows are there.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeDatabase, type Place, type TestDatabase } from '../helpers/databases.js';
import { openToy } from '../helpers/lab.js';

const helper = (name: string) => fileURLToPath(new URL(`../helpers/${name}`, import.meta.url));
const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

/** A process whose lines are taken one by one. */
class Program {
  readonly #lines: AsyncIterator<string>;
  readonly #child: ChildProcess;
  #errors = '';

  constructor(command: string, args: string[]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr?.on('data', (chunk) => {
      this.#errors += chunk;
    });
    this.#lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  async line(): Promise<unknown> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error(`it ended: ${this.#errors}`);
    return value === 'locked' ? value : JSON.parse(value);
  }

  /** Lets it go on from its barrier. */
  go(): void {
    this.#child.stdin?.write('\n');
  }

  endInput(): void {
    this.#child.stdin?.end();
  }

  /** By itself, and without a word on stderr. */
  async ended(): Promise<void> {
    if (this.#child.exitCode === null) await once(this.#child, 'close');
    expect({ code: this.#child.exitCode, stderr: this.#errors }).toEqual({ code: 0, stderr: '' });
  }
}

const startWriter = (given: object) =>
  new Program(process.execPath, [helper('busy-writer.mjs'), JSON.stringify(given)]);

async function lock(path: string, how: 'exclusive' | 'writing'): Promise<Program> {
  const holder = new Program('python3', [helper('hold-lock.py'), path, how]);
  expect(await holder.line()).toBe('locked');
  return holder;
}

/** @returns when it let go, in milliseconds since 1970 */
async function unlock(holder: Program): Promise<number> {
  holder.endInput();
  const until = Number(await holder.line());
  await holder.ended();
  return until;
}

/** Several processes, one part of the points each, all at once. @returns what each did */
async function allAtOnce(place: Place, action: string, processes: number, each: number): Promise<unknown[]> {
  const { resultsDir, dbUrl } = place;
  const writers = numbers(0, processes).map((part) =>
    startWriter({ action, places: [{ resultsDir, dbUrl }], ns: numbers(part * each, each) }),
  );
  for (const writer of writers) expect(await writer.line()).toBe('ready');
  for (const writer of writers) writer.go();
  const answers = await Promise.all(writers.map((writer) => writer.line()));
  await Promise.all(writers.map((writer) => writer.ended()));
  return answers;
}

async function expectRows(place: Place, count: number): Promise<void> {
  expect(await place.sql('PRAGMA integrity_check')).toEqual([['ok']]);
  const found = await place.sql('SELECT count(*), count(DISTINCT n), min(n), max(n) FROM toy');
  expect(found).toEqual([[count, count, 0, count - 1]]);
  expect(await place.sql("SELECT count(*) FROM entropic_runs WHERE table_name = 'toy' AND size = 1")).toEqual([
    [count],
  ]);
  expect(await place.sql('SELECT count(*) FROM entropic_leases')).toEqual([[0]]);
}

const pathOf = (place: Place) => place.dbUrl.slice('sqlite:///'.length);

/** Takes 30 s of waiting, so it begins with the file and is looked at in its last test. */
let held: { folder: string; holders: Program[]; answers: Promise<unknown[]> };

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'entropic-held-'));
  const place = (name: string) => {
    mkdirSync(join(folder, name));
    return { resultsDir: join(folder, name, 'results'), dbUrl: `sqlite:${join(folder, name, 'db')}` };
  };
  const [made, old] = [place('new'), place('old')];
  const opener = startWriter({ action: 'delete', places: [made], ns: [1], openTogether: true });
  const deleter = startWriter({ action: 'delete', places: [old, old], ns: [1] });
  expect([await opener.line(), await deleter.line()]).toEqual(['ready', 'ready']);
  const holders = [
    await lock(join(folder, 'new', 'db'), 'exclusive'),
    await lock(join(folder, 'old', 'db'), 'writing'),
  ];
  opener.go();
  deleter.go();
  const answers = Promise.all([opener.line(), deleter.line()]);
  held = {
    folder,
    holders,
    answers: answers.then(async (said) => {
      // The second time nobody holds it.
      for (const holder of holders) await unlock(holder);
      const ready = await deleter.line();
      deleter.go();
      const again = await deleter.line();
      await Promise.all([opener.ended(), deleter.ended()]);
      return [...said, ready, again];
    }),
  };
  held.answers.catch(() => {});
});

afterAll(async () => {
  await held?.answers.catch(() => {});
  if (held) await rm(held.folder, { recursive: true, force: true });
});

describeDatabase('a busy database', 'sqlite', (db: TestDatabase) => {
  it('[fault: busy] a new and an existing store open although another program holds the database for two seconds', async () => {
    const [made, old] = [await db.fresh(), await db.fresh()];
    // In processes that end: SQLite's locks belong to processes.
    expect(await allAtOnce(old, 'sweep', 1, 3)).toEqual([{ done: 3 }]);
    const holders = await Promise.all([made, old].map((place) => lock(pathOf(place), 'exclusive')));
    const opened = Promise.all(
      [made, old].map(async (place) => {
        const store = await openToy(place);
        const at = Date.now();
        const record = await store.retrieve({ n: 1 });
        await store.close();
        return { at, found: record !== null };
      }),
    );
    await sleep(2000);
    const released = await Promise.all(holders.map(unlock));
    const answers = await opened;
    expect(answers.map(({ found }) => found)).toEqual([false, true]);
    // They really waited for it.
    for (const [i, { at }] of answers.entries()) expect(at).toBeGreaterThanOrEqual(released[i] as number);
  });

  it('[fault: busy] two processes that open a new store together both have it, fifteen times', async () => {
    const places = await Promise.all(numbers(0, 15).map(() => db.fresh()));
    const given = places.map(({ resultsDir, dbUrl }) => ({ resultsDir, dbUrl }));
    const start = (n: number) => startWriter({ action: 'sweep', places: given, ns: [n], openTogether: true });
    const both = [start(0), start(1)];
    for (const place of places) {
      for (const one of both) expect(await one.line()).toBe('ready');
      for (const one of both) one.go();
      expect(await Promise.all(both.map((one) => one.line()))).toEqual([{ done: 1 }, { done: 1 }]);
      await expectRows(place, 2);
    }
    for (const one of both) await one.ended();
  });

  it('[fault: busy] four processes that sweep 2,000 points each at once store them all', async () => {
    const place = await db.fresh();
    expect(await allAtOnce(place, 'sweep', 4, 2000)).toEqual(Array(4).fill({ done: 2000 }));
    await expectRows(place, 8000);
  });

  it('[fault: busy] four processes that run 200 points one by one store them all', async () => {
    const place = await db.fresh();
    expect(await allAtOnce(place, 'each', 4, 200)).toEqual(Array(4).fill({ done: 200 }));
    await expectRows(place, 800);
  });

  it('[fault: busy] a database that is held for ever is called busy, and the same call works when it is free', async () => {
    const busy = { code: 'ENTROPIC_STORE_BUSY', message: expect.stringContaining('stayed locked by another process') };
    expect(await held.answers).toMatchObject([busy, busy, 'ready', { done: 0 }]);
  });
});
