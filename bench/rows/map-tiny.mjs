// `client.map` of tiny tasks and `gather`, on two threads.
import { emit, runRow, timed } from '../lib/row.mjs';
import { connectWarm, noop } from '../lib/tasks.mjs';

/** A million are only mapped where that takes seconds: the figure is context. */
const ENOUGH_PER_SECOND = 100_000;

await runRow(async ({ small }) => {
  const client = await connectWarm();
  /** @param {number} count */
  const measure = async (count) => {
    const ms = await timed(async () => {
      const values = await client.gather(client.map(noop, Array(count).keys()));
      if (values.at(-1) !== count - 1) throw new Error('a value is not that of its task');
    });
    return (count / ms) * 1000;
  };
  const count = small ? 2000 : 100_000;
  let best = 0;
  for (let rep = 0; rep < (small ? 1 : 2); rep++) {
    const rate = await measure(count);
    best = Math.max(best, rate);
    emit('map of tiny tasks + gather', rate, 'tasks/s', { n: count, rep });
  }
  if (!small && best > ENOUGH_PER_SECOND) {
    emit('map of 1,000,000 tiny tasks + gather', await measure(1_000_000), 'tasks/s', { n: 1_000_000 });
  }
  await client.close();
});
