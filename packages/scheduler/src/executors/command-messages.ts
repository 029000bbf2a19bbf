// What travels between a program that runs commands and the process that starts them for it. Shared by command-host.ts and
// use-command-host.ts.

/** One run, as plain data. */
export interface CommandSpec {
  /** The program and its arguments. */
  argv: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  stdin: string;
  /** Seconds from its start. */
  timeout: number | undefined;
  /** Bytes. */
  memoryLimit: number | undefined;
  /** Absolute path of the log. */
  log: string;
}

export type StopReason = 'timeout' | 'aborted' | 'oom';

export interface CommandEnd {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  /** Why it was asked to end, if it was. */
  stopped: StopReason | undefined;
  /** The end of what it said on standard error. */
  errorText: string;
}

/** To the host. `done`: nothing will come any more. */
export type HostOrder =
  | { type: 'run'; key: number; spec: CommandSpec }
  | { type: 'stop'; key: number }
  | { type: 'done' };

/** From the host. `failed`: the system could not start it. */
export type HostAnswer =
  | { type: 'started'; key: number; group: number }
  | { type: 'ended'; key: number; end: CommandEnd & { seconds: number; peakBytes: number | undefined } }
  | { type: 'failed'; key: number; message: string; code: string | undefined };

/** In the environment of every command: what is left of one that went into a group of its own is found by it. */
export const MARK_VARIABLE = 'ENTROPIC_HOST';
