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

/**
 * Params that the model does not accept. The message names the path: `params.dt: NaN cannot be part of an id`.
 *
 * When: any call that takes params or an id, before anything runs or is written; a sweep rejects with it before its
 * first run, for a generator at the point that is wrong. Nothing is ever converted: `'100'` is not 100.
 *
 * What to do: correct the value that `path` names. The message says what the column takes, and for a misspelt name
 * which one is near.
 */
export class InvalidParamsError extends EntropicError {
  /** Where, as `params.dt` or `params.mesh.cells[3]`; absent when it is about the whole object. */
  readonly path: string | undefined;

  constructor(message: string, options?: { path?: string }) {
    super('ENTROPIC_INVALID_PARAMS', message);
    this.path = options?.path;
  }
}

/**
 * An option, a model or a source of points that cannot be used. The message names it and what is accepted.
 *
 * When: `defineResult`, `Store.open`, `Client.connect` and every call with options; also a run on a store that was
 * opened without a runner or with `readOnly`, a sweep with a client over a runner that is a function, a runner's URL
 * that leads to no file, a results folder that belongs to another table, and `register` of a file that is not there or
 * would replace another result.
 *
 * What to do: follow the message: it shows the accepted form, and for a misspelt option the one that was meant.
 */
export class InvalidOptionError extends EntropicError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ENTROPIC_INVALID_OPTION', message, options);
  }
}

/** Why a run failed. */
export type FailReason =
  /** The runner threw, or its promise rejected; `cause` is what it threw. */
  | 'exception'
  /** The runner called `process.exit`, whatever the number: it ends that run, not your program. Or a command ended with another exit code than 0. */
  | 'exit'
  /** A signal ended the runner's process or the command: a crash of native code, or somebody's `kill`. `signal` is its name. */
  | 'signal'
  /** It took longer than `timeout`. `run.signal` tells it; a module that goes on loses its thread or process 5 s later, a command is killed, a function is waited for. */
  | 'timeout'
  /** Its process or command passed `memoryLimit`, see `peakBytes` and `limit`; or the JavaScript heap of its thread or process was full. */
  | 'oom'
  /** The runner returned and there was no result file, or an empty one. */
  | 'no-output'
  /** In place of the result file there was a folder, a link or something else that is no regular file. */
  | 'bad-output'
  /** Its process could not be started, or the process that starts commands was killed. */
  | 'worker-lost'
  /** The runner's module could not be bundled or loaded, or its command could not be started. */
  | 'code'
  /** The runner did its part, the store could not: disk full, I/O error, database away. `cause` says which. */
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

/**
 * One run did not give a result. `cause` is the original error, rebuilt where it crossed a thread or a socket.
 *
 * When: `run` and `runOrRetrieve` reject with it; a sweep collects it in `failures` and goes on with the other points.
 * `reason` says what happened, see the list of reasons.
 *
 * What to do: read `reason`, `message` and `cause`, correct the runner or the params and make the same call again: a
 * point that failed is a miss and runs again. `store.attempts(id)` lists what was tried.
 */
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

/**
 * A sweep in which at least one point failed. What finished is stored: the same sweep again runs only the rest.
 *
 * When: `await` of a sweep, after everything that could run has run. `for await` does not throw it: there each failed
 * point is an outcome of its own.
 *
 * What to do: look at `failures`, use what is in `records` (`null` where a point has no result), correct the cause and
 * make the same sweep again.
 */
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

/**
 * The database stayed locked by another process for longer than the store waits. Nothing was lost: try again.
 *
 * When: any call that writes, after 30 s of waiting for another process that holds the database in one long transaction
 * (a backup, a shell left open in a transaction), or of conflicts on Postgres; also `register` on a machine that stood
 * still for longer than a lease.
 *
 * What to do: end what holds the lock, then make the same call again.
 */
export class StoreBusyError extends EntropicError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ENTROPIC_STORE_BUSY', message, options);
  }
}

/**
 * No space left for the database or the results. Free files first, then repeat the same call.
 *
 * When: any call that writes, when the disk, the quota or the disk of the Postgres server is full; of a run it is the
 * `cause` of a `RunFailedError` with the reason `store`. A run that was finished and only not committed is kept, and the
 * next call commits it without running again.
 *
 * What to do: free files (deleting rows needs space too), then make the same call again.
 */
export class StoreFullError extends EntropicError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ENTROPIC_STORE_FULL', message, options);
  }
}

/**
 * The database file is damaged or is not a database.
 *
 * When: `Store.open` on a file that is no SQLite database, or any call that meets a damaged page.
 *
 * What to do: restore the file from a copy; or move it away, with its `-wal` and `-shm` beside it, and open again:
 * result files that stay in place are adopted when their points run again and give the same bytes, and are set aside
 * otherwise.
 */
export class StoreCorruptError extends EntropicError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ENTROPIC_STORE_CORRUPT', message, options);
  }
}

/**
 * The table and the model disagree. Names the column, what the table has and what the model wants.
 *
 * When: `Store.open`, when a column was removed from the model, changed its type, is new without a default while there
 * are rows, or was changed in the table by hand; a look-up, when the row was made with another default than the one
 * asked for.
 *
 * What to do: give a new column a default, keep columns that the table has, or use another table name. The table is
 * left as it is.
 */
export class SchemaDriftError extends EntropicError {
  readonly table: string;
  readonly column: string | undefined;

  constructor(message: string, details: { table: string; column?: string }) {
    super('ENTROPIC_SCHEMA_DRIFT', message);
    this.table = details.table;
    this.column = details.column;
  }
}

/**
 * Two different points share an id (or a row was changed by hand): the stored result is not served for the wrong one.
 *
 * When: a look-up, when the row under the id holds other params than those asked for.
 *
 * What to do: look at the row: if it was changed by hand, put it right or delete it by `store.delete({ id })`; the
 * point then runs.
 */
export class IdCollisionError extends EntropicError {
  readonly id: string;

  constructor(message: string, id: string) {
    super('ENTROPIC_ID_COLLISION', message);
    this.id = id;
  }
}

/**
 * A database or a cluster that cannot be reached. Carries the address, never a password.
 *
 * When: `Store.open` and any later call, when the file cannot be opened or written, lies on a network file system, or
 * the Postgres server does not answer for 30 s or refuses the user.
 *
 * What to do: check the address, the permissions and whether the server runs; the message says which. What was
 * committed is not affected.
 */
export class ConnectionError extends EntropicError {
  readonly address: string;

  constructor(message: string, address: string, options?: { cause?: unknown }) {
    super('ENTROPIC_CONNECTION', message, options);
    this.address = address;
  }
}

/**
 * The other side speaks another version; both are named.
 *
 * When: not in this version: there is no cluster yet.
 *
 * What to do: upgrade the older side.
 */
export class ProtocolError extends EntropicError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ENTROPIC_PROTOCOL', message, options);
  }
}

/**
 * A call on something that was closed.
 *
 * When: any call on a store or a client after `close()` or after the end of its `await using` block, and a sweep whose
 * store was closed before it began.
 *
 * What to do: open or connect again, or close later: `await` what you started before you leave the block.
 */
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
