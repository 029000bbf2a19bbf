// How much of two threads the work gets: tasks of 50 ms of CPU, and of 10 ms of sleep. 1 would be no cost at all.
import { emit, runRow, timed } from '../lib/row.mjs';
import { connectWarm, sleep10, work } from '../lib/tasks.mjs';
import { work as workHere } from '../lib/work.mjs';

const THREADS = 2;

/** Rounds of `work` that take 50 ms of CPU: of this thread's time, not of the clock, as the machine may be busy. */
function roundsOf50ms() {
  const rounds = 50_000_000;
  workHere(2_000_000);
  const { user, system } = process.cpuUsage();
  workHere(rounds);
  const used = process.cpuUsage({ user, system });
  return Math.round(rounds / ((used.user + used.system) / 1000 / 50));
}

await runRow(async ({ small }) => {
  const rounds = roundsOf50ms();
  const tasks = small ? 12 : 200;
  for (const [kind, name] of /** @type {const} */ ([
    ['thread', '50 ms of CPU a task'],
    ['process', '50 ms of CPU a task in processes'],
  ])) {
    const client = await connectWarm(kind);
    const before = process.cpuUsage();
    const cpuWall = await timed(() => client.gather(client.map(work, Array(tasks).fill(rounds))));
    const used = process.cpuUsage(before);
    emit(`${name}, efficiency`, (tasks * 50) / THREADS / cpuWall, 'ratio', { n: tasks });
    // Below 2 the machine was busy with something else: then the efficiency says little.
    if (kind === 'thread') {
      emit(`${name}, cores got`, (used.user + used.system) / 1000 / cpuWall, 'cores', { n: tasks });
      const sleeps = small ? 40 : 2000;
      const sleepWall = await timed(() => client.gather(client.map(sleep10, Array(sleeps).keys())));
      emit('10 ms of sleep a task, efficiency', (sleeps * 10) / THREADS / sleepWall, 'ratio', { n: sleeps });
    }
    await client.close();
  }
});
