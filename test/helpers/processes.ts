// Which processes there are, read from /proc. A zombie, which only waits for somebody to ask for its end, is gone.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export function isAlive(pid: number): boolean {
  if (process.platform !== 'linux') return isThere(pid);
  const stat = read(`/proc/${pid}/stat`);
  return stat !== undefined && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

/** Linux only. */
export function parentOf(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** Those with this text in their environment or their command line; Linux only. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && isAlive(pid))
    .filter((pid) => read(`/proc/${pid}/environ`)?.includes(text) || read(`/proc/${pid}/cmdline`)?.includes(text));
}

/** The seconds until none is alive any more; throws when it takes longer than `most`. */
export async function secondsUntilGone(pids: () => readonly number[], most: number): Promise<number> {
  const started = performance.now();
  for (;;) {
    const alive = pids().filter(isAlive);
    const seconds = (performance.now() - started) / 1000;
    if (alive.length === 0) return seconds;
    if (seconds > most) throw new Error(`after ${most} s there are still ${alive.join(', ')}`);
    await sleep(20);
  }
}

function read(path: string): string | undefined {
  try {
    return existsSync(path) ? readFileSync(path, 'latin1') : undefined;
  } catch {
    return undefined;
  }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
