// What users may import from the scheduler, by name. Siblings that need more use internal.ts.

export type { SweepClient } from './executor.js';
export { expandGrid, Grid, grid } from './grid.js';
export type { SweepProgress, SweepStatus } from './ledger.js';
export type { SweepPlan } from './plan.js';
export { geomspace, linspace, logspace, range } from './ranges.js';
export type { SweepOutcome } from './sweep-handle.js';
export { Sweep } from './sweep-handle.js';
export type { SweepOptions } from './sweep-options.js';
