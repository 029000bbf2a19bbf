// The end of a run, in the slot that ran it: is there one whole result file, what is its digest; then the manifest. From the
// moment the manifest is written a killed run is recovered without running again. Called by every executor.
import { basename } from 'node:path';
import { columnCustomData, valueText } from './custom-data.js';
import { type FailReason, toWire } from './errors.js';
import type { JournalWriter } from './journal.js';
import { type FileStat, type FileSystem, isCode } from './seams.js';
import type { Manifest, Outcome, Task } from './task.js';

export interface SealOptions {
  fs: FileSystem;
  journal: JournalWriter;
  /** Milliseconds since 1970. */
  now: number;
  /** Seconds that the run took. */
  elapsedSeconds: number;
  /** What the runner returned. */
  value: unknown;
  /** For messages: what has ended, and where it was to write. */
  told?: { ended: string; place: string };
}

const FUNCTION = { ended: 'the runner returned', place: 'run.resultFile (also at params.resultFile)' };

/** A run that returned → its outcome. */
export async function sealRun(task: Task, options: SealOptions): Promise<Outcome> {
  const { fs, elapsedSeconds } = options;
  let value: string | undefined;
  let valueDropped: string | undefined;
  try {
    value = valueText(options.value);
  } catch (error) {
    // A run that finished is not lost over what it returned.
    valueDropped = error instanceof Error ? error.message : String(error);
  }
  try {
    const digest = await fs.digest(task.tempFile, true);
    if (digest.size === 0) throw new Error('the result file is empty');
    const manifest: Manifest = {
      id: task.id,
      fence: task.fence,
      attempt: task.attempt,
      forced: task.forced,
      file: basename(task.tempFile),
      paramsText: task.paramsText,
      ...digest,
      codeDigest: task.codeDigest,
      elapsedSeconds,
      createdAt: options.now,
      customData: columnCustomData(task.userData, elapsedSeconds, value),
    };
    options.journal.manifest(manifest);
    return valueDropped === undefined
      ? { status: 'finished', manifest }
      : { status: 'finished', manifest, valueDropped };
  } catch (error) {
    // Looked at only now: nearly every run has written its file.
    const problem = outputProblem(fs.stat(task.tempFile), task, options.told ?? FUNCTION);
    if (problem) return failedOutcome(problem.reason, problem.message, elapsedSeconds);
    const what = isCode(error, 'ENOSPC', 'EDQUOT')
      ? 'no space left for the manifest'
      : 'the result file could not be read back';
    return {
      ...failedOutcome('store', `${what}: ${(error as Error).message}`, elapsedSeconds),
      error: toWire(error),
    } as Outcome;
  }
}

/** A run that threw, or was stopped → its outcome. */
export function failedOutcome(reason: FailReason, message: string, elapsedSeconds: number, error?: unknown): Outcome {
  const outcome = { status: 'failed', reason, message, elapsedSeconds } as const;
  return error === undefined ? outcome : { ...outcome, error: toWire(error) };
}

function outputProblem(
  stat: FileStat | null,
  task: Task,
  { ended, place }: { ended: string; place: string },
): { reason: FailReason; message: string } | undefined {
  if (stat === null) {
    return {
      reason: 'no-output',
      message: `${ended} without writing its result: write one file to ${place}`,
    };
  }
  if (stat.kind === 'folder') {
    return {
      reason: 'bad-output',
      message:
        'the runner made a folder in place of its result file: write one file, for instance an archive of the folder',
    };
  }
  if (stat.kind === 'link') {
    return {
      reason: 'bad-output',
      message: 'the runner put a link in place of its result file: copy the content there instead',
    };
  }
  if (stat.kind === 'other')
    return { reason: 'bad-output', message: `the result at ${basename(task.tempFile)} is no regular file` };
  if (stat.size === 0)
    return { reason: 'no-output', message: 'the runner wrote an empty result file: a result has at least one byte' };
  return undefined;
}
