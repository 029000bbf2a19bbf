// What is wrong with the way in which a process took a failing disk: an error without a code, a crash, a retry that failed.
import { callOf } from './sampling.js';
import type { Answer, Plan } from './trials.js';

/** @param plan what went wrong; undefined if nothing should have */
export function complaintsAbout(answer: Answer, plan: Plan | undefined): string[] {
  const complaints = [...answer.unhandled];
  for (const error of answer.errors) {
    const shown = `${error.phase}: ${error.name} ${error.code ?? 'without a code'} (${error.causes.join(' < ')}): ${error.message}`;
    if (plan === undefined || error.phase.endsWith('again')) complaints.push(`on a disk that is well, ${shown}`);
    else if (!error.code?.startsWith('ENTROPIC_')) complaints.push(shown);
    // A statement whose answer was lost is repeated, and finds what it did; only the opening has nothing to repeat yet.
    else if (plan.what === 'lost-after' && error.phase !== 'open') complaints.push(`not repeated: ${shown}`);
    else if (plan.what !== 'EIO' && plan.what !== 'lost-after' && !saysFull(error))
      complaints.push(`not called full: ${shown}`);
  }
  return complaints;
}

function saysFull({ code, reason, causes }: Answer['errors'][number]): boolean {
  if (code === 'ENTROPIC_STORE_FULL') return true;
  return (
    code === 'ENTROPIC_RUN_FAILED' &&
    reason === 'store' &&
    causes.some((cause) => /STORE_FULL|ENOSPC|EDQUOT/.test(cause))
  );
}

/**
 * Points that had to run once more in the failing process: their run was not sealed (read back, and its manifest written), or the
 * fsync of its result failed, after which the file is not to be trusted.
 */
export function mayRunAgain({ trace, strikes }: Answer): Set<string> {
  const ids = new Set<string>();
  let id: string | undefined;
  trace.forEach((step, index) => {
    const temp = /^fs\.(stat|digest|fsync) ([0-9a-f]{16})\.\d+\.dat$/.exec(step);
    if (temp?.[1] === 'digest') id = temp[2];
    if (!strikes.includes(index)) return;
    if (temp) ids.add(temp[2] as string);
    // The manifest of the run that was read back last.
    else if (id !== undefined && /^fs\.(append|openAppend)$/.test(callOf(step)) && inSeal(trace, index)) ids.add(id);
  });
  return ids;
}

/** Between the digest of a result and its manifest nothing else is called. */
function inSeal(trace: readonly string[], index: number): boolean {
  const before = trace.slice(0, index).findLast((step) => !step.startsWith('fs.openAppend'));
  return before !== undefined && /^fs\.digest [0-9a-f]{16}\.\d+\.dat$/.test(before);
}
