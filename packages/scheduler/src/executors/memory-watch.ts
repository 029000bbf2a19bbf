// How much memory a process group uses, and a call when it is too much. On Linux from /proc, elsewhere from ps. While nothing has a
// limit it costs nothing. Called by the executors whose runs have processes of their own.
import { execFile } from 'node:child_process';
import { kilobytesIn, readProc, residentBytes, statOf, systemPids } from './system-processes.js';

/** How often known members are looked at, in milliseconds: what a run can take beyond its limit is what it takes in that time. */
const TICK_MS = process.platform === 'linux' ? 100 : 500;
/** Each so many ticks all processes are looked at for new members: that costs some 2 ms for a hundred. */
const FULL_TICKS = 3;

export interface MemoryWatch {
  /** Highest seen, in bytes. */
  readonly peakBytes: number;
  /** Idempotent. */
  stop(): void;
}

interface Watched {
  limit: number;
  onExceeded(peakBytes: number): void;
  peakBytes: number;
  members: readonly number[];
}

const groups = new Map<number, Watched>();
let timer: NodeJS.Timeout | undefined;
let ticks = 0;
let asking = false;

/**
 * @param group the id of the process group, which is the pid of its leader
 * @param onExceeded called once, when the group uses more than `limit` bytes
 */
export function watchMemory(group: number, limit: number, onExceeded: (peakBytes: number) => void): MemoryWatch {
  const watched: Watched = { limit, onExceeded, peakBytes: 0, members: [group] };
  groups.set(group, watched);
  timer ??= setInterval(tick, TICK_MS).unref();
  return {
    get peakBytes() {
      return watched.peakBytes;
    },
    stop() {
      if (groups.get(group) === watched) groups.delete(group);
      if (groups.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    },
  };
}

function tick(): void {
  if (process.platform !== 'linux') {
    askPs();
    return;
  }
  if (ticks++ % FULL_TICKS === 0) findMembers();
  for (const [group, watched] of groups) {
    let bytes = sum(watched.members, residentBytes);
    // Pages that a parent and its forked children share count once, which takes the kernel longer to tell.
    if (bytes > watched.limit && watched.members.length > 1)
      bytes = Math.min(bytes, sum(watched.members, sharedBytes) || bytes);
    note(group, watched, bytes);
  }
}

function note(group: number, watched: Watched, bytes: number): void {
  watched.peakBytes = Math.max(watched.peakBytes, bytes);
  if (bytes <= watched.limit || groups.get(group) !== watched) return;
  groups.delete(group);
  watched.onExceeded(watched.peakBytes);
}

function findMembers(): void {
  const members = new Map<number, number[]>();
  for (const pid of systemPids()) {
    const group = statOf(pid)?.group;
    if (group === undefined || !groups.has(group)) continue;
    members.set(group, [...(members.get(group) ?? []), pid]);
  }
  for (const [group, watched] of groups) watched.members = members.get(group) ?? [group];
}

function sharedBytes(pid: number): number {
  return kilobytesIn(readProc(pid, 'smaps_rollup'), /^Pss:\s+(\d+) kB/m) || residentBytes(pid);
}

function sum(pids: readonly number[], bytesOf: (pid: number) => number): number {
  return pids.reduce((bytes, pid) => bytes + bytesOf(pid), 0);
}

/** Group and kilobytes of every process, without blocking. */
function askPs(): void {
  if (asking) return;
  asking = true;
  execFile('ps', ['-A', '-o', 'pgid=,rss='], (error, stdout) => {
    asking = false;
    if (error) return;
    const bytes = new Map<number, number>();
    for (const line of stdout.split('\n')) {
      const [group, kilobytes] = line.trim().split(/\s+/).map(Number);
      if (group !== undefined && kilobytes !== undefined && groups.has(group))
        bytes.set(group, (bytes.get(group) ?? 0) + kilobytes * 1024);
    }
    for (const [group, watched] of groups) note(group, watched, bytes.get(group) ?? 0);
  });
}
