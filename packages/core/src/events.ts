// What can happen in a store, as plain data: one typed, versioned stream. event-bus.ts carries it.

/** What every event carries beside its own fields. */
interface EventBase {
  /** Version of the shape of events; a field may be added without a new number. */
  v: 1;
  /** Milliseconds since 1970, UTC. */
  time: number;
  /** The user's table. */
  table: string;
}

/** What happened, by `type`. */
export type StoreEvent = EventBase &
  (
    | { type: 'store.opened'; database: string; resultsDir: string }
    | { type: 'store.closed' }
    | { type: 'store.adopted'; resultsDir: string; previousStoreId: string }
    | { type: 'run.cached'; id: string; file: string }
    | { type: 'run.waiting'; id: string; owner: string }
    | { type: 'run.started'; id: string; attempt: number; params: Readonly<Record<string, unknown>> }
    | { type: 'run.progress'; id: string; fraction: number; note?: string }
    | { type: 'run.log'; id: string; text: string }
    | { type: 'run.finished'; id: string; seconds: number; file: string; bytes: number }
    | { type: 'run.failed'; id: string; reason: string; message: string; seconds: number }
    /** After `run.failed`: attempt number `attempt` is followed by another one in so many seconds. */
    | { type: 'run.retried'; id: string; attempt: number; reason: string; inSeconds: number }
    /** After `run.failed`: it took its executor along for the `deaths`-th time and is not tried again. */
    | { type: 'run.quarantined'; id: string; reason: string; deaths: number }
    | { type: 'run.cancelled'; id: string }
    | { type: 'run.stale'; id: string; fence: number }
    | { type: 'run.recovered'; id: string; file: string; owner: string }
    | { type: 'run.value-dropped'; id: string; why: string }
    | { type: 'lease.taken-over'; id: string; owner: string; why: 'dead' | 'expired' }
    | { type: 'cache.invalid'; id: string; file: string; why: string }
    | { type: 'file.published'; id: string; file: string; bytes: number }
    | { type: 'file.adopted'; id: string; file: string }
    | { type: 'file.quarantined'; id: string; file: string; to: string }
    | { type: 'file.removed'; id: string; file: string }
    | { type: 'row.committed'; ids: readonly string[]; seconds: number }
    | { type: 'row.registered'; id: string; file: string }
    | { type: 'row.deleted'; id: string }
    | { type: 'store.trouble'; what: string; message: string }
    | { type: 'sweep.started'; sweep: string; total: number | null }
    | { type: 'sweep.finished'; sweep: string; cached: number; finished: number; failed: number; cancelled: number }
  );

/** An event before the bus adds version, time and table. */
export type EventInput = StoreEvent extends infer E ? (E extends EventBase ? Omit<E, keyof EventBase> : never) : never;

/** A pino-shaped logger: `console` is not one, `pino()` is. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
