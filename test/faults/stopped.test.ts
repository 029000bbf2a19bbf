// A process that was stopped (SIGSTOP) for longer than its lease while it had a run: somebody else has taken the point over, and when
// it goes on it commits nothing. Python is the judge.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeDatabase, type Place } from '../helpers/databases.js';
import { executionsOf, type FlightOptions, FlightProcess, waitFor } from '../helpers/flight.js';
import { type JudgeServer, startJudge, startRowsServer } from './programs.js';

let judge: JudgeServer;

beforeAll(() => {
  judge = startJudge();
});

afterAll(async () => {
  await judge.close();
});

/** A store of its own within a place, so that several trials go side by side. */
function meeting(place: Place, name: string) {
  const dbUrl = place.kind === 'sqlite' ? `sqlite:${join(place.folder, `${name}.sqlite3`)}` : place.dbUrl;
  const log = join(place.folder, `${name}.log`);
  return { resultsDir: join(place.folder, name), dbUrl, table: name, log, gate: join(place.folder, `${name}.gate`) };
}

type Meeting = ReturnType<typeof meeting>;

function start({ gate, ...place }: Meeting, options: FlightOptions & { gated?: boolean }): FlightProcess {
  const { gated, ...rest } = options;
  return new FlightProcess(place, { lease: '1s', ms: [1, 1], ...rest, ...(gated && { gate }) });
}

/** What is wrong with the store once both processes have closed it. */
async function judged({ resultsDir, dbUrl, table, log }: Meeting, ns: number[]): Promise<string[]> {
  const request = { key: resultsDir, phase: 'final', results: resultsDir, table, log, ns };
  if (dbUrl.startsWith('sqlite:')) {
    return (await judge.ask({ ...request, db: dbUrl.slice('sqlite:'.length) })).problems;
  }
  // It keeps its connections, and this test's database goes: one for each test.
  const rows = startRowsServer();
  try {
    return (await judge.ask({ ...request, rows: await rows.ask({ url: dbUrl, table }) })).problems;
  } finally {
    await rows.close();
  }
}

/** Both end by themselves, without a word on stderr. */
async function closed(...processes: FlightProcess[]): Promise<void> {
  for (const process of processes) {
    expect(await process.close()).toEqual({ code: 0, signal: null });
    expect(process.errors).toBe('');
  }
}

/** What one process ran. */
const byPid = (log: string, pid: number) => executionsOf(log).filter((one) => one.pid === pid);

async function stoppedInARun(place: Place, how: 'threads' | 'inline'): Promise<void> {
  const at = meeting(place, how);
  const stopped = start(at, { how, gated: true });
  const other = start(at, { how });
  try {
    await Promise.all([stopped.ready(), other.ready()]);
    const first = stopped.tell({ do: 'obtain', n: 1 });
    await waitFor('the first run', () => executionsOf(at.log).length === 1);
    const second = other.tell({ do: 'obtain', n: 1 });
    await other.event('run.waiting');
    stopped.stop();
    await stopped.stopped();
    const taken = await second.answer;
    expect(taken.error).toBeUndefined();
    expect(byPid(at.log, other.pid).map(({ execution }) => execution)).toEqual([taken.execution]);
    writeFileSync(at.gate, '');
    stopped.resume();
    const late = await first.answer;
    expect(late).toMatchObject({ id: taken.id, execution: taken.execution });
    expect(stopped.heard).toContainEqual({ event: 'run.stale', id: taken.id });
    await closed(stopped, other);
    expect(await judged(at, [1])).toEqual([]);
    expect(executionsOf(at.log)).toHaveLength(2);
  } finally {
    await Promise.all([stopped.kill(), other.kill()]);
  }
}

/** @param manifest whether its finished run can be known by others */
async function stoppedAt(place: Place, stopAt: NonNullable<FlightOptions['stopAt']>, manifest: boolean): Promise<void> {
  const at = meeting(place, `${stopAt.when}_${stopAt.call}`);
  const stopped = start(at, { how: 'inline', stopAt });
  const other = start(at, { how: 'inline' });
  try {
    await Promise.all([stopped.ready(), other.ready()]);
    const first = stopped.tell({ do: 'obtain', n: 1 });
    await stopped.event('stopping');
    await stopped.stopped();
    const taken = await other.tell({ do: 'obtain', n: 1 }).answer;
    expect(taken.error).toBeUndefined();
    const maker = manifest ? stopped : other;
    expect(byPid(at.log, maker.pid).map(({ execution }) => execution)).toEqual([taken.execution]);
    stopped.resume();
    const late = await first.answer;
    expect(late).toMatchObject({ id: taken.id, execution: taken.execution });
    expect(stopped.heard).toContainEqual({ event: 'run.stale', id: taken.id });
    await closed(stopped, other);
    expect(await judged(at, [1])).toEqual([]);
    expect(executionsOf(at.log)).toHaveLength(manifest ? 1 : 2);
  } finally {
    await Promise.all([stopped.kill(), other.kill()]);
  }
}

const between: NonNullable<FlightOptions['stopAt']>[] = [
  { call: 'fsync', when: 'before' },
  { call: 'link', when: 'after' },
  { call: 'fsync', when: 'after' },
  { call: 'link', when: 'before' },
];

for (const kind of ['sqlite', 'postgres'] as const) {
  describeDatabase('a process is stopped for longer than its lease', kind, (db) => {
    it('[D7] [fault: stopped] in a run in a thread: its result is discarded, and its caller gets the record of the other', async () => {
      await stoppedInARun(await db.fresh(), 'threads');
    });

    it('[D7] [fault: stopped] between the manifest and the commit: the other commits the run, nobody runs it again', async () => {
      const place = await db.fresh();
      // Where it stands matters to files only, which are the same with both databases.
      const places = kind === 'sqlite' ? between : between.slice(0, 2);
      await Promise.all(places.map((stopAt) => stoppedAt(place, stopAt, true)));
    });
  });
}

describeDatabase('a process is stopped for longer than its lease', 'sqlite', (db) => {
  it('[D7] [fault: stopped] in a run of a function: its result is discarded, and its caller gets the record of the other', async () => {
    await stoppedInARun(await db.fresh(), 'inline');
  });

  it('[D7] [fault: stopped] before the manifest: the other runs the point, and the late file replaces nothing', async () => {
    await stoppedAt(await db.fresh(), { call: 'digest', when: 'before' }, false);
  });

  it('[D7] [fault: stopped] in a sweep on two threads: it goes on, with the records of the other for what it lost', async () => {
    const at = meeting(await db.fresh(), 'sweep');
    const stopped = start(at, { threads: 2, gated: true });
    const other = start(at, { threads: 2 });
    try {
      await Promise.all([stopped.ready(), other.ready()]);
      const first = stopped.tell({ do: 'sweep', count: 20 });
      await waitFor('the first runs', () => executionsOf(at.log).length === 2);
      stopped.stop();
      await stopped.stopped();
      const whole = { records: 20, inOrder: true };
      expect(await other.tell({ do: 'sweep', count: 20 }).answer).toMatchObject(whole);
      writeFileSync(at.gate, '');
      stopped.resume();
      expect(await first.answer).toMatchObject(whole);
      expect(stopped.heard.filter(({ event }) => event === 'run.stale')).toHaveLength(2);
      await closed(stopped, other);
      expect(
        await judged(
          at,
          Array.from({ length: 20 }, (_, n) => n),
        ),
      ).toEqual([]);
      expect(byPid(at.log, other.pid)).toHaveLength(20);
      // Only what was in flight: what it had claimed and not begun was run by the other.
      expect(byPid(at.log, stopped.pid)).toHaveLength(2);
    } finally {
      await Promise.all([stopped.kill(), other.kill()]);
    }
  });
});
