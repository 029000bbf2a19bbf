// The simulation of the single-flight tests, as a module for threads and as a function for inline stores. Its own log says how often
// it ran (one line an execution, written by O_APPEND); its result says of itself whether it is whole, as fault-judge.py reads it.
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';

let executions = 0;
const cell = new Int32Array(new SharedArrayBuffer(4));
/** The thread stands still, as one that computes does, without taking the processor from other tests. */
const standStill = (ms) => void Atomics.wait(cell, 0, 0, ms);

export default function run({ n, resultFile }) {
  // gate: a file that ends the wait of every run. fail: throws once the gate is open. Each process has its own.
  const { log, ms = [1, 5], gate, fail } = JSON.parse(process.env.ENTROPIC_FLIGHT);
  const execution = `${process.pid}-${threadId}-${++executions}`;
  appendFileSync(log, `${n} ${execution} ${Date.now()}\n`);
  if (gate) while (!existsSync(gate)) standStill(5);
  // By the point and not at random: neighbours take different times, so that later ones finish first.
  standStill(ms[0] + ((n * 7919) % 97) * ((ms[1] - ms[0]) / 96));
  if (fail) throw new Error(`n = ${n} is told to fail in process ${process.pid}`);
  const body = `n=${n} execution=${execution}\n${'x'.repeat(500)}\n`;
  writeFileSync(resultFile, `${body}${createHash('sha256').update(body).digest('hex')}`);
  return execution;
}

/** The same for a function that waits without standing still: the process's other work goes on. */
export async function waiting(params) {
  const { gate } = JSON.parse(process.env.ENTROPIC_FLIGHT);
  if (gate) while (!existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 5));
  return run(params);
}
