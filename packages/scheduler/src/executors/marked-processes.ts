// Processes that carry the mark of a command host in their environment: what a group does not tell of, because a command left it, or
// because its host was killed in the moment of the start. Linux only. Called where one of two processes has lost the other.
import { readdirSync, readFileSync } from 'node:fs';
import { MARK_VARIABLE } from './command-messages.js';

export function markedProcesses(mark: string): number[] {
  const found: number[] = [];
  try {
    for (const name of readdirSync('/proc')) {
      const pid = Number(name);
      if (Number.isInteger(pid) && pid !== process.pid && isMarked(pid, mark)) found.push(pid);
    }
  } catch {
    // No /proc here.
  }
  return found;
}

/** @param target a pid, or the negative of a group's id; @returns whether there was anybody */
export function signalTo(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(target, signal);
  } catch {
    return false;
  }
}

function isMarked(pid: number, mark: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`.includes(`\0${MARK_VARIABLE}=${mark}\0`);
  } catch {
    return false;
  }
}
