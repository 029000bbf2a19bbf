// The quickstart as a script that people run with `node`: it prints nothing, and ends by itself when its store is closed.
import { writeFileSync } from 'node:fs';
import { defineResult, float, int, Store } from 'entropic';

const { dbUrl, resultsDir } = JSON.parse(process.argv[2]);
const SimResult = defineResult('results', { n: int(), dt: float() });
const store = await Store.open({
  model: SimResult,
  runner: (params, run) => {
    run.log('a line that nobody asked for');
    run.progress(0.5);
    writeFileSync(params.resultFile, 'x');
    if (params.n === 3) throw new Error('three');
  },
  resultsDir,
  dbUrl,
  fileSuffix: '.npy',
});
try {
  await store.runOrRetrieve({ n: 1, dt: 0.1 });
  await store.runOrRetrieve({ n: 1, dt: 0.1 });
  await store.run({ n: 1, dt: 0.1 });
  await store.sweep({ n: [1, 2, 3], dt: [0.1, 0.2] }).catch(() => {});
  await store.sweep({ n: [3], dt: [0.1] }, { retries: 1 }).catch(() => {});
  // Left to itself: closing cancels it.
  void store.sweep({ n: [4, 5, 6], dt: [0.1] });
  await store.retrieve({ n: 9, dt: 9 });
  await store.delete({ n: 2, dt: 0.1 }, { removeFile: true });
  await store.verify({ readData: true });
} finally {
  await store.close();
}
