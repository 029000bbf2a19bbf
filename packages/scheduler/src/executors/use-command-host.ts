// The way to the process that starts commands for this one: begun with the first command, ended with the last user. If it is killed, what
// it ran is ended and told as lost, and the next command has a new one. Called by command.ts.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { realSeams } from '@entropic/core/internal';
import { type CommandSpec, type HostAnswer, type HostOrder, MARK_VARIABLE } from './command-messages.js';
import { markedProcesses } from './marked-processes.js';
import { signalTo } from './system-processes.js';

export type HostedEnd = Extract<HostAnswer, { type: 'ended' }>['end'];

/** The process that ran the command went away. */
export class HostLost extends Error {}

export interface CommandHost {
  /** @throws the system's error if it could not be started, HostLost */
  run(spec: CommandSpec, signal: AbortSignal | undefined): Promise<HostedEnd>;
  /** No more commands of this user. Idempotent. */
  release(): void;
}

interface Flight {
  group: number | undefined;
  resolve(end: HostedEnd): void;
  reject(error: Error): void;
}

/** One of these for all users in this process. */
let host: Host | undefined;
let users = 0;

export function useCommandHost(): CommandHost {
  users++;
  host ??= new Host();
  let released = false;
  return {
    run(spec, signal) {
      host ??= new Host();
      return host.run(spec, signal);
    },
    release() {
      if (released) return;
      released = true;
      if (--users > 0) return;
      host?.end();
      host = undefined;
    },
  };
}

class Host {
  readonly #mark = realSeams.ids.nonce();
  readonly #flights = new Map<number, Flight>();
  readonly #child: ChildProcess;
  #key = 0;

  constructor() {
    const script = fileURLToPath(new URL('./command-host.js', import.meta.url));
    this.#child = fork(script, [String(process.pid), this.#mark], {
      // In a session of its own: Ctrl-C is for the program, which may want to end in its own way.
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: ['--max-old-space-size=64'],
      env: { ...process.env, NODE_OPTIONS: '', NODE_V8_COVERAGE: '', [MARK_VARIABLE]: '' },
    });
    this.#child.on('message', (answer: HostAnswer) => this.#hear(answer));
    this.#child.on('error', (error) => this.#lose(error));
    this.#child.on('exit', () => this.#lose(new HostLost('the process that starts commands was killed')));
    this.#child.unref();
    this.#child.channel?.unref();
  }

  run(spec: CommandSpec, signal: AbortSignal | undefined): Promise<HostedEnd> {
    const key = ++this.#key;
    const onAbort = () => this.#order({ type: 'stop', key });
    const env = { ...spec.env, [MARK_VARIABLE]: this.#mark };
    return new Promise<HostedEnd>((resolve, reject) => {
      this.#flights.set(key, { group: undefined, resolve, reject });
      // While a command runs this process is not to end for want of anything to do.
      this.#child.channel?.ref();
      this.#order({ type: 'run', key, spec: { ...spec, env } });
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted) onAbort();
    }).finally(() => {
      signal?.removeEventListener('abort', onAbort);
      this.#flights.delete(key);
      if (this.#flights.size === 0) this.#child.channel?.unref();
    });
  }

  end(): void {
    this.#order({ type: 'done' });
  }

  #order(order: HostOrder): void {
    // A host that has gone is told of by `exit`.
    if (this.#child.connected) this.#child.send(order, () => {});
  }

  #hear(answer: HostAnswer): void {
    const flight = this.#flights.get(answer.key);
    if (!flight) return;
    if (answer.type === 'started') flight.group = answer.group;
    else if (answer.type === 'ended') flight.resolve(answer.end);
    else flight.reject(Object.assign(new Error(answer.message), { code: answer.code }));
  }

  /** What it ran has nobody to see to it any more. */
  #lose(error: Error): void {
    if (host === this) host = undefined;
    if (this.#flights.size === 0) return;
    for (const { group } of this.#flights.values()) if (group !== undefined) signalTo(-group, 'SIGKILL');
    for (const pid of markedProcesses(this.#mark)) signalTo(pid, 'SIGKILL');
    for (const flight of this.#flights.values()) flight.reject(error);
  }
}
