// From `submit` to the value, one task at a time.
import { emit, quantile, runRow } from '../lib/row.mjs';
import { connectWarm, inWindow, noop } from '../lib/tasks.mjs';

await runRow(async ({ small }) => {
  const client = await connectWarm();
  if (!small) await inWindow(client, 5000, 1);
  /** @type {number[]} */
  const times = [];
  for (let i = 0; i < (small ? 300 : 3000); i++) {
    const started = performance.now();
    await client.submit(noop, i).result();
    times.push(performance.now() - started);
  }
  emit('submit and result of one task p50', quantile(times, 0.5) * 1000, 'us');
  emit('submit and result of one task p99', quantile(times, 0.99) * 1000, 'us');
  await client.close();
});
