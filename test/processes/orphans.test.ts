// No process outlives its owner: what a run starts ends with the run, and what computes ends when its program is killed.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from 'entropic';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connect, expectWhole, type Kind, type Lab, openLab, until } from '../contract/executor/kit.js';

const runners = new URL('./runners.mjs', import.meta.url);
const program = fileURLToPath(new URL('./owner.mjs', import.meta.url));

let client: Client | undefined;
beforeAll(async () => {
  client = await connect(kind, 2);
});
afterAll(() => client?.close());

const kind: Kind = { name: 'processes', slots: 2, client: () => client };

/** Whether it still computes; a zombie does not. */
function lives(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

const pidsOf = (lab: Lab) => lab.lines('pids').map(Number);

describe('[D5] what a run starts (processes)', () => {
  it.each(['spawn', 'detached', 'exec', 'shell'])(
    '[bad-runner: forks] is gone when the run is over, and its process goes on: %s',
    async (how) => {
      const lab = await openLab(kind, 'starts', {}, runners);
      const [outcome] = await lab.sweep([lab.point(1, how)]);
      expect(outcome?.error?.message ?? outcome?.status).toBe('finished');
      expect(pidsOf(lab)).toHaveLength(1);
      expect(pidsOf(lab).filter(lives)).toEqual([]);
      expect(lives((outcome?.record?.customData.value as { pid: number } | undefined)?.pid as number)).toBe(true);
      await expectWhole(kind);
    },
  );

  it.each(['spawn', 'detached'])('is gone when the run is ended by force: %s', async (how) => {
    const lab = await openLab(kind, 'starts', {}, runners);
    const [outcome] = await lab.sweep([lab.point(1, how, { stay: 'computing' })], { timeout: '1s' });
    expect(outcome?.error).toMatchObject({ reason: 'timeout', limit: 1 });
    await until('the end of what it started', () => !pidsOf(lab).some(lives), 2);
    expect(pidsOf(lab)).toHaveLength(1);
    await expectWhole(kind);
  });

  it('is gone when the process of the run crashes', async () => {
    const lab = await openLab(kind, 'starts', {}, runners);
    const [outcome] = await lab.sweep([lab.point(1, 'spawn', { stay: 'crashed' })], { retries: 0 });
    expect(outcome?.error).toMatchObject({ reason: 'signal', signal: 'SIGKILL' });
    await until('the end of what it started', () => !pidsOf(lab).some(lives), 2);
    expect(pidsOf(lab)).toHaveLength(1);
  });
});

interface Owner {
  readonly folder: string;
  readonly pid: number;
  readonly exit: Promise<void>;
  pids(): number[];
}

/** A program with two processes in which runs compute for ever, one of which has started another. */
async function startOwner(end: string): Promise<Owner> {
  const folder = mkdtempSync(join(tmpdir(), 'entropic-orphans-'));
  const child = spawn(process.execPath, [program, folder, end], { stdio: 'ignore' });
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const file = join(folder, 'pids');
  const pids = () => (existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').map(Number) : []);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    for (const pid of pids().filter(lives)) process.kill(pid, 'SIGKILL');
    await exit;
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, pid: child.pid as number, exit, pids };
}

describe('[D5] [D6] a program with runs that compute for ever (processes)', () => {
  it('[fault: orphan-process] killed by SIGKILL leaves none of them after 5 s, nor what they started', async () => {
    const owner = await startOwner('never');
    await until('the runs', () => owner.pids().length === 3);
    const pids = owner.pids();
    expect(pids.filter(lives)).toEqual(pids);
    process.kill(owner.pid, 'SIGKILL');
    await owner.exit;
    const killed = performance.now();
    await until('their end', () => !pids.some(lives), 10);
    expect(performance.now() - killed).toBeLessThan(5000);
    // Nobody was called in the meantime: the same pids, and no more of them.
    expect(owner.pids()).toEqual(pids);
  });

  it.each(['exit', 'throw'])('[fault: orphan-process] that ends in the middle leaves none of them: %s', async (end) => {
    const owner = await startOwner(end);
    await owner.exit;
    const pids = owner.pids();
    expect(pids).toHaveLength(3);
    const ended = performance.now();
    await until('their end', () => !pids.some(lives), 10);
    expect(performance.now() - ended).toBeLessThan(5000);
  });
});
