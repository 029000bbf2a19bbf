// Two processes behind a barrier sweep the same points: each point runs once, both get everything. Python is the judge.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { freshPostgres } from '../helpers/databases.js';
import { executionsOf, type FlightOptions, type FlightPlace, FlightProcess } from '../helpers/flight.js';
import { type JudgeServer, type RowsServer, startJudge, startRowsServer } from './programs.js';
import { full } from './sampling.js';

const POINTS = 300;

let root: string;
let judge: JudgeServer;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'entropic-two-'));
  judge = startJudge();
});

afterAll(async () => {
  await judge.close();
  await rm(root, { recursive: true, force: true });
});

/** What is wrong after one trial; empty if nothing is. */
async function trial(place: FlightPlace, options: FlightOptions, rows?: RowsServer): Promise<string[]> {
  const problems: string[] = [];
  const both = [new FlightProcess(place, options), new FlightProcess(place, options)];
  try {
    await Promise.all(both.map((process) => process.ready()));
    const sweeps = both.map((process) => process.tell({ do: 'sweep', count: POINTS }));
    for (const { error, records, inOrder, progress } of await Promise.all(sweeps.map(({ answer }) => answer))) {
      if (error) problems.push(`a sweep failed: ${JSON.stringify(error)}`);
      else if (records !== POINTS || !inOrder) problems.push(`${records} records, in order: ${inOrder}`);
      else if ((progress?.finished ?? 0) + (progress?.cached ?? 0) !== POINTS) problems.push(JSON.stringify(progress));
    }
    for (const process of both) {
      const { code, signal } = await process.close();
      if (code !== 0 || process.errors) problems.push(`it ended with ${signal ?? code}: ${process.errors}`);
      const trouble = process.heard.filter(({ event }) => event === 'store.trouble' || event === 'run.stale');
      if (trouble.length > 0) problems.push(JSON.stringify(trouble.slice(0, 3)));
    }
  } finally {
    await Promise.all(both.map((process) => process.kill()));
  }
  const executions = executionsOf(place.log);
  if (executions.length !== POINTS || new Set(executions.map(({ n }) => n)).size !== POINTS) {
    problems.push(`${executions.length} executions of ${new Set(executions.map(({ n }) => n)).size} points`);
  }
  for (const { pid } of both) {
    const share = executions.filter((one) => one.pid === pid).length;
    if (share < POINTS / 10) problems.push(`one process ran only ${share} points`);
  }
  const { resultsDir, dbUrl, table = 'results', log } = place;
  const db = dbUrl.startsWith('sqlite:') ? dbUrl.slice('sqlite:'.length) : undefined;
  const found = rows ? { rows: await rows.ask({ url: dbUrl, table }) } : { db };
  const ns = Array.from({ length: POINTS }, (_, n) => n);
  const request = { key: resultsDir, phase: 'final', results: resultsDir, table, log, ns, ...found };
  return [...problems, ...(await judge.ask(request)).problems].map((problem) => problem.slice(0, 400));
}

const kinds: [string, FlightOptions, number][] = [
  ['with a thread each', { how: 'threads', threads: 1 }, full ? 20 : 4],
  ['with functions', { how: 'inline' }, full ? 20 : 2],
];

for (const [name, options, trials] of kinds) {
  describe(`two processes ${name} sweep the same ${POINTS} points (sqlite)`, () => {
    it('[D7] [fault: two-processes] without an error, each point is run once and both get all records in order', async () => {
      for (let i = 0; i < trials; i++) {
        const folder = join(root, `sqlite-${options.how}-${i}`);
        await mkdir(folder);
        const place = {
          resultsDir: join(folder, 'results'),
          dbUrl: `sqlite:${join(folder, 'runs.sqlite3')}`,
          log: join(folder, 'executions.log'),
        };
        expect(await trial(place, options), `trial ${i}`).toEqual([]);
        await rm(folder, { recursive: true });
      }
    });
  });

  describe(`two processes ${name} sweep the same ${POINTS} points (postgres)`, () => {
    it('[D7] [fault: two-processes] without an error, each point is run once and both get all records in order', async () => {
      const place = await freshPostgres(inject('postgresUrl'));
      const rows = startRowsServer();
      try {
        for (let i = 0; i < trials; i++) {
          const resultsDir = join(place.folder, `results-${i}`);
          const { dbUrl } = place;
          const log = join(place.folder, `executions-${i}.log`);
          expect(await trial({ resultsDir, dbUrl, table: `t${i}`, log }, options, rows), `trial ${i}`).toEqual([]);
        }
      } finally {
        await rows.close();
        await place.remove();
      }
    });
  });
}
