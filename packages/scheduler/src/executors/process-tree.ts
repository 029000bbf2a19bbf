// Which processes belong to a slot, what memory they have, and their end, as the system tells it. Used by slot-process.ts and
// processes.ts in the pool's process, by process-entry.ts and process-watch.ts in the slot's.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { residentBytes, signalTo, statOf, systemPids } from './system-processes.js';

interface Entry {
  pid: number;
  parent: number;
  /** The process group: of a slot and of all that it starts it is the slot's pid. */
  group: number;
  /** Bytes. */
  memory: number;
}

const linux = process.platform === 'linux';
const PS = ['-A', '-o', 'pid=,ppid=,pgid=,rss=,stat='];

/** Ends a slot with all that it started. */
export function killTree(pid: number): void {
  if (process.platform === 'win32') {
    quietly(() => execFileSync('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore' }));
    return;
  }
  // Those that left the group first: they are only found while the process that started them lives.
  for (const stray of straysOf(pid)) if (stray.group !== pid) signalTo(stray.pid, 'SIGKILL');
  killGroup(pid);
}

/** What is left of the group of a slot that is gone. */
export function killGroup(pid: number): void {
  if (process.platform !== 'win32') signalTo(-pid, 'SIGKILL');
}

/** Ends what a slot started, and not the slot itself. Called in the slot. */
export function killStrays(): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 0; tries < 100; tries++) {
    const strays = straysOf(process.pid);
    if (strays.length === 0) return;
    for (const { pid } of strays) signalTo(pid, 'SIGKILL');
    Atomics.wait(pause, 0, 0, 2);
  }
}

/** The memory of a process and of all that it started, in bytes; 0 if it is gone. */
export async function memoryOf(pid: number): Promise<number> {
  if (linux) return linuxMemoryOf(pid);
  if (process.platform === 'win32') return 0;
  const table = await new Promise<Entry[]>((resolve) => {
    const ps = execFile('ps', PS, (_, stdout) => resolve(parsePs(stdout, ps.pid)));
  });
  const own = table.find((entry) => entry.pid === pid)?.memory ?? 0;
  return membersOf(pid, table).reduce((sum, { memory }) => sum + memory, own);
}

/** Cheaper than a walk over all processes: it is asked for many times a second. */
function linuxMemoryOf(pid: number): number {
  let bytes = residentBytes(pid);
  quietly(() => {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      quietly(() => {
        for (const child of readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' '))
          if (child !== '') bytes += linuxMemoryOf(Number(child));
      });
    }
  });
  return bytes;
}

function straysOf(pid: number): Entry[] {
  if (process.platform === 'win32') return [];
  if (linux) return membersOf(pid, linuxTable());
  const ps = spawnSync('ps', PS, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return membersOf(pid, parsePs(ps.stdout ?? '', ps.pid));
}

/** All of its group, and all that descend from it, without itself and without the dead. */
function membersOf(root: number, table: readonly Entry[]): Entry[] {
  const family = new Set([root]);
  const members = new Set<Entry>();
  for (let before = -1; before < members.size; ) {
    before = members.size;
    for (const entry of table) {
      if (entry.pid === root || !(entry.group === root || family.has(entry.parent))) continue;
      family.add(entry.pid);
      members.add(entry);
    }
  }
  return [...members];
}

function linuxTable(): Entry[] {
  return systemPids().flatMap((pid) => {
    const stat = statOf(pid);
    if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return [];
    return [{ pid, parent: stat.parent, group: stat.group, memory: 0 }];
  });
}

/** @param self `ps` lists itself */
function parsePs(text: string, self: number | undefined): Entry[] {
  const table: Entry[] = [];
  for (const line of text.split('\n')) {
    const [pid, parent, group, kilobytes, state] = line.trim().split(/\s+/);
    if (state === undefined || state.startsWith('Z') || Number(pid) === self) continue;
    table.push({ pid: Number(pid), parent: Number(parent), group: Number(group), memory: Number(kilobytes) * 1024 });
  }
  return table;
}

/** Processes come and go while one looks at them. */
function quietly(body: () => void): void {
  try {
    body();
  } catch {
    // It is gone, which is what was wanted, or not ours.
  }
}
