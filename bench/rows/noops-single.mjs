// Tasks that do nothing, one `submit` each, on two threads: a window of 256, and all at once.
import { emit, runRow, timed } from '../lib/row.mjs';
import { connectWarm, inWindow, noop } from '../lib/tasks.mjs';

await runRow(async ({ small }) => {
  const count = small ? 2000 : 50_000;
  const client = await connectWarm();
  if (!small) await inWindow(client, 5000, 64);
  const windowed = await timed(() => inWindow(client, count, 256));
  emit('no-ops by submit, window 256', (count / windowed) * 1000, 'tasks/s', { n: count });
  const atOnce = await timed(() =>
    Promise.all(Array.from({ length: count }, (_, i) => client.submit(noop, i).result())),
  );
  emit('no-ops by submit, all at once', (count / atOnce) * 1000, 'tasks/s', { n: count });
  await client.close();
});
