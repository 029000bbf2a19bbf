// The one stream of events. Everything that wants to know what happens (logger, `store.events`, a progress region, a page)
// reads it; nobody else is told in another way. An event costs nothing while nobody listens.
import { type Channel, channel } from 'node:diagnostics_channel';
import { debuglog } from 'node:util';
import type { EventInput, Logger, StoreEvent } from './events.js';
import { logLine } from './log-line.js';

const debug = debuglog('entropic');
const channels = new Map<string, Channel>();
/** Events that one slow reader may leave behind before the oldest are dropped. */
const BACKLOG = 10_000;

export class EventBus {
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  readonly #ends = new Set<() => void>();
  #closed = false;
  readonly #table: string;
  readonly #now: () => number;

  constructor(table: string, now: () => number, logger?: Logger) {
    this.#table = table;
    this.#now = now;
    if (logger) {
      this.#listeners.add((event) => {
        const { level, text } = logLine(event);
        logger[level](event, text);
      });
    }
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
    // A bus that is closed already tells nothing any more.
    let ended = this.#closed;
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
    this.#closed = true;
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
