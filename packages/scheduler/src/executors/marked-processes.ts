// Processes that carry the mark of a command host in their environment: what a group does not tell of, because a command left it, or
// because its host was killed in the moment of the start. Linux only. Called where one of two processes has lost the other.
import { MARK_VARIABLE } from './command-messages.js';
import { readProc, systemPids } from './system-processes.js';

export function markedProcesses(mark: string): number[] {
  const entry = `\0${MARK_VARIABLE}=${mark}\0`;
  return systemPids().filter((pid) => pid !== process.pid && `\0${readProc(pid, 'environ') ?? ''}`.includes(entry));
}
