// Processes as the system shows them, on Linux under /proc, and signals to them. Used by what counts their memory (process-tree.ts,
// memory-watch.ts) and by what finds and ends them (marked-processes.ts, command-process.ts, command-host.ts).
import { readdirSync, readFileSync } from 'node:fs';

/** All there are now; none where there is no /proc. */
export function systemPids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** Text of a file of /proc; undefined if its process is gone. */
export function readProc(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return undefined;
  }
}

/** Undefined if it is gone. */
export function statOf(pid: number): { state: string; parent: number; group: number } | undefined {
  const stat = readProc(pid, 'stat');
  if (stat === undefined) return undefined;
  // The name in brackets may hold spaces and brackets: fields are counted from the last one.
  const [state = '', parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ', 3);
  return { state, parent: Number(parent), group: Number(group) };
}

/** Its resident memory; 0 if it is gone. */
export function residentBytes(pid: number): number {
  return kilobytesIn(readProc(pid, 'status'), /^VmRSS:\s+(\d+) kB/m);
}

/** The number of a line of /proc that counts in kilobytes, in bytes; 0 without it. */
export function kilobytesIn(text: string | undefined, line: RegExp): number {
  return Number(line.exec(text ?? '')?.[1] ?? 0) * 1024;
}

/** @param target a pid, or the negative of a group's id; @returns whether there was anybody */
export function signalTo(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(target, signal);
  } catch {
    // It is gone, which is what was wanted, or not ours.
    return false;
  }
}
