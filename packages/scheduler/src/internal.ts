// What the sibling packages need of the scheduler beyond what users may import. No promise is made about any of it.
export type { Executor } from './executor.js';
export { type AnyFunction, inlineExecutor } from './executors/inline.js';
