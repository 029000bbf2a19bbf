// What is said of a program that could not be started, or did not end well. Called by command.ts.
import { existsSync } from 'node:fs';
import type { CommandRunner } from '@entropic/core';
import { failedOutcome, isCode, type Outcome, type Task } from '@entropic/core/internal';
import { thrownMessage } from './run-context.js';
import { type HostedEnd, HostLost } from './use-command-host.js';

/** Lines of its standard error that a message takes; the log has all. */
const LINES = 10;
const LONGEST_LINE = 300;

/** It ended with a number other than 0, or by a signal that was not ours. */
export function commandFailure(end: HostedEnd): Outcome {
  const { exitCode, signal, seconds } = end;
  const said = lastLines(end.errorText);
  if (signal !== null) {
    return { ...failure('signal', `it was ended by ${signal}${said}`, seconds), signal } as Outcome;
  }
  const code = exitCode as number;
  return { ...failure('exit', `it ended with exit code ${code}${said}`, seconds), exitCode: code } as Outcome;
}

/** The system could not start it. */
export function startFailure(runner: CommandRunner, error: unknown): Outcome {
  const [program = ''] = runner.argv;
  const told = (message: string) => failedOutcome('code', `the command cannot be started: ${message}`, 0, error);
  if (error instanceof HostLost) return failedOutcome('worker-lost', error.message, 0);
  if (isCode(error, 'ENOENT')) {
    if (!/[\\/]/.test(program)) return told(`there is no program ${program} in PATH; install it, or give its path`);
    return told(
      existsSync(program)
        ? `the interpreter in the first line of ${program} is not there; name it: ['python3', '${program}', …]`
        : `there is no program ${program}; a relative path is seen from the working folder, and the file must be there`,
    );
  }
  if (isCode(error, 'EACCES', 'EPERM')) {
    return told(`${program} is not executable: chmod +x it, or name its interpreter: ['python3', '${program}', …]`);
  }
  if (isCode(error, 'E2BIG'))
    return told('its arguments are too long for this system; read the params from standard input');
  if (isCode(error, 'EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE')) {
    // The machine's trouble, not the program's: it may do the next time.
    return failedOutcome('worker-lost', `the command could not be started: ${thrownMessage(error)}`, 0, error);
  }
  return told(thrownMessage(error));
}

/** It and what it started used too much memory, and were killed for it. */
export function oomOutcome(task: Task, end: HostedEnd): Outcome {
  const limit = task.memoryLimit as number;
  const { peakBytes = limit, seconds: elapsedSeconds } = end;
  const message = `it and what it started used ${megabytes(peakBytes)}, more than its memoryLimit of ${megabytes(limit)}`;
  return { status: 'failed', reason: 'oom', message, elapsedSeconds, peakBytes, limit };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

function failure(reason: 'signal' | 'exit', message: string, elapsedSeconds: number): Outcome {
  return failedOutcome(reason, message, elapsedSeconds);
}

/** What it said last, or nothing. */
function lastLines(errorText: string): string {
  const lines = errorText.trimEnd().split(/\r?\n/).slice(-LINES);
  if (lines.join('').trim() === '') return '; it said nothing on standard error';
  return `; at the end of its standard error:\n${lines.map((line) => `  ${line.slice(0, LONGEST_LINE)}`).join('\n')}`;
}
