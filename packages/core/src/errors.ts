// Every error a user can meet, each with a stable code; and their plain form for threads and sockets.
// Classes do not survive `postMessage`, so errors are told apart by `code`, never by `instanceof` alone.

/** `ENTROPIC_` + the class name in upper snake case without `Error`. */
export type ErrorCode =
  | 'ENTROPIC_INVALID_PARAMS'
  | 'ENTROPIC_INVALID_OPTION'
  | 'ENTROPIC_RUN_FAILED'
  | 'ENTROPIC_SWEEP'
  | 'ENTROPIC_STORE_BUSY'
  | 'ENTROPIC_STORE_FULL'
  | 'ENTROPIC_STORE_CORRUPT'
  | 'ENTROPIC_SCHEMA_DRIFT'
  | 'ENTROPIC_ID_COLLISION'
  | 'ENTROPIC_CONNECTION'
  | 'ENTROPIC_PROTOCOL'
  | 'ENTROPIC_CLOSED';

/** Base of every error this library throws on purpose. An abort is the DOM `AbortError`, not one of these. */
export class EntropicError extends Error {
  /** Stable, documented in docs/reference/errors.md; branch on this, not on the message. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    // Not enumerable, as the platform's own error names are.
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true, writable: true });
  }
}

/** Params that the model does not accept. The message names the path: `params.dt: NaN cannot be part of an id`. */
export class InvalidParamsError extends EntropicError {
  /** Where, as `params.dt` or `params.mesh.cells[3]`; absent when it is about the whole object. */
  readonly path: string | undefined;

  constructor(message: string, options?: { path?: string }) {
    super('ENTROPIC_INVALID_PARAMS', message);
    this.path = options?.path;
  }
}

/** An option, a model or a source of points that cannot be used. The message names it and what is accepted. */
export class InvalidOptionError extends EntropicError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ENTROPIC_INVALID_OPTION', message, options);
  }
}

/** Why a run failed. */
export type FailReason =
  | 'exception'
  | 'exit'
  | 'signal'
  | 'timeout'
  | 'oom'
  | 'no-output'
  | 'bad-output'
  | 'worker-lost'
  | 'code'
  | 'store';

/** What a {@link RunFailedError} knows beside its message. */
export interface RunFailure {
  /** The point's 16 hex digits. */
  id: string;
  /** The point's params, defaults filled in. */
  params: Readonly<Record<string, unknown>>;
  reason: FailReason;
  /** How many times it was tried, this time included. */
  attempts: number;
  /** The process's exit code, where there was one. */
  exitCode?: number;
  /** The signal that ended it, where there was one. */
  signal?: string;
  /** Highest memory seen, in bytes (reason `oom`). */
  peakBytes?: number;
  /** The limit that was passed, in bytes (`oom`) or seconds (`timeout`). */
  limit?: number;
}

/** One run did not give a result. `cause` is the original error, rebuilt where it crossed a thread or a socket. */
export class RunFailedError extends EntropicError {
  readonly id: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly reason: FailReason;
  readonly attempts: number;
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly peakBytes: number | undefined;
  readonly limit: number | undefined;

  constructor(message: string, failure: RunFailure, options?: { cause?: unknown }) {
    super('ENTROPIC_RUN_FAILED', message, options);
    this.id = failure.id;
    this.params = failure.params;
    this.reason = failure.reason;
    this.attempts = failure.attempts;
    this.exitCode = failure.exitCode;
    this.signal = failure.signal;
    this.peakBytes = failure.peakBytes;
    this.limit = failure.limit;
  }
}

/** A sweep in which at least one point failed. What finished is stored: the same sweep again runs only the rest. */
export class SweepError<R = unknown> extends EntropicError {
  /** As long as the points and in their order; `null` where a point has no result. */
  readonly records: readonly (R | null)[];
  /** One error a failed point, in the order in which they failed. */
  readonly failures: readonly RunFailedError[];

  constructor(message: string, records: readonly (R | null)[], failures: readonly RunFailedError[]) {
    super('ENTROPIC_SWEEP', message, { cause: failures[0] });
    this.records = records;
    this.failures = failures;
  }
}

/** The database stayed locked by another process for longer than the store waits. Nothing was lost: try again. */
export class StoreBusyError extends EntropicError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ENTROPIC_STORE_BUSY', message, options);
  }
}

/** No space left for the database or the results. Free files first, then repeat the same call. */
export class StoreFullError extends EntropicError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ENTROPIC_STORE_FULL', message, options);
  }
}

/** The database file is damaged or is not a database. */
export class StoreCorruptError extends EntropicError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ENTROPIC_STORE_CORRUPT', message, options);
  }
}

/** The table and the model disagree. Names the column, what the table has and what the model wants. */
export class SchemaDriftError extends EntropicError {
  readonly table: string;
  readonly column: string | undefined;

  constructor(message: string, details: { table: string; column?: string }) {
    super('ENTROPIC_SCHEMA_DRIFT', message);
    this.table = details.table;
    this.column = details.column;
  }
}

/** Two different points share an id (or a row was changed by hand): the stored result is not served for the wrong one. */
export class IdCollisionError extends EntropicError {
  readonly id: string;

  constructor(message: string, id: string) {
    super('ENTROPIC_ID_COLLISION', message);
    this.id = id;
  }
}

/** A database or a cluster that cannot be reached. Carries the address, never a password. */
export class ConnectionError extends EntropicError {
  readonly address: string;

  constructor(message: string, address: string, options?: { cause?: unknown }) {
    super('ENTROPIC_CONNECTION', message, options);
    this.address = address;
  }
}

/** The other side speaks another version; both are named. */
export class ProtocolError extends EntropicError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ENTROPIC_PROTOCOL', message, options);
  }
}

/** A call on something that was closed. */
export class ClosedError extends EntropicError {
  constructor(message: string) {
    super('ENTROPIC_CLOSED', message);
  }
}

/** The DOM's AbortError, with the reason of the signal as its cause where that says more. */
export function abortError(message: string, reason?: unknown): DOMException {
  const error = new DOMException(message, 'AbortError');
  if (reason !== undefined && !(reason instanceof DOMException && reason.name === 'AbortError')) {
    Object.defineProperty(error, 'cause', { value: reason, configurable: true, writable: true });
  }
  return error;
}

/** An error as plain data, for threads, sockets and the attempts table. */
export interface WireError {
  name: string;
  message: string;
  stack?: string;
  code?: string;
  /** A thrown value that was no error, as text. */
  thrown?: string;
  cause?: WireError;
}

const MAX_CAUSES = 8;

/** Anything that was thrown → plain data. Never throws, whatever getters or proxies the value hides. */
export function toWire(error: unknown, depth = 0): WireError {
  try {
    if (error instanceof Error || isErrorLike(error)) {
      const source = error as Error & { code?: unknown };
      const wire: WireError = { name: String(source.name ?? 'Error'), message: String(source.message ?? '') };
      if (typeof source.stack === 'string') wire.stack = source.stack;
      if (typeof source.code === 'string' || typeof source.code === 'number') wire.code = String(source.code);
      if (source.cause !== undefined && depth < MAX_CAUSES) wire.cause = toWire(source.cause, depth + 1);
      return wire;
    }
    const text = typeof error === 'object' && error !== null ? safeJson(error) : String(error);
    return { name: 'Error', message: text, thrown: text };
  } catch {
    return { name: 'Error', message: 'a value that cannot be read was thrown' };
  }
}

/** Plain data → an `Error` with the original name, message, stack and code. */
export function fromWire(wire: WireError): Error {
  const error = new Error(wire.message, wire.cause ? { cause: fromWire(wire.cause) } : undefined);
  Object.defineProperty(error, 'name', { value: wire.name, configurable: true, writable: true });
  if (wire.stack !== undefined) {
    Object.defineProperty(error, 'stack', { value: wire.stack, configurable: true, writable: true });
  }
  if (wire.code !== undefined) Object.assign(error, { code: wire.code });
  return error;
}

function isErrorLike(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'message' in value && 'name' in value;
}

function safeJson(value: object): string {
  const text = JSON.stringify(value);
  return text === undefined ? Object.prototype.toString.call(value) : text.slice(0, 10_000);
}
