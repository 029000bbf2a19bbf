// What a logger is told of an event. Called by events.ts.
import type { Logger, StoreEvent } from './events.js';

/** The four subjects a user opts in to see at `info`: hits, run completions, ingestion, file operations. */
export function logLine(event: StoreEvent): { level: keyof Logger; text: string } {
  switch (event.type) {
    case 'run.cached':
      return line('info', `cache hit ${event.id} → ${event.file}`);
    case 'run.finished':
      return line('info', `run ${event.id} finished in ${event.seconds.toFixed(3)} s, ${event.bytes} bytes`);
    case 'run.failed':
      return line('error', `run ${event.id} failed (${event.reason}): ${event.message}`);
    case 'run.retried':
      return line('info', `run ${event.id} is tried again in ${event.inSeconds.toFixed(3)} s (${event.reason})`);
    case 'run.quarantined':
      return line(
        'error',
        `run ${event.id} ended its executor ${event.deaths} times (${event.reason}): not tried again`,
      );
    case 'run.recovered':
      return line('info', `run ${event.id} had finished before a crash: its result was recovered`);
    case 'row.committed':
      return line('info', `ingested ${event.ids.length} ${event.ids.length === 1 ? 'run' : 'runs'}`);
    case 'row.registered':
      return line('info', `ingested ${event.id} from ${event.file}`);
    case 'row.deleted':
      return line('info', `deleted the row of ${event.id}`);
    case 'file.published':
      return line('info', `file ${event.file} published (${event.bytes} bytes)`);
    case 'file.adopted':
      return line('info', `file ${event.file} was already there with the same content`);
    case 'file.quarantined':
      return line('warn', `file ${event.file} was no result of this store: moved to ${event.to}`);
    case 'file.removed':
      return line('info', `file ${event.file} removed`);
    case 'cache.invalid':
      return line('warn', `the cached result of ${event.id} is not used: ${event.file} ${event.why}`);
    case 'lease.taken-over':
      return line('info', `run ${event.id} taken over: its owner ${event.owner} is ${event.why}`);
    case 'run.stale':
      return line('warn', `run ${event.id} lost its lease while it ran: its result is discarded`);
    case 'run.value-dropped':
      return line('warn', `the value returned by run ${event.id} is not kept: ${event.why}`);
    case 'store.adopted':
      return line('warn', `${event.resultsDir} belonged to a database that was here before; taken over`);
    case 'store.trouble':
      return line('error', `${event.what}: ${event.message}`);
    default:
      return line('debug', event.type);
  }
}

const line = (level: keyof Logger, text: string) => ({ level, text });
