// The README's own form, in TypeScript: the store is closed at the end of its block, whether that returns or throws.
// Arguments: resultsDir dbUrl. Prints what happened.
import { writeFileSync } from 'node:fs';
import { defineResult, int, Store } from 'entropic';

const [resultsDir, dbUrl] = process.argv.slice(2) as [string, string];
const model = defineResult('toy', { n: int() });
const runner = ({ n, resultFile }: { n: number; resultFile: string }) => writeFileSync(resultFile, `${n}`);

async function work(fail: boolean) {
  await using store = await Store.open({ model, runner, resultsDir, dbUrl });
  // Not awaited: closing waits for what runs.
  store.sweep({ n: [4, 5] });
  const records = await store.sweep({ n: [1, 2, 3] });
  if (fail) throw new Error('in the block');
  return { store, ns: records.map(({ n }) => n) };
}

const { store, ns } = await work(false);
const closed = await store.retrieve({ n: 1 }).catch((error: { code: string }) => error.code);
const thrown = await work(true).catch((error: Error) => error.message);
process.stdout.write(`${JSON.stringify({ ns, closed, thrown })}\n`);
