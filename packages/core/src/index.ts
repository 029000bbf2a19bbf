// What users may import from core, by name. Siblings that need more use internal.ts.

export type { Attempt } from './attempts.js';
export type { CommandRunner, CommandRunnerOptions } from './command-runner.js';
export { commandRunner } from './command-runner.js';
export type { ErrorCode, FailReason } from './errors.js';
export {
  ClosedError,
  ConnectionError,
  EntropicError,
  IdCollisionError,
  InvalidOptionError,
  InvalidParamsError,
  ProtocolError,
  RunFailedError,
  SchemaDriftError,
  StoreBusyError,
  StoreCorruptError,
  StoreFullError,
  SweepError,
} from './errors.js';
export type { Logger, StoreEvent } from './events.js';
export type { Explanation } from './explain.js';
export type { LogOptions } from './logs.js';
export type { Column, ColumnOptions } from './model.js';
export { Base, bool, defineResult, float, int, json, oneOf, text } from './model.js';
export type { Duration, Size } from './options.js';
export type { DeleteOptions, RegisterOptions } from './register.js';
export type { Retries, RetryOptions } from './retries.js';
export type { RunOptions } from './run-store.js';
export { RunStore } from './run-store.js';
export type {
  Isolation,
  ModuleRunner,
  ModuleRunnerOptions,
  RunContext,
  RunnerFunction,
  RunnerParams,
} from './runner.js';
export { moduleRunner } from './runner.js';
export type { StoreOptions } from './store-options.js';
export type {
  AnyModel,
  CustomData,
  Exact,
  Flat,
  FullOf,
  Grid,
  JsonValue,
  Model,
  ModelColumn,
  ParamsOf,
  RunRecord,
  RunRecordFields,
  Source,
} from './types.js';
export type { VerifyOptions, VerifyProblem, VerifyReport } from './verify.js';
