// A program whose runs compute for ever in processes: it is killed, or ends in the middle. Arguments: folder, end ('never', 'exit', 'throw').
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, moduleRunner } from 'entropic';

const [folder, end] = process.argv.slice(2);
const fn = (name) => moduleRunner(new URL('./runners.mjs', import.meta.url), { export: name });
const client = await Client.connect({ threads: 2, isolation: 'process' });
client.submit(fn('endless'), { folder });
const resultFile = join(folder, 'never');
// It tells its own pid as well, so that three are known.
const params = { how: 'spawn', folder, more: { stay: 'computing', tell: true }, resultFile };
client.submit(fn('starts'), params);
const pids = () => {
  const file = join(folder, 'pids');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').length : 0;
};
setInterval(() => {
  if (pids() < 3) return;
  if (end === 'exit') process.exit(0);
  if (end === 'throw') throw new Error('the program has failed');
}, 10);
