// What a fault trial is: a command (a scenario) on a store of its own, a plan of what goes wrong, and what must hold afterwards.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type What = 'kill-before' | 'kill-half' | 'kill-after' | 'EIO' | 'ENOSPC' | 'EDQUOT' | 'lost-after' | 'none';

/** Read by test/helpers/fault-plan.mjs. */
export interface Plan {
  what: What;
  at: number;
  call?: string;
  lasting?: boolean;
}

/** Read by test/helpers/fault-child.mjs. */
export interface Trial {
  action: 'sweep' | 'sweepForced' | 'runOrRetrieve' | 'run' | 'register' | 'delete';
  ns: number[];
  resultsDir: string;
  dbUrl: string;
  /** The runner's own log: a line an execution. */
  log: string;
  table?: string;
  /** For `register`. */
  file?: string;
  durability?: 'full' | 'process';
  lease?: string;
  bytes?: number;
  spinMs?: number;
  plan?: Plan;
  /** False: the process ends with its first failures instead of trying once more. */
  retry?: boolean;
}

export interface TrialError {
  phase: string;
  name: string;
  code?: string;
  reason?: string;
  message: string;
  causes: string[];
}

export interface Answer {
  outcomes: { id: string; status: string }[];
  errors: TrialError[];
  seconds: number;
  struck?: string;
  /** Places in the trace. */
  strikes: number[];
  trace: string[];
  unhandled: string[];
}

export interface Verdict {
  problems: string[];
  executions: Record<string, number>;
  rows: number;
  sealed: Record<string, number>;
}

export interface Scenario {
  name: string;
  action: Trial['action'];
  ns: number[];
  /** Commands that make the store as it is before: the last may be killed by its plan. */
  before?: Pick<Trial, 'action' | 'ns' | 'plan'>[];
  /** A file that belongs to nobody stands under the point's final name. */
  foreignFile?: boolean;
  /** For the judge. */
  judge?: { forced?: number[]; registered?: true; deleted?: true };
}

const six = [1, 2, 3, 4, 5, 6];

export const scenarios: Scenario[] = [
  { name: 'a sweep', action: 'sweep', ns: six },
  { name: 'runOrRetrieve', action: 'runOrRetrieve', ns: [1] },
  {
    name: 'a forced re-run',
    action: 'run',
    ns: [1],
    before: [{ action: 'runOrRetrieve', ns: [1] }],
    judge: { forced: [1] },
  },
  {
    name: 'a forced sweep',
    action: 'sweepForced',
    ns: [1, 2, 3],
    before: [{ action: 'sweep', ns: [1, 2, 3] }],
    judge: { forced: [1, 2, 3] },
  },
  { name: 'register', action: 'register', ns: [1], judge: { registered: true } },
  {
    name: 'delete with removeFile',
    action: 'delete',
    ns: [1],
    before: [{ action: 'runOrRetrieve', ns: [1] }],
    judge: { deleted: true },
  },
  {
    name: 'a sweep after a kill',
    action: 'sweep',
    ns: six,
    before: [{ action: 'sweep', ns: six, plan: { what: 'kill-after', call: 'fs.link', at: 4 } }],
  },
  { name: 'a run in the way of a foreign file', action: 'runOrRetrieve', ns: [1], foreignFile: true },
];

export function idOf(n: number): string {
  return createHash('sha256').update(`{"n":${n}}`).digest('hex').slice(0, 16);
}

/** Where a trial's store lies; made new for each trial. */
export interface Site {
  folder: string;
  resultsDir: string;
  dbUrl: string;
  table: string;
  log: string;
}

export function sqliteSite(folder: string): Site {
  return {
    folder,
    resultsDir: join(folder, 'results'),
    dbUrl: `sqlite:${join(folder, 'runs.sqlite3')}`,
    table: 'results',
    log: join(folder, 'executions.log'),
  };
}

/** The files that a scenario needs before its first command. */
export function layOut(scenario: Scenario, site: Site): void {
  mkdirSync(site.folder, { recursive: true });
  if (scenario.action === 'register') writeFileSync(join(site.folder, 'made-elsewhere.dat'), wholeText(1));
  if (!scenario.foreignFile) return;
  mkdirSync(site.resultsDir, { recursive: true });
  writeFileSync(join(site.resultsDir, `${idOf(1)}.dat`), 'a file of somebody else');
}

/** As fault-child.mjs writes results. */
export function wholeText(n: number): string {
  const body = `n=${n} execution=elsewhere\n${'x'.repeat(50)}\n`;
  return `${body}${createHash('sha256').update(body).digest('hex')}`;
}

/** A store with all its times of change, as `cp` keeps them to the nanosecond. */
export function copyStore(from: string, to: string): void {
  execFileSync('cp', ['-a', from, to]);
}

export function trialOf(scenario: Pick<Scenario, 'action' | 'ns'>, site: Site, more: Partial<Trial> = {}): Trial {
  const { resultsDir, dbUrl, table, log, folder } = site;
  const file = scenario.action === 'register' ? { file: join(folder, 'made-elsewhere.dat') } : {};
  return { action: scenario.action, ns: scenario.ns, resultsDir, dbUrl, table, log, ...file, ...more };
}

/** What the judge is asked after a fault (`killed`) and after the same command has run again (`final`). */
export function judgeRequest(
  scenario: Scenario,
  site: Site,
  phase: 'killed' | 'final',
  more: { told?: string[]; mayRunAgain?: string[]; doubtful?: number; rows?: object } = {},
): object {
  const { judge = {}, foreignFile } = scenario;
  const killed = phase === 'killed';
  return {
    key: site.folder,
    phase,
    results: site.resultsDir,
    db: site.dbUrl.startsWith('sqlite:') ? site.dbUrl.slice('sqlite:'.length) : undefined,
    table: site.table,
    log: site.log,
    ns: judge.deleted ? [] : scenario.ns,
    ...judge,
    ...(killed && judge.deleted ? { mayMissFile: true } : {}),
    ...(killed && foreignFile ? { foreign: [idOf(1)] } : {}),
    ...(foreignFile ? { quarantined: 1 } : {}),
    ...more,
  };
}
