// The one stream of events. Everything that wants to know what happens (logger, `store.events`, a progress region, a page)
// reads it; nobody else is told in another way. An event costs nothing while nobody listens.
import { type Channel, channel } from 'node:diagnostics_channel';
import { debuglog } from 'node:util';

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

const debug = debuglog('entropic');
const channels = new Map<string, Channel>();
/** Events that one slow reader may leave behind before the oldest are dropped. */
const BACKLOG = 10_000;

export class EventBus {
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  readonly #ends = new Set<() => void>();
  readonly #table: string;
  readonly #now: () => number;

  constructor(table: string, now: () => number, logger?: Logger) {
    this.#table = table;
    this.#now = now;
    if (logger) this.#listeners.add((event) => writeLog(logger, event));
    if (debug.enabled) this.#listeners.add((event) => debug('%s %j', event.type, event));
  }

  /** Whether anybody would see an event: hot paths ask before they build one. */
  wants(type: StoreEvent['type']): boolean {
    return this.#listeners.size > 0 || channelOf(type).hasSubscribers;
  }

  emit(input: EventInput): void {
    if (!this.wants(input.type)) return;
    const event = { v: 1, time: this.#now(), table: this.#table, ...input } as StoreEvent;
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        // A logger that throws must not fail a run that finished; nor may it vanish silently.
        debug('a listener threw: %O', error);
      }
    }
    const target = channelOf(input.type);
    if (target.hasSubscribers) target.publish(event);
  }

  /** All events from now on; ends when the bus is closed or the loop is left. */
  async *stream(): AsyncGenerator<StoreEvent, void, undefined> {
    const backlog: StoreEvent[] = [];
    let wake: (() => void) | undefined;
    let ended = false;
    const listener = (event: StoreEvent) => {
      backlog.push(event);
      if (backlog.length > BACKLOG) backlog.shift();
      wake?.();
    };
    const end = () => {
      ended = true;
      wake?.();
    };
    this.#listeners.add(listener);
    this.#ends.add(end);
    try {
      for (;;) {
        const event = backlog.shift();
        if (event) yield event;
        else if (ended) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      this.#listeners.delete(listener);
      this.#ends.delete(end);
    }
  }

  /** Ends every stream. */
  close(): void {
    for (const end of this.#ends) end();
  }
}

function channelOf(type: string): Channel {
  let found = channels.get(type);
  if (!found) {
    found = channel(`entropic:${type}`);
    channels.set(type, found);
  }
  return found;
}

/** The four subjects a user opts in to see at `info`: hits, run completions, ingestion, file operations. */
function writeLog(logger: Logger, event: StoreEvent): void {
  switch (event.type) {
    case 'run.cached':
      return logger.info(event, `cache hit ${event.id} → ${event.file}`);
    case 'run.finished':
      return logger.info(event, `run ${event.id} finished in ${event.seconds.toFixed(3)} s, ${event.bytes} bytes`);
    case 'run.failed':
      return logger.error(event, `run ${event.id} failed (${event.reason}): ${event.message}`);
    case 'run.recovered':
      return logger.info(event, `run ${event.id} had finished before a crash: its result was recovered`);
    case 'row.committed':
      return logger.info(event, `ingested ${event.ids.length} ${event.ids.length === 1 ? 'run' : 'runs'}`);
    case 'row.registered':
      return logger.info(event, `ingested ${event.id} from ${event.file}`);
    case 'row.deleted':
      return logger.info(event, `deleted the row of ${event.id}`);
    case 'file.published':
      return logger.info(event, `file ${event.file} published (${event.bytes} bytes)`);
    case 'file.adopted':
      return logger.info(event, `file ${event.file} was already there with the same content`);
    case 'file.quarantined':
      return logger.warn(event, `file ${event.file} was no result of this store: moved to ${event.to}`);
    case 'file.removed':
      return logger.info(event, `file ${event.file} removed`);
    case 'cache.invalid':
      return logger.warn(event, `the cached result of ${event.id} is not used: ${event.file} ${event.why}`);
    case 'lease.taken-over':
      return logger.info(event, `run ${event.id} taken over: its owner ${event.owner} is ${event.why}`);
    case 'run.stale':
      return logger.warn(event, `run ${event.id} lost its lease while it ran: its result is discarded`);
    case 'run.value-dropped':
      return logger.warn(event, `the value returned by run ${event.id} is not kept: ${event.why}`);
    case 'store.adopted':
      return logger.warn(event, `${event.resultsDir} belonged to a database that was here before; taken over`);
    case 'store.trouble':
      return logger.error(event, `${event.what}: ${event.message}`);
    default:
      return logger.debug(event, event.type);
  }
}
