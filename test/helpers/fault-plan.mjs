// One step of many goes wrong: the plan counts every call that passes through it, and at the chosen one it kills this process
// (a real SIGKILL), or throws what a bad disk makes the system throw. Used by faulty-fs.mjs, faulty-database.mjs, fault-child.mjs.
//
// A plan is { what, at, call? }: `what` is kill-before, kill-half, kill-after, EIO, ENOSPC, EDQUOT or lost-after (the answer to a
// statement is lost); `at` counts from 1, among the calls named `call` ("fs.link", "db.COMMIT") or among all of them; with
// `lasting`, every call from that one on that needs space fails too, until `heal()`.
import { writeSync } from 'node:fs';

/** Calls that ask the disk for space. */
const NEED_SPACE = new Set([
  'fs.makeDir',
  'fs.writeNew',
  'fs.openAppend',
  'fs.append',
  'fs.link',
  'fs.rename',
  'db.COMMIT',
]);

export class FaultPlan {
  #plan;
  #seen = 0;
  #healed = false;
  /** Names of all calls, in order: "fs.stat", "db.BEGIN IMMEDIATE", "user.half". */
  trace = [];
  /** The call that went wrong first, and the places in the trace of all that did. */
  struck;
  strikes = [];

  constructor(plan) {
    this.#plan = plan;
  }

  /** The disk is well again. */
  heal() {
    this.#healed = true;
  }

  /**
   * Does one call, unless it is the one.
   * @param error makes the error that the system would throw for a code such as ENOSPC
   * @param half does half of the call, where there is such a thing
   */
  around(name, call, { error = systemError, half, detail } = {}) {
    this.trace.push(detail === undefined ? name : `${name} ${detail}`);
    const what = this.#whatFor(name);
    if (what === undefined) return call();
    this.struck ??= this.trace.at(-1);
    this.strikes.push(this.trace.length - 1);
    if (what === 'kill-before') this.#kill();
    if (what === 'kill-half') {
      half?.();
      this.#kill();
    }
    if (what === 'kill-after' || what === 'lost-after') return this.#after(call, what, error);
    // A full disk takes what it can of a line before it says no.
    if (what !== 'EIO') half?.();
    throw error(what, name);
  }

  #after(call, what, error) {
    const end = (result) => {
      if (what === 'kill-after') this.#kill();
      else throw error(what);
      return result;
    };
    const result = call();
    return typeof result?.then === 'function' ? result.then(end) : end(result);
  }

  #whatFor(name) {
    const plan = this.#plan;
    if (plan === undefined || this.#healed) return undefined;
    if (plan.call === undefined || plan.call === name) this.#seen++;
    else if (!plan.lasting) return undefined;
    if (this.#seen === plan.at && this.struck === undefined && (plan.call ?? name) === name) return plan.what;
    return plan.lasting && this.#seen >= plan.at && NEED_SPACE.has(name) ? plan.what : undefined;
  }

  #kill() {
    writeSync(1, `${JSON.stringify({ killedAt: this.struck, step: this.trace.length })}\n`);
    process.kill(process.pid, 'SIGKILL');
    // Never reached: the signal is there when the call returns. If it were not, the trial would fail by its exit code.
    process.exit(99);
  }
}

/** As Node's own: `code`, `syscall`, `errno`. */
export function systemError(code, name) {
  const texts = { EIO: 'i/o error', ENOSPC: 'no space left on device', EDQUOT: 'disk quota exceeded' };
  const errnos = { EIO: -5, ENOSPC: -28, EDQUOT: -122 };
  const syscall = name.slice(name.indexOf('.') + 1);
  return Object.assign(new Error(`${code}: ${texts[code]}, ${syscall}`), { code, syscall, errno: errnos[code] });
}
