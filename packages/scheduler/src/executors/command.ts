// The executor of a command runner: each run is a program in a process group and a folder of its own, in a slot of the pool. A host
// process starts it; its result is sealed in this one. The store has a pool of one slot for itself, a client brings its own.
import { copyFileSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { CommandRunner } from '@entropic/core';
import {
  checkPlaceholders,
  failedOutcome,
  fillArgument,
  JournalWriter,
  type Outcome,
  RESULT_FILE,
  realSeams,
  type Seams,
  sealRun,
  splitCanonical,
  type Task,
} from '@entropic/core/internal';
import type { Executor } from '../executor.js';
import { commandFailure, oomOutcome, startFailure } from './command-failure.js';
import type { CommandSpec } from './command-messages.js';
import { CommandSource } from './command-source.js';
import type { Pool } from './pool.js';
import { thrownMessage, timeoutOutcome } from './run-context.js';
import { type CommandHost, type HostedEnd, useCommandHost } from './use-command-host.js';

/** A text of this length or more is not put into the environment, where the system allows 128 KiB: standard input has all. */
const MAX_VARIABLE = 32_768;
const TOLD = { ended: 'the command ended', place: '{result_file}, which is also $ENTROPIC_RESULT_FILE' };

/** @param own close the pool with the executor */
export function commandExecutor(runner: CommandRunner, pool: Pool, own: boolean, seams: Seams = realSeams): Executor {
  const source = new CommandSource(runner);
  let host: CommandHost | undefined;
  return {
    slots: pool.slots,
    inline: false,
    batches: false,
    defaults: { timeout: runner.timeout, memoryLimit: runner.memoryLimit, retries: runner.retries },
    check: (columns) => checkPlaceholders(runner.templates, columns),
    codeDigest: () => source.current(),
    async submit(task, { signal, priority }) {
      const giveBack = await pool.take({ signal, priority });
      if (!giveBack) return { status: 'cancelled' };
      try {
        // A file may have been edited since the digest was asked for: what is recorded is what runs.
        let codeDigest: string;
        try {
          codeDigest = await source.current();
        } catch (error) {
          return failedOutcome('code', thrownMessage(error), 0, error);
        }
        if (signal?.aborted) return { status: 'cancelled' };
        host ??= useCommandHost();
        return await runTask({ ...task, codeDigest }, runner, { signal, seams, host });
      } finally {
        giveBack();
      }
    },
    async close() {
      if (own) await pool.close();
      host?.release();
      host = undefined;
    },
  };
}

async function runTask(
  task: Task,
  runner: CommandRunner,
  { signal, seams, host }: { signal: AbortSignal | undefined; seams: Seams; host: CommandHost },
): Promise<Outcome> {
  const { clock, fs } = seams;
  const values = valuesOf(task);
  let end: HostedEnd;
  try {
    fs.makeDir(task.workDir, 0o700);
    linkInputs(runner.inputs, task.workDir);
    const spec: CommandSpec = {
      argv: runner.templates.map((template) => fillArgument(template, values)),
      cwd: task.workDir,
      env: { ...process.env, ...runner.env, ...environmentOf(task, values) },
      stdin: task.paramsText,
      timeout: task.timeout,
      memoryLimit: task.memoryLimit,
      log: task.log,
    };
    try {
      end = await host.run(spec, signal);
    } catch (error) {
      return startFailure(runner, error);
    }
  } finally {
    leaveFolder(task, seams);
  }
  const { stopped, seconds: elapsedSeconds } = end;
  if (stopped === 'timeout') return timeoutOutcome(task, elapsedSeconds);
  if (stopped === 'oom') return oomOutcome(task, end);
  if (end.exitCode !== 0) return stopped === 'aborted' ? { status: 'cancelled' } : commandFailure(end);
  const journal = new JournalWriter(fs, task.journal);
  try {
    return await sealRun(task, { fs, journal, now: clock.now(), elapsedSeconds, value: undefined, told: TOLD });
  } finally {
    journal.close();
  }
}

/** Params as texts, as they stand in the canonical JSON, a text without its quotes. */
function valuesOf(task: Task): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, text] of splitCanonical(task.paramsText))
    values.set(name, text.startsWith('"') ? (JSON.parse(text) as string) : text);
  return values.set(RESULT_FILE, task.tempFile);
}

function environmentOf(task: Task, values: ReadonlyMap<string, string>): Record<string, string> {
  const environment: Record<string, string> = {
    ENTROPIC_ID: task.id,
    ENTROPIC_RESULT_FILE: task.tempFile,
    ENTROPIC_ATTEMPT: String(task.attempt),
    ENTROPIC_SEED: String(Number.parseInt(task.id.slice(0, 8), 16)),
  };
  for (const [name, text] of values) {
    if (name !== RESULT_FILE && text.length < MAX_VARIABLE) environment[`ENTROPIC_PARAM_${name.toUpperCase()}`] = text;
  }
  return environment;
}

function linkInputs(inputs: readonly string[], folder: string): void {
  for (const input of inputs) {
    const name = join(folder, basename(input));
    // Links need a right of their own on Windows.
    if (process.platform === 'win32') copyFileSync(input, name);
    else symlinkSync(input, name);
  }
}

function leaveFolder(task: Task, { fs }: Seams): void {
  try {
    fs.removeDir(task.workDir);
  } catch {
    // It goes with the owner's folder.
  }
}
