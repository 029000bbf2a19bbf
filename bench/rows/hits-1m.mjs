// A million hits by `for await`, and a plan of as many: time, time to the first outcome, and the peak of memory, each in a process
// of its own. The store is a fixture: made once, kept in --cache or under the temp folder.
import { ensureFixture } from '../fixture.mjs';
import { measureMany } from '../lib/measure-many.mjs';
import { emit, runRow } from '../lib/row.mjs';

await runRow(async ({ small, folder, cache }) => {
  const size = small ? 2000 : 1_000_000;
  const store = await ensureFixture(size, small ? folder : cache);
  const hits = measureMany('hits', size, store);
  emit('hits by for await', hits.seconds, 's', { n: size });
  emit('hits by for await, first outcome', hits.firstSeconds, 's', { n: size });
  emit('hits by for await, peak memory', hits.peakMb, 'MB', { n: size });
  const plan = measureMany('plan', size, store);
  emit('plan', plan.seconds, 's', { n: size });
  emit('plan, peak memory', plan.peakMb, 'MB', { n: size });
});
