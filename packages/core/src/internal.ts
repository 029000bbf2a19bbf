// What the sibling packages need of core beyond what users may import. No promise is made about any of it.

export type { Bundle } from './bundle.js';
export { show } from './canonical.js';
export type { Claim, Held } from './claims.js';
export { asCommandRunner } from './command-runner.js';
export { checkPlaceholders, fillArgument, RESULT_FILE } from './command-template.js';
export { checkCustomData } from './custom-data.js';
export { Engine, type RunRequest } from './engine.js';
export { abortError, fromWire, type RunFailure, toWire, type WireError } from './errors.js';
export { describeParams } from './failures.js';
export { JournalWriter } from './journal.js';
export { ModuleSource } from './module-source.js';
export type { OpenedStore } from './open.js';
export {
  checkOptionNames,
  integerOption,
  oneOfOption,
  parseDuration,
  parseSize,
  signalOption,
} from './options.js';
export { type Point, splitCanonical } from './params.js';
export type { AnyRecord } from './record.js';
export { judgeFailure, memoryFactorOf, newTally, type RetryPolicy, resolveRetries, type Tally } from './retries.js';
export { RunLog } from './run-log.js';
export type { RunResult } from './run-result.js';
export { asModuleRunner } from './runner.js';
export { failedOutcome, sealRun } from './seal.js';
export { type Clock, type FileSystem, type Ids, isCode, realSeams, type Seams } from './seams.js';
export type { Manifest, Outcome, Task, TaskListener, TaskRunner } from './task.js';
