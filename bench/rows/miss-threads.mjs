// A durable miss when a client runs the points in two threads. Before the clock starts the client has swept a hundred other points, and
// swept them again, as the peer's script has.
import { Client } from 'entropic';
import { gridOf, openStore } from '../lib/points.mjs';
import { emit, runRow, timed } from '../lib/row.mjs';
import { oneByteModule } from '../lib/tasks.mjs';

await runRow(async ({ small, folder }) => {
  const client = await Client.connect({ threads: 2 });
  const store = await openStore(folder, 'threads', { runner: oneByteModule });
  const first = gridOf(small ? 10 : 100, -1000);
  await store.sweep(first, { client });
  await store.sweep(first, { client });
  for (const [name, size] of /** @type {const} */ ([
    ['1,000', small ? 100 : 1000],
    ['10,000', small ? 300 : 10_000],
  ])) {
    // Points that are not in the store yet.
    const sweep = store.sweep(gridOf(size, size * 1000), { client });
    const ms = await timed(async () => void (await sweep));
    if (sweep.progress().finished !== size) throw new Error(`${sweep.progress().finished} of ${size} points ran`);
    emit(`sweep of ${name} misses, 2 threads, durable, each`, (ms / size) * 1000, 'us', { n: size });
  }
  await store.close();
  await client.close();
});
