// Takes the place of ising.ts in a copy of the example: notes every execution in a log of its own, and, when told to, ends the
// whole process by SIGKILL at the beginning of the Nth, while the other threads are in the middle of theirs.
import { appendFileSync, readFileSync } from 'node:fs';
// @ts-expect-error the example's own ising.ts, which has this name in the copy
import simulate from './simulation.js';

const log = process.env.EXECUTIONS_LOG as string;

export default async function ising(params: unknown, run: { id: string }): Promise<unknown> {
  appendFileSync(log, `${run.id}\n`);
  if (readFileSync(log, 'utf8').split('\n').length > Number(process.env.KILL_AT)) {
    process.kill(process.pid, 'SIGKILL');
  }
  return simulate(params, run);
}
