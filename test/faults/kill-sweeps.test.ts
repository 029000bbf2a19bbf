// SIGKILL at random moments of sweeps on two threads, often several in a row, then the same command; Python is the judge.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Execution, executionsOf, FlightProcess, pause } from '../helpers/flight.js';
import { type JudgeServer, startJudge } from './programs.js';
import { eachOf, full, randomFrom, seed, timeout } from './sampling.js';

const POINTS = 400;
const THREADS = 2;
const KILLS = full ? 200 : 30;
const KILLS_A_SWEEP = full ? 8 : 5;
/** The lease of these processes: whoever waited for one would be far beyond what is allowed, even on a slow machine. */
const LEASE = '10m';
const AT_ONCE_MS = 20_000;

let root: string;
let judge: JudgeServer;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'entropic-kills-'));
  judge = startJudge();
});

afterAll(async () => {
  await judge.close();
  await rm(root, { recursive: true, force: true });
});

interface Found {
  kills: number;
  /** Executions beyond one a point. */
  again: number;
  /** Longest time from a process's start to its first execution, in milliseconds. */
  wait: number;
  problems: string[];
}

function site(name: string) {
  const folder = join(root, name);
  const results = join(folder, 'results');
  return { folder, results, db: join(folder, 'runs.sqlite3'), log: join(folder, 'executions.log') };
}

/** One sweep, killed up to `kills` times, then let to its end. */
async function killedSweep(name: string, kills: number, random: () => number, speed: Speed): Promise<Found> {
  const { folder, results, db, log } = site(name);
  await mkdir(folder);
  const place = { resultsDir: results, dbUrl: `sqlite:${db}`, log };
  const options = { threads: THREADS, lease: LEASE, ms: [1, 3] as const };
  const found: Found = { kills: 0, again: 0, wait: 0, problems: [] };
  const ask = async (phase: 'killed' | 'final') => {
    const ns = Array.from({ length: POINTS }, (_, n) => n);
    const { problems } = await judge.ask({ key: folder, phase, results, db, log, ns });
    found.problems.push(...problems.map((problem) => `after ${found.kills} kills: ${problem.slice(0, 300)}`));
  };
  const started: FlightProcess[] = [];
  for (let i = 0; i <= kills; i++) {
    const process = new FlightProcess(place, options);
    started.push(process);
    try {
      if (i === kills) {
        await finish(process, found.problems);
        break;
      }
      const left = POINTS - new Set(executionsOf(log).map(({ n }) => n)).size;
      if (await killSomewhere(process, random, { ...speed, sweepMs: (speed.sweepMs * left) / POINTS })) {
        found.kills++;
        await ask('killed');
      }
    } finally {
      await process.kill();
    }
  }
  await ask('final');
  const executions = executionsOf(log);
  found.again = executions.length - POINTS;
  if (found.again > THREADS * found.kills) {
    found.problems.push(`${executions.length} executions after ${found.kills} kills`);
  }
  found.wait = Math.max(...started.map((process) => firstWait(process, executions)));
  if (found.wait > AT_ONCE_MS) found.problems.push(`the first execution came ${found.wait} ms after the start`);
  if (found.problems.length === 0) await rm(folder, { recursive: true });
  return found;
}

interface Speed {
  startMs: number;
  sweepMs: number;
}

/** @returns whether the kill came before the end */
async function killSomewhere(process: FlightProcess, random: () => number, speed: Speed): Promise<boolean> {
  // One in five while it opens the store: that is when it recovers what the process before it left.
  if (random() < 0.2) await pause(random() * speed.startMs);
  else {
    await process.ready();
    const { tag } = process.tell({ do: 'sweep', count: POINTS });
    await pause(random() * speed.sweepMs);
    if (process.heard.some((line) => line.tag === tag)) return false;
  }
  await process.kill();
  return true;
}

async function finish(process: FlightProcess, problems: string[]): Promise<void> {
  await process.ready();
  const { error, records, inOrder, progress } = await process.tell({ do: 'sweep', count: POINTS }).answer;
  if (error) problems.push(`the last sweep failed: ${JSON.stringify(error)}`);
  else if (!inOrder) problems.push(`${records} records, not in order`);
  else if ((progress?.cached ?? 0) + (progress?.finished ?? 0) !== POINTS) problems.push(JSON.stringify(progress));
  const { code, signal } = await process.close();
  if (code !== 0 || process.errors) problems.push(`it ended with ${signal ?? code}: ${process.errors}`);
}

function firstWait(process: FlightProcess, executions: Execution[]): number {
  const first = executions.find(({ pid }) => pid === process.pid);
  return first ? first.at - process.startedAt : 0;
}

/** How long an untouched command takes here, so that kills fall everywhere in it. */
async function measure(): Promise<Speed> {
  const { folder, results, db, log } = site('untouched');
  await mkdir(folder);
  const process = new FlightProcess(
    { resultsDir: results, dbUrl: `sqlite:${db}`, log },
    { threads: THREADS, ms: [1, 3] },
  );
  try {
    await process.ready();
    const startMs = Date.now() - process.startedAt;
    await process.tell({ do: 'sweep', count: POINTS }).answer;
    return { startMs, sweepMs: Date.now() - process.startedAt - startMs };
  } finally {
    await process.kill();
  }
}

describe(`sweeps of ${POINTS} points on ${THREADS} threads are killed at random moments (sqlite, threads)`, () => {
  it('[D6] [fault: kill] [I1] [I2] [I3] [I4] [I5] [I6] [I7] the same command completes them at once and runs only what was in flight again', {
    timeout,
  }, async () => {
    const speed = await measure();
    const random = randomFrom(seed);
    const all: Found = { kills: 0, again: 0, wait: 0, problems: [] };
    for (let round = 0; all.kills < KILLS; round++) {
      const sweeps = Math.max(1, Math.ceil((KILLS - all.kills) / KILLS_A_SWEEP));
      await eachOf(Array.from({ length: sweeps }), 2, async (_, index) => {
        const kills = 1 + Math.floor(random() * (2 * KILLS_A_SWEEP - 1));
        const found = await killedSweep(`${round}-${index}`, kills, random, speed);
        all.kills += found.kills;
        all.again += found.again;
        all.wait = Math.max(all.wait, found.wait);
        all.problems.push(...found.problems);
      });
    }
    console.log(
      `${all.kills} kills, ${all.again} runs done again, first run after at most ${all.wait} ms (seed ${seed})`,
    );
    expect(all.problems).toEqual([]);
  });
});
