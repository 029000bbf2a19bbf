// What people install: every public name of entropic.

export type { ClientOptions, FutureStatus, SchedulerInfo, SubmitOptions } from '@entropic/client';
export { Client, RunFuture } from '@entropic/client';
export type {
  AnyModel,
  Attempt,
  Column,
  ColumnOptions,
  CustomData,
  DeleteOptions,
  Duration,
  ErrorCode,
  FailReason,
  FullOf,
  JsonValue,
  Logger,
  Model,
  ModelColumn,
  ModuleRunner,
  ModuleRunnerOptions,
  ParamsOf,
  RegisterOptions,
  RunContext,
  RunnerFunction,
  RunnerParams,
  RunOptions,
  RunRecord,
  Size,
  Source,
  StoreEvent,
  StoreOptions,
  VerifyOptions,
  VerifyProblem,
  VerifyReport,
} from '@entropic/core';
export {
  Base,
  bool,
  ClosedError,
  ConnectionError,
  defineResult,
  EntropicError,
  float,
  IdCollisionError,
  InvalidOptionError,
  InvalidParamsError,
  int,
  json,
  moduleRunner,
  oneOf,
  ProtocolError,
  RunFailedError,
  SchemaDriftError,
  StoreBusyError,
  StoreCorruptError,
  StoreFullError,
  SweepError,
  text,
} from '@entropic/core';
export type { Sweep, SweepClient, SweepOptions, SweepOutcome, SweepProgress, SweepStatus } from '@entropic/scheduler';
export { expandGrid, Grid, geomspace, grid, linspace, logspace, range } from '@entropic/scheduler';
export type { OpenOptions } from './store.js';
export { Store } from './store.js';
