// Runs of less than a millisecond, and some that are not. Plain JavaScript, and nothing of ours.
import { appendFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const SPECIAL = {
  wait: () => sleep(1500),
  compute() {
    for (const end = performance.now() + 1500; performance.now() < end; );
  },
  throw() {
    throw new RangeError('it diverged');
  },
  exit() {
    process.exit(3);
  },
  // After its end it has no slot to take along any more; before its end it has.
  async later() {
    setTimeout(() => {
      throw new Error('thrown where nobody catches it');
    }, 5);
    await sleep(1000);
  },
  async patient(run) {
    run.log('patient');
    await sleep(60_000, undefined, { signal: run.signal });
  },
  mark: ({ folder }) => appendFileSync(`${folder}/marks`, '+\n'),
  talk(run, n) {
    run.log(`this is ${n}`);
    console.log(`printed by ${n}`);
  },
};

/** @param {{ n: number; how: string; folder: string; resultFile: string }} params @param {any} run */
export default async function short({ n, how, folder, resultFile }, run) {
  appendFileSync(`${folder}/executions`, `${n}\n`);
  if (how === 'nothing') return undefined;
  if (how === 'talk') SPECIAL.talk(run, n);
  else if (how === 'mark') SPECIAL.mark({ folder });
  else if (how !== '' && how !== 'unsendable') await SPECIAL[how](run);
  writeFileSync(resultFile, `${n}\n`);
  if (how === 'mark') appendFileSync(`${folder}/marks`, '-\n');
  return how === 'unsendable' ? { f: () => 1 } : undefined;
}
