// Runners that only a process survives, or that look at where they are. Plain JavaScript, and nothing of ours.
import { exec, execFileSync, execSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { crash } from './native-crash.mjs';

const leaks = [];

const CRASHES = {
  fine: () => sleep(20),
  // A fault of native code.
  segfault: (folder) => crash(join(folder, 'crash.node')),
  abort: () => process.abort(),
  killed: () => process.kill(process.pid, 'SIGKILL'),
  terminated: async () => {
    process.kill(process.pid, 'SIGTERM');
    await sleep(20_000);
  },
  heap: () => {
    for (;;) leaks.push(Array.from({ length: 10_000 }, (_, i) => ({ i })));
  },
  unsettled: () => new Promise(() => {}),
  disconnect: async () => {
    process.disconnect();
    await sleep(20_000);
  },
};

export async function crashes({ folder, how, n, resultFile }) {
  appendFileSync(join(folder, 'executions'), `${n}\n`);
  await CRASHES[how](folder);
  writeFileSync(resultFile, 'survived');
}

/** Takes `n` megabytes outside the JavaScript heap, some at a time, and keeps them for a while. */
export async function holds({ n, how, folder, more, resultFile }) {
  appendFileSync(join(folder, 'executions'), `${n}\n`);
  if (how === 'child') {
    const code = `const kept=[];for(let i=0;i<${n};i+=10){kept.push(Buffer.alloc(1e7,1))}setTimeout(()=>{},20000)`;
    const child = spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
    await new Promise((resolve) => child.once('exit', resolve));
  } else {
    const kept = [];
    for (let megabytes = 0; megabytes < n; megabytes += 10) {
      kept.push(Buffer.alloc(1e7, 1));
      if (how === 'slow') await sleep(1);
    }
    if (how === 'keep') leaks.push(kept);
    await sleep(more.ms ?? 0);
  }
  writeFileSync(resultFile, 'held');
  return { pid: process.pid };
}

/** Starts something, tells its pid, and returns or stays. */
export async function starts({ how, folder, more, resultFile }) {
  const pids = join(folder, 'pids');
  const code = `require('fs').appendFileSync(${JSON.stringify(pids)}, process.pid + '\\n');for(;;);`;
  const args = ['-e', code];
  if (more.tell) appendFileSync(pids, `${process.pid}\n`);
  if (how === 'spawn') spawn(process.execPath, args, { stdio: 'ignore' }).unref();
  // Inherits the output of the process, and leaves its group.
  if (how === 'detached') spawn(process.execPath, args, { stdio: 'inherit', detached: true }).unref();
  if (how === 'exec') exec(`'${process.execPath}' -e '${code.replaceAll("'", "'\\''")}'`);
  if (how === 'shell') execSync(`'${process.execPath}' -e '${code.replaceAll("'", "'\\''")}' > /dev/null 2>&1 &`);
  const told = more.tell ? 2 : 1;
  while (!existsSync(pids) || readFileSync(pids, 'utf8').split('\n').length <= told) await sleep(5);
  if (more.stay === 'computing') for (;;);
  if (more.stay === 'crashed') process.kill(process.pid, 'SIGKILL');
  writeFileSync(resultFile, 'started');
  return { pid: process.pid };
}

/** Computes and never ends; tells its own pid. */
export function endless({ folder }) {
  appendFileSync(join(folder, 'pids'), `${process.pid}\n`);
  for (;;);
}

/** Where it runs, while others run beside it. */
export async function where({ folder, n, resultFile }) {
  const here = join(folder, 'here');
  mkdirSync(here, { recursive: true });
  const mine = join(here, `${n}-${process.pid}`);
  writeFileSync(mine, '');
  appendFileSync(join(folder, 'most'), `${readdirSync(here).length}\n`);
  await sleep(40);
  unlinkSync(mine);
  if (resultFile !== undefined) writeFileSync(resultFile, 'here');
  return { pid: process.pid, parent: process.ppid, folder: process.cwd() };
}

/** Changes what belongs to its process. */
export function moves({ folder, resultFile }) {
  const before = process.cwd();
  const scratch = join(folder, 'scratch');
  mkdirSync(scratch);
  process.chdir(scratch);
  rmdirSync(scratch);
  writeFileSync(resultFile, 'moved');
  return { before };
}

/** Writes past its log, as native code would. */
export function writes({ resultFile }) {
  console.log('by console');
  execFileSync('sh', ['-c', 'echo by a child'], { stdio: ['ignore', 'inherit', 'inherit'] });
  writeFileSync(resultFile, 'written');
}

export const parent = () => typeof process.send;

/** Counts its execution beside the results folder, computes for a while, and writes. */
export function counts({ n, resultFile }) {
  appendFileSync(join(resultFile, '../../../../executions'), `${n}\n`);
  for (const end = performance.now() + 15; performance.now() < end; );
  writeFileSync(resultFile, `the result of n = ${n}\n`);
}
