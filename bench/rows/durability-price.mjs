// What durability costs a run that is alone, where nothing can be shared with neighbours.
import { openStore } from '../lib/points.mjs';
import { emit, quantile, runRow, timed } from '../lib/row.mjs';

await runRow(async ({ small, folder }) => {
  const stores = {
    full: await openStore(folder, 'full', { durability: 'full' }),
    process: await openStore(folder, 'process', { durability: 'process' }),
  };
  /** @type {{ full: number[], process: number[] }} */
  const times = { full: [], process: [] };
  const runs = small ? 20 : 300;
  for (let n = -10; n < runs; n++) {
    // In turn, so that both have the same neighbours on the machine.
    for (const kind of /** @type {const} */ (['full', 'process'])) {
      const ms = await timed(() => stores[kind].run({ n, dt: 0.5 }));
      if (n >= 0) times[kind].push(ms);
    }
  }
  const [full, process] = [quantile(times.full, 0.5), quantile(times.process, 0.5)];
  emit('run alone, durability full, p50', full, 'ms', { n: runs });
  emit('run alone, durability process, p50', process, 'ms', { n: runs });
  emit('price of durability, a run alone', full - process, 'ms', { n: runs });
  await stores.full.close();
  await stores.process.close();
});
