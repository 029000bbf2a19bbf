// A miss with all its costs around a runner that writes one byte, one after the other: durable, and without fsync.
import { gridOf, openStore } from '../lib/points.mjs';
import { emit, runRow, timed } from '../lib/row.mjs';

await runRow(async ({ small, folder }) => {
  const size = small ? 500 : 10_000;
  for (const durability of /** @type {const} */ (['full', 'process'])) {
    const store = await openStore(folder, durability, { durability });
    const sweep = store.sweep(gridOf(size));
    const ms = await timed(async () => void (await sweep));
    if (sweep.progress().finished !== size) throw new Error(`${sweep.progress().finished} of ${size} points ran`);
    emit(`sweep of misses, serial, durability ${durability}, each`, (ms / size) * 1000, 'us', { n: size });
    await store.close();
  }
});
