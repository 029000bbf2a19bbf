// A batch in a slot, one piece after the other. Answers of calls are told together, but never held back for long. Called by
// thread-entry.ts; the other side is batch.ts.
import { toWire } from '@entropic/core/internal';
import { DONE, FREE, TAKEN } from './batch.js';
import { loadRunner, type Runner } from './slot-loader.js';
import { runCall, runWork } from './slot-run.js';
import { tell } from './slot-state.js';
import type { Answers, CallResult, SlotBatch } from './slot-work.js';

/** Answers wait for so many milliseconds for more, and for nothing that may take longer. */
const HOLD_MS = 0.2;

/** Each outcome is told before the next run begins: whatever that does to its thread, it takes nothing along. */
export async function runTasks({ code, first, flags, tasks }: SlotBatch & { kind: 'tasks' }): Promise<Answers> {
  for (const [i, task] of tasks.entries()) {
    if (Atomics.compareExchange(flags, i, FREE, TAKEN) !== FREE) continue;
    const key = first + i;
    const result = await runWork({ kind: 'task', key, task, code, announce: false });
    if (result.kind === 'task') tell({ type: 'answers', answers: { first: key, values: [result.outcome] } });
    Atomics.store(flags, i, DONE);
  }
  return { first, values: [] };
}

/** @returns the answers that were not told before */
export async function runCalls(order: SlotBatch & { kind: 'calls' }): Promise<Answers> {
  const { flags, first, params, names, code } = order;
  const answers = new AnswerList();
  let runner: Runner | undefined;
  let problem: CallResult | undefined;
  try {
    runner = await loadRunner(code);
  } catch (error) {
    problem = { kind: 'error', error: toWire(error), reason: 'code' };
  }
  let told = performance.now();
  const pass = () => {
    told = performance.now();
    const list = answers.take();
    if (list) tell({ type: 'answers', answers: sendable(list) });
  };
  // What was answered before a run ends its thread must not go with it.
  beforeExit = pass;
  for (let i = 0; i < params.length; i++) {
    if (Atomics.compareExchange(flags, i, FREE, TAKEN) !== FREE) continue;
    const key = first + i;
    let result = problem ?? runCall({ key, name: names[i] as string, params: params[i] }, runner as Runner);
    if (result instanceof Promise) {
      pass();
      result = await result;
    }
    Atomics.store(flags, i, DONE);
    if (!answers.follows(key)) pass();
    answers.add(key, result);
    if (performance.now() - told > HOLD_MS) pass();
  }
  beforeExit = undefined;
  return answers.take() ?? { first, values: [] };
}

let beforeExit: (() => void) | undefined;

/** Called by whatever ends this thread in the middle of a call. */
export function tellAnswers(): void {
  beforeExit?.();
}

/** Answers of neighbouring calls. */
class AnswerList {
  #first = 0;
  #values: unknown[] = [];
  #errors: [number, CallResult][] | undefined;

  follows(key: number): boolean {
    return this.#values.length === 0 || this.#first + this.#values.length === key;
  }

  add(key: number, result: CallResult): void {
    if (this.#values.length === 0) this.#first = key;
    if (result.kind === 'value') this.#values.push(result.value);
    else {
      this.#errors ??= [];
      this.#errors.push([this.#values.length, result]);
      this.#values.push(undefined);
    }
  }

  take(): Answers | undefined {
    if (this.#values.length === 0) return undefined;
    const list: Answers = { first: this.#first, values: this.#values };
    if (this.#errors) list.errors = this.#errors;
    this.#values = [];
    this.#errors = undefined;
    return list;
  }
}

/** A value that cannot be sent fails its own call, and not the message with those of its neighbours. */
export function sendable(answers: Answers): Answers {
  const errors = [...(answers.errors ?? [])];
  const values = answers.values.map((value, i) => {
    if (isPrimitive(value)) return value;
    try {
      // Sent once more in the message: only so it is known before.
      return structuredClone(value);
    } catch (error) {
      errors.push([i, { kind: 'error', error: toWire(error), reason: 'exception' }]);
      return undefined;
    }
  });
  return errors.length === 0 ? { first: answers.first, values } : { first: answers.first, values, errors };
}

function isPrimitive(value: unknown): boolean {
  return value === null || !['object', 'function', 'symbol'].includes(typeof value);
}
