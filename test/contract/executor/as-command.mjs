// A program that runs one of the simulations as a command: its params from standard input, the context of the run from its environment.
// Arguments: the export, the path of the result.
import { basename } from 'node:path';

const { [process.argv[2]]: simulation } = await import('./simulations.mjs');
const resultFile = process.argv[3];
const controller = new AbortController();
process.on('SIGTERM', () => controller.abort(new DOMException('asked to end', 'AbortError')));

let text = '';
for await (const piece of process.stdin) text += piece;
const params = JSON.parse(text);
const run = {
  id: process.env.ENTROPIC_ID,
  attempt: Number(process.env.ENTROPIC_ATTEMPT),
  seed: Number(process.env.ENTROPIC_SEED),
  resultFile,
  workDir: process.cwd(),
  signal: controller.signal,
  progress() {},
  log: console.log,
};
if (basename(resultFile) !== basename(process.env.ENTROPIC_RESULT_FILE)) throw new Error('two names of one result');
await simulation({ ...params, resultFile }, run);
// What it left behind, a timer, would keep it; what it printed is to be on its way.
process.stdout.write('', () => process.exit(0));
