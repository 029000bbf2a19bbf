// One program from its start to its end: its process group, its output, and how it is stopped. Called in the host, by command-host.ts.
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandEnd, CommandSpec, StopReason } from './command-messages.js';
import { GRACE_MS, MAX_TIMER } from './run-context.js';
import { signalTo } from './system-processes.js';

/** How long nothing may come any more of its output after its end: what it left behind outside its group may hold the pipe. */
const QUIET_MS = 500;
const LOOK_MS = 20;
/** Of its standard error, for messages. */
const TAIL_BYTES = 4096;

export interface CommandStart extends Omit<CommandSpec, 'log' | 'memoryLimit'> {
  signal: AbortSignal;
  /** Everything it prints, in the pieces in which it comes. */
  onOutput(bytes: Uint8Array): void;
  /** It runs, as the leader of a process group of this id; until the promise is settled. */
  onStart(group: number, stop: (why: StopReason, force: boolean) => void): void;
}

/** @throws the system's error if it could not be started */
export async function runCommand(start: CommandStart): Promise<CommandEnd> {
  const { argv, cwd, env, timeout, signal } = start;
  const [program = '', ...args] = argv;
  // Of a group of its own, so that what it starts ends with it.
  const child = spawn(program, args, { cwd, env: { ...env }, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  const group = child.pid;
  const ended = new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (exitCode, byWhich) => resolve([exitCode, byWhich]));
  });
  const output = listen(child, start.onOutput);
  if (group === undefined) return ended as never;
  let stopped: StopReason | undefined;
  let timer: NodeJS.Timeout | undefined;
  const stop = (why: StopReason, force: boolean) => {
    if (stopped !== undefined) return;
    stopped = why;
    clearTimeout(timer);
    signalTo(-group, force ? 'SIGKILL' : 'SIGTERM');
    timer = setTimeout(() => signalTo(-group, 'SIGKILL'), GRACE_MS);
  };
  const onAbort = () => stop('aborted', false);
  try {
    if (timeout !== undefined) {
      // Not at once: if this thread was held up, the end of the program may be in the queue behind the timer.
      const onTimeout = () => setImmediate(() => stop('timeout', false));
      timer = setTimeout(onTimeout, Math.min(Math.ceil(timeout * 1000), MAX_TIMER));
    }
    signal.addEventListener('abort', onAbort, { once: true });
    child.stdin?.end(start.stdin);
    start.onStart(group, stop);
    const [exitCode, byWhich] = await ended;
    const why = stopped;
    // From here on it cannot be stopped: the number of the group may soon be another's.
    stopped ??= 'aborted';
    clearTimeout(timer);
    await endGroup(group);
    await output.drained();
    return { exitCode, signal: byWhich, stopped: why, errorText: output.errorText() };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}

/** Hands on what it prints, and keeps the end of its standard error. */
function listen(child: ChildProcess, onOutput: (bytes: Uint8Array) => void) {
  let tail = Buffer.alloc(0);
  let pieces = 0;
  const hear = (bytes: Buffer) => {
    pieces++;
    onOutput(bytes);
  };
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  // It need not read what it is given.
  child.stdin?.on('error', () => {});
  child.stdout?.on('data', hear).on('error', () => {});
  child.stderr
    ?.on('data', (bytes: Buffer) => {
      hear(bytes);
      tail = Buffer.concat([tail, bytes]).subarray(-TAIL_BYTES);
    })
    .on('error', () => {});
  return {
    errorText: () => tail.toString('utf8'),
    async drained(): Promise<void> {
      let over = false;
      void closed.then(() => {
        over = true;
      });
      // In short steps: a busy machine must not take the time for a silence.
      for (let quiet = 0, seen = pieces; !over && quiet < QUIET_MS; quiet = seen === pieces ? quiet + LOOK_MS : 0) {
        seen = pieces;
        await Promise.race([closed, sleep(LOOK_MS)]);
      }
    },
  };
}

/** Kills what the program left behind in its group, and waits until it is gone: it could write to the result. */
async function endGroup(group: number): Promise<void> {
  for (let wait = 1; signalTo(-group, 'SIGKILL') && wait < 300; wait *= 2) await sleep(wait);
}
