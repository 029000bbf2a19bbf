// A program that is killed by SIGKILL when its command has ended and its row is not written yet; in its second life it is not. It prints
// the status of the point. Arguments: folder, url of the database, moment ('manifest', 'never').
import { join } from 'node:path';
import { realSeams } from '@entropic/core/internal';
import { commandRunner, defineResult, int } from 'entropic';
import { openStore } from 'entropic/internal';

const [folder, dbUrl, moment] = process.argv.slice(2);
const fs = {
  ...realSeams.fs,
  // The first thing that is done with a sealed result.
  async fsync(path) {
    if (moment === 'manifest') process.kill(process.pid, 'SIGKILL');
    return realSeams.fs.fsync(path);
  },
};
const script = `echo "$1" >> "$3/executions"; echo whole > "$2"`;
const store = await openStore(
  {
    model: defineResult('points', { n: int() }),
    runner: commandRunner(['sh', '-c', script, 'sh', '{n}', '{result_file}', folder]),
    resultsDir: join(folder, 'results'),
    dbUrl,
  },
  { ...realSeams, fs },
);
for await (const { status } of store.sweep({ n: [1] })) console.log(status);
await store.close();
