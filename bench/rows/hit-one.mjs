// One hit: `runOrRetrieve` of points that are there, in a store of 10,000.
import { openFilledStore, pointsOf } from '../lib/points.mjs';
import { emit, quantile, runRow } from '../lib/row.mjs';

await runRow(async ({ small, folder }) => {
  const size = small ? 500 : 10_000;
  const store = await openFilledStore(folder, size);
  const points = pointsOf(size);
  await store.sweep(points);
  /** @type {number[]} */
  const times = [];
  for (const point of points.slice(0, small ? 200 : 1000)) {
    const started = performance.now();
    await store.runOrRetrieve(point);
    times.push(performance.now() - started);
  }
  emit('runOrRetrieve hit p50', quantile(times, 0.5) * 1000, 'us', { n: size });
  emit('runOrRetrieve hit p99', quantile(times, 0.99) * 1000, 'us', { n: size });
  await store.close();
});
