// A run of a few milliseconds that uses what a run may: its work folder, its log. Below zero it fails.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export default async function run({ n, resultFile }, { workDir, signal }) {
  console.log(`n = ${n}`);
  writeFileSync(join(workDir, 'scratch'), 'half of it');
  await sleep(3, undefined, { signal });
  if (n < 0) throw new Error('below zero');
  writeFileSync(resultFile, `the result of n = ${n}\n`);
}
