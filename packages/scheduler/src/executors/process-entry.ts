// A process of a pool: work and aborts come by the channel of its parent. Started by slot-process.ts with the parent's pid.
import { Worker } from 'node:worker_threads';
import { toWire } from '@entropic/core/internal';
import { takeSpawned } from './process-spawns.js';
import { killStrays, killTree } from './process-tree.js';
import { thrownMessage } from './run-context.js';
import type { FromProcess, ToProcess } from './slot-process.js';
import { runWork } from './slot-run.js';
import { abortWork, connect } from './slot-state.js';
import type { SlotWork } from './slot-work.js';

const owner = Number(process.argv[2]);
const watch = new Worker(new URL('./process-watch.js', import.meta.url), { workerData: { owner }, execArgv: [] });
watch.unref();

const { channel } = process;
const sendMessage = process.send?.bind(process) as (message: FromProcess) => boolean;
const send = (message: FromProcess) => void (process.connected && sendMessage(message));
// To a runner it is a program like any other: libraries that find a parent talk to it.
process.send = undefined as never;

const home = workingFolder();
let working = false;

async function perform(work: SlotWork): Promise<void> {
  working = true;
  // What it waits for must keep the process alive, as it would a program.
  channel?.unref();
  const result = await runWork(work);
  if (takeSpawned()) killStrays();
  if (home !== undefined && workingFolder() !== home) process.chdir(home);
  working = false;
  channel?.ref();
  try {
    send({ type: 'answer', key: work.key, memory: process.memoryUsage.rss(), result });
  } catch (error) {
    send({ type: 'unsent', key: work.key, message: thrownMessage(error) });
  }
}

/** Undefined if it was removed. */
function workingFolder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

function fail(error: unknown): void {
  send({ type: 'failed', message: thrownMessage(error), error: toWire(error) });
}

connect({ tell: send, fail });
process.on('message', (message: ToProcess) => {
  if (message.type === 'abort') abortWork(message);
  else perform(message.work).catch(fail);
});
process.on('disconnect', () => killTree(process.pid));
process.on('beforeExit', () => {
  if (working) fail(new Error('it waits for a promise that nothing is left to settle'));
});
send({ type: 'ready', memory: process.memoryUsage.rss() });
