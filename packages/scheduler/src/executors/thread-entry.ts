// A thread of a pool: work comes by Piscina, aborts by a port of their own. Started by threads.ts.
import { MessageChannel, parentPort } from 'node:worker_threads';
import { fromWire, toWire } from '@entropic/core/internal';
import { runCalls, runTasks, sendable, tellAnswers } from './slot-batch.js';
import { runWork } from './slot-run.js';
import { abortWork, connect } from './slot-state.js';
import type { AbortMessage, Answers, SlotBatch, SlotResult, SlotWork } from './slot-work.js';
import type { ThreadMessage } from './threads.js';

const { port1: control, port2 } = new MessageChannel();
control.on('message', (message: AbortMessage) => abortWork(message));
control.unref();

const post = (message: ThreadMessage) => parentPort?.postMessage(message);

connect({
  tell(message) {
    post(message);
  },
  beforeEnd: tellAnswers,
  fail(error) {
    // A DOMException would lose its name and message on the way out of the thread.
    throw error instanceof DOMException ? fromWire(toWire(error)) : error;
  },
});
parentPort?.postMessage({ type: 'control', port: port2 } satisfies ThreadMessage, [port2]);

export default async function work(order: SlotWork | SlotBatch): Promise<SlotResult | Answers> {
  if (order.kind === 'tasks') return runTasks(order);
  if (order.kind !== 'calls') return runWork(order);
  // Piscina sends what this function returns, or fails the whole of it.
  return sendable(await runCalls(order));
}
