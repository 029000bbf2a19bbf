// The executor of a module runner: its current bundle, in the slots of a pool. The store keeps a pool of one slot for itself, a
// client brings its own.
import type { ModuleRunner } from '@entropic/core';
import { failedOutcome, ModuleSource, type Outcome, type Task } from '@entropic/core/internal';
import type { Executor } from '../executor.js';
import type { Pool } from './pool.js';
import { thrownMessage, timeoutOutcome } from './run-context.js';
import { WorkEnded } from './slots.js';

/** @param own close the pool with the executor */
export function moduleExecutor(runner: ModuleRunner, pool: Pool, own: boolean): Executor {
  const source = new ModuleSource(runner);
  return {
    slots: pool.slots,
    inline: false,
    batches: pool.batches(runner),
    defaults: { timeout: runner.timeout, memoryLimit: runner.memoryLimit, retries: runner.retries },
    async codeDigest() {
      // They start while the code is built.
      pool.warm(runner.isolation);
      return (await source.current()).digest;
    },
    async submit(task, { signal, drain, priority, listener }) {
      const { file, url, digest } = await source.current();
      // The file may have been edited since the digest was asked for: what is recorded is what runs.
      const exact = digest === task.codeDigest ? task : { ...task, codeDigest: digest };
      let started = performance.now();
      const onStart = () => {
        started = performance.now();
      };
      try {
        const work = { kind: 'task', task: exact, code: { file, url, export: runner.export } } as const;
        const { timeout, memoryLimit } = exact;
        const { isolation } = runner;
        const result = await pool.run(work, {
          signal,
          drain,
          listener,
          timeout,
          isolation,
          memoryLimit,
          priority,
          onStart,
        });
        if (result.kind === 'task') return result.outcome;
        throw new Error(`a slot answered a task with ${result.kind}`);
      } catch (error) {
        return endedOutcome(task, error, (performance.now() - started) / 1000);
      }
    },
    async close() {
      if (own) await pool.close();
    },
  };
}

/** A slot that gave no answer → why. */
function endedOutcome(task: Task, error: unknown, seconds: number): Outcome {
  if (!(error instanceof WorkEnded)) return failedOutcome('exception', thrownMessage(error), seconds, error);
  if (error.why === 'timeout') return timeoutOutcome(task, seconds);
  if (error.death === undefined) return { status: 'cancelled' };
  const { reason, message, cause, ...facts } = error.death;
  return { ...failedOutcome(reason, message, seconds, cause), ...facts } as Outcome;
}
