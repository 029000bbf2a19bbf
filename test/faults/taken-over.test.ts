// A finished run goes through the hands of several processes that die before its row is committed: it is not run again.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeDatabase } from '../helpers/databases.js';
import { executionsOf, FlightProcess } from '../helpers/flight.js';
import { type JudgeServer, startJudge } from './programs.js';

let judge: JudgeServer;

beforeAll(() => {
  judge = startJudge();
});

afterAll(() => judge.close());

describeDatabase('a finished run without a row', 'sqlite', (db) => {
  it('[D6] [fault: kill] is committed by whoever takes its point over, though its recoverer was killed in the middle, too', async () => {
    const { folder, resultsDir } = await db.fresh();
    const log = join(folder, 'executions.log');
    const at = { resultsDir, dbUrl: `sqlite:${join(folder, 'flight.sqlite3')}`, log };
    const options = { how: 'inline', lease: '10m' } as const;
    const witness = new FlightProcess(at, options);
    const maker = new FlightProcess(at, { ...options, stopAt: { call: 'link', when: 'before' } });
    const started = [witness, maker];
    try {
      await witness.ready();
      maker.tell({ do: 'obtain', n: 1 });
      await maker.event('stopping');
      await maker.kill();
      // It finds the run when it opens the store, takes the point, and dies at the same place.
      const recoverer = new FlightProcess(at, { ...options, stopAt: { call: 'link', when: 'before' } });
      started.push(recoverer);
      await recoverer.event('stopping');
      await recoverer.kill();
      const { error, execution } = await witness.tell({ do: 'obtain', n: 1 }).answer;
      expect(error).toBeUndefined();
      expect(executionsOf(log).map((one) => one.execution)).toEqual([execution]);
      expect(execution).toMatch(`${maker.pid}-`);
      expect(await witness.close()).toEqual({ code: 0, signal: null });
      // The folders of the dead go when the store is opened next.
      const last = new FlightProcess(at, options);
      started.push(last);
      expect(await last.tell({ do: 'obtain', n: 1 }).answer).toMatchObject({ execution });
      expect(await last.close()).toEqual({ code: 0, signal: null });
      const db = at.dbUrl.slice('sqlite:'.length);
      const request = { key: folder, phase: 'final', results: resultsDir, db, log, ns: [1] };
      expect((await judge.ask(request)).problems).toEqual([]);
      expect(executionsOf(log)).toHaveLength(1);
    } finally {
      await Promise.all(started.map((process) => process.kill()));
    }
  });
});
