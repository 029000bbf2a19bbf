// Fault tools of the system: a small file system of its own, strace. CI has both; elsewhere a test says why it cannot be done.
import { execFileSync, spawnSync } from 'node:child_process';

const inCi = !['', '0', 'false'].includes((process.env.CI ?? '').toLowerCase());

/** Mounts an empty file system of its own on a folder. @throws with what `mount` says */
export function mountTmpfs(folder: string, size: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** `-l`: also while something in it is still open, so that no failed test leaves a mount behind. */
export function unmount(folder: string): void {
  execFileSync('umount', ['-l', folder], { stdio: 'ignore' });
}

/** Why a tool does not work here; undefined if it does. In CI it must. */
export function missing(command: string, args: readonly string[]): string | undefined {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (!error && status === 0) return undefined;
  const reason = `${command}: ${error?.message ?? (stderr.trim() || `exit code ${status}`)}`;
  if (inCi) throw new Error(`CI must have this fault tool: ${reason}`);
  console.log(`not done here, ${reason}`);
  return reason;
}
