// Real processes, looked at in both ways that there are: by /proc, and by `ps` as on macOS.
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';

type ProcessTree = typeof import('./process-tree.js');

const started: ChildProcess[] = [];
const actual = process.platform;

afterEach(() => {
  Object.defineProperty(process, 'platform', { value: actual });
  for (const { pid } of started.splice(0)) {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // Gone, as it should be.
    }
  }
});

async function load(platform: NodeJS.Platform): Promise<ProcessTree> {
  Object.defineProperty(process, 'platform', { value: platform });
  vi.resetModules();
  return import('./process-tree.js');
}

/** A leader of a group that starts one process in it and one that leaves it, and tells all three pids. */
async function family(): Promise<number[]> {
  const idle = "'setInterval(() => {}, 1000)'";
  const code = `
    const { spawn } = require('node:child_process');
    const start = (detached) => spawn(process.execPath, ['-e', ${idle}], { stdio: 'ignore', detached });
    console.log(JSON.stringify([process.pid, start(false).pid, start(true).pid]));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  started.push(child);
  const told = await new Promise<Buffer>((resolve) => child.stdout?.once('data', resolve));
  return JSON.parse(told.toString()) as number[];
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilGone(pids: readonly number[]): Promise<number[]> {
  for (const end = Date.now() + 10_000; pids.some(lives) && Date.now() < end; await sleep(10));
  return pids.filter(lives);
}

describe.skipIf(actual === 'win32').each(['linux', 'darwin'] as const)(
  '[D5] a process with all that it started, by the means of %s',
  (platform) => {
    // The other one has no /proc.
    const here = platform === 'linux' ? actual === 'linux' : true;

    test.runIf(here)('ends as a whole, also what left its group', async () => {
      const { killTree } = await load(platform);
      const pids = await family();
      expect(pids.filter(lives)).toEqual(pids);
      killTree(pids[0] as number);
      expect(await untilGone(pids)).toEqual([]);
      // Of something that is gone.
      killTree(pids[0] as number);
    });

    test.runIf(here)('has the memory of all', async () => {
      const { memoryOf, killTree } = await load(platform);
      const pids = await family();
      const each = await Promise.all(pids.slice(1).map((pid) => memoryOf(pid)));
      const all = await memoryOf(pids[0] as number);
      for (const bytes of each) expect(bytes).toBeGreaterThan(10e6);
      expect(all).toBeGreaterThan(each.reduce((sum, bytes) => sum + bytes, 10e6));
      killTree(pids[0] as number);
      await untilGone(pids);
      expect(await memoryOf(pids[0] as number)).toBe(0);
    });

    test.runIf(here)('loses what it started, and goes on itself', async () => {
      const { killStrays } = await load(platform);
      const stray = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore', detached: true });
      started.push(stray);
      const end = new Promise((resolve) => stray.once('exit', (_, signal) => resolve(signal)));
      killStrays();
      expect(await end).toBe('SIGKILL');
    });
  },
);
