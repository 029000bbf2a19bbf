// The same sweep again: every point is a hit, and every file is looked at. Three times in a process, as the peer's script does it.
import { gridOf, openFilledStore } from '../lib/points.mjs';
import { emit, runRow, timed } from '../lib/row.mjs';

await runRow(async ({ small, folder }) => {
  const size = small ? 500 : 10_000;
  const store = await openFilledStore(folder, size);
  for (let rep = 0; rep < 3; rep++) {
    const sweep = store.sweep(gridOf(size));
    const ms = await timed(async () => void (await sweep));
    if (sweep.progress().cached !== size) throw new Error(`${sweep.progress().cached} of ${size} points were hits`);
    emit('re-sweep of hits', ms, 'ms', { n: size, rep });
  }
  await store.close();
});
