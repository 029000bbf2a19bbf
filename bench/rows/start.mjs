// A fresh process until the value of its first task: seen from outside, and from its `Client.connect` on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { emit, runRow } from '../lib/row.mjs';

const program = fileURLToPath(new URL('../lib/first-task.mjs', import.meta.url));

await runRow(async ({ small }) => {
  for (let rep = 0; rep < (small ? 1 : 5); rep++) {
    const started = performance.now();
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(child.stdout, 'data');
    const sinceStart = performance.now() - started;
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`${program} ended with exit code ${code}`);
    emit('start of the process to its first task’s value', sinceStart, 'ms', { rep });
    emit('Client.connect to its first task’s value', Number(String(line)), 'ms', { rep });
  }
});
