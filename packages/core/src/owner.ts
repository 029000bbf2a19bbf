// Who holds a lease, and whether that process still lives. An owner is a process at one time, and one open store in it:
// `<host>-<pid>-<start time>-<nonce>`. Read by leases.ts (take-over at once when the owner is dead) and recover.ts.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';

export type OwnerState = 'alive' | 'dead' | 'unknown';

/** One process table: the running kernel and, on Linux, the namespace of process ids. Pids mean nothing outside it. */
let hostKey: string | undefined;

export function thisHost(): string {
  hostKey ??= createHash('sha256').update(bootIdentity()).digest('hex').slice(0, 12);
  return hostKey;
}

/** @returns the name of this process and this open store, safe as a file name */
export function makeOwner(nonce: string): string {
  return `${thisHost()}-${process.pid}-${startTime(process.pid) ?? 0}-${nonce}`;
}

/** Whether the process behind an owner's name still runs. `unknown`: another host, or a name that is not ours. */
export function ownerState(owner: string): OwnerState {
  const match = /^([0-9a-f]{12})-(\d+)-(\d+)-[0-9a-z]+$/.exec(owner);
  if (!match || match[1] !== thisHost()) return 'unknown';
  const start = startTime(Number(match[2]));
  // A recycled pid has another start time.
  return start !== undefined && start === Number(match[3]) ? 'alive' : 'dead';
}

function bootIdentity(): string {
  if (process.platform === 'linux') {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    // Two containers share the boot id but not the pids: without this a live owner next door would look dead.
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  }
  if (process.platform === 'darwin') return run('sysctl', ['-n', 'kern.boottime']);
  return run('wmic', ['os', 'get', 'lastbootuptime', '/value']);
}

/** Start of a process on the kernel's clock, in the kernel's unit; undefined if it is gone (a zombie is gone). */
function startTime(pid: number): number | undefined {
  if (process.platform === 'linux') {
    if (!existsSync(`/proc/${pid}/stat`)) return undefined;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      // The name in brackets may hold spaces and brackets: fields are counted from the last one.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19]);
    } catch {
      return undefined;
    }
  }
  const started = run('ps', ['-o', 'lstart=', '-p', String(pid)]);
  return started === '' ? undefined : Math.floor(Date.parse(started) / 1000);
}

function run(file: string, args: string[]): string {
  try {
    return execFileSync(file, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, LC_ALL: 'C' },
    }).trim();
  } catch {
    return '';
  }
}
