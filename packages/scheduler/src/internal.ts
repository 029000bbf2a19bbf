// What the sibling packages need of the scheduler beyond what users may import. No promise is made about any of it.
export type { Executor } from './executor.js';
export { type AnyFunction, inlineExecutor } from './executors/inline.js';
export { moduleExecutor } from './executors/module-executor.js';
export type { ThreadResult } from './executors/thread-work.js';
export { INSIDE_RUN } from './executors/thread-work.js';
export { deathOf, type PoolOptions, ThreadPool, WorkEnded } from './executors/threads.js';
export { planSweep } from './plan.js';
