// What a run printed, read back: live while it runs, afterwards, and after a kill. Called by RunStore.log; written by run-log.ts.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenedStore } from './open.js';
import { checkOptionNames, integerOption } from './options.js';
import { isCode } from './seams.js';

export interface LogOptions {
  /** Goes on until the attempt is over. @defaultValue false */
  follow?: boolean;
  /** Which try. @defaultValue the one that made the stored result; else the one that runs, else the last */
  attempt?: number;
}

const CHUNK = 64 * 1024;
const POLL_MS = 100;

/** Text in the pieces in which it was read; nothing for a run that printed nothing. */
export async function* readLog(
  store: OpenedStore,
  id: string,
  options: LogOptions = {},
): AsyncGenerator<string, void, undefined> {
  checkOptionNames(options, ['follow', 'attempt'], 'log');
  const { follow = false } = options;
  const attempt =
    options.attempt === undefined
      ? await chosenAttempt(store, id, follow)
      : integerOption(options.attempt, 1, 'log: attempt');
  const file = store.paths.logFile(id, attempt);
  const decoder = new StringDecoder('utf8');
  const buffer = Buffer.alloc(CHUNK);
  let position = 0;
  for (;;) {
    // Asked before the read: what is written until the end is then read in this round.
    const live = follow && (await isLive(store, id, attempt));
    let fd: number | undefined;
    try {
      fd = openSync(file, 'r');
      // A long log was shortened in its middle meanwhile.
      position = Math.min(position, fstatSync(fd).size);
      for (
        let read = readSync(fd, buffer, 0, CHUNK, position);
        read > 0;
        read = readSync(fd, buffer, 0, CHUNK, position)
      ) {
        position += read;
        yield decoder.write(buffer.subarray(0, read));
      }
    } catch (error) {
      if (!isCode(error, 'ENOENT')) throw error;
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
    if (!live) return;
    await sleep(POLL_MS);
  }
}

async function chosenAttempt(store: OpenedStore, id: string, follow: boolean): Promise<number> {
  const { attempts, leases } = store;
  const last = (await attempts.numbers(id)).at(-1) ?? 0;
  const running = (await leases.live([id])).has(id);
  if (running && follow) return last + 1;
  return (await attempts.ofResult(id)) ?? (running ? last + 1 : Math.max(1, last));
}

/** Somebody runs the point, and this try is not over. */
async function isLive(store: OpenedStore, id: string, attempt: number): Promise<boolean> {
  const live = (await store.leases.live([id])).has(id);
  return live && !(await store.attempts.numbers(id)).includes(attempt);
}
