// Modules that fail as their point says, and write down each execution. Plain JavaScript, and nothing of ours.
import { appendFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const WAYS = {
  exception() {
    throw new RangeError('it diverged');
  },
  exit() {
    process.exit(3);
  },
  'no-output'() {},
  async timeout() {
    await sleep(60_000);
  },
  signal() {
    process.kill(process.pid, 'SIGKILL');
  },
};

/** Fails `times` times in the way of `how`, then is fine. `how: 'a,b'` fails in the way a first, and b after that. */
export default async function failing({ n, how, times, folder, resultFile }, run) {
  appendFileSync(`${folder}/executions`, `${n}\n`);
  const ways = how === '' ? [] : how.split(',');
  const way = ways[Math.min(run.attempt, ways.length) - 1];
  if (run.attempt <= times && way !== undefined) {
    await WAYS[way]();
    if (way !== 'exception') return;
  }
  writeFileSync(resultFile, `${n}\n`);
}

/** Needs 250 MB. */
export async function hungry({ n, folder, resultFile }) {
  appendFileSync(`${folder}/executions`, `${n}\n`);
  const kept = Buffer.alloc(250_000_000, 1);
  await sleep(1000);
  writeFileSync(resultFile, `${kept.length}\n`);
}

/** Tells everything that a run can tell, and fails the first time. */
export async function telling({ n, folder, resultFile }, run) {
  appendFileSync(`${folder}/executions`, `${n}\n`);
  run.progress(0.5, 'half');
  run.log('a line');
  // What a thread tells comes by another way than its result.
  await sleep(200);
  if (run.attempt === 1) throw new Error('the first time');
  writeFileSync(resultFile, `${n}\n`);
}

/** Runs until it is told to stop. */
export async function patient({ n, folder, resultFile }, run) {
  appendFileSync(`${folder}/executions`, `${n}\n`);
  await sleep(60_000, undefined, { signal: run.signal });
  writeFileSync(resultFile, `${n}\n`);
}

/** 20 ms each, so that there is something that waits. */
export async function slow({ n, folder, resultFile }) {
  await sleep(20);
  appendFileSync(`${folder}/executions`, `${n}\n`);
  writeFileSync(resultFile, `${n}\n`);
}

/** Says 60 lines, and then fails `times` times in the way of `how`; always, if `times` is 0. */
export async function talking({ n, how, times, folder, resultFile }, run) {
  appendFileSync(`${folder}/executions`, `${n}\n`);
  for (let i = 0; i < 60; i++) console.log('line', i);
  if (how === 'bytes') {
    process.stdout.write('✓'.repeat(10_000));
    process.stdout.write("\n'; DROP TABLE tried; --\0 and ");
    process.stdout.write(Buffer.from([0xff, 10]));
    return;
  }
  if (times === 0 || run.attempt <= times) {
    if (how === 'timeout') await sleep(60_000, undefined, { signal: run.signal });
    if (how !== 'memory') await WAYS[how]();
    for (const kept = []; ; await sleep(1)) kept.push(Buffer.alloc(10_000_000, 1));
  }
  writeFileSync(resultFile, `${n}\n`);
}
