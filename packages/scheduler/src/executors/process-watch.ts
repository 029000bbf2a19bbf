// A thread in each process of a pool: ends the process, and what it started, when the program that owns it is gone. A thread, because
// a run that computes never lets its process see that the channel has closed. Started by process-entry.ts.
import { workerData } from 'node:worker_threads';
import { killTree } from './process-tree.js';

const PAUSE_MS = 500;
const { owner } = workerData as { owner: number };

// An orphan gets another parent at once: no pid that was given anew can be taken for the owner.
setInterval(() => {
  if (process.ppid !== owner) killTree(process.pid);
}, PAUSE_MS);
