// What the sibling packages need of the scheduler beyond what users may import. No promise is made about any of it.
export type { Executor } from './executor.js';
export { commandExecutor } from './executors/command.js';
export { Flight, type FlightKind } from './executors/flight.js';
export { type AnyFunction, inlineExecutor } from './executors/inline.js';
export { moduleExecutor } from './executors/module-executor.js';
export { Pool, type PoolOptions } from './executors/pool.js';
export { INSIDE_RUN, type SlotCode, type SlotResult, type SlotWork } from './executors/slot-work.js';
export { WorkEnded } from './executors/slots.js';
export { planSweep } from './plan.js';
