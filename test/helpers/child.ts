// Runs a script of test/helpers in a process of its own, to its end.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface ChildResult {
  code: number | string | null;
  stdout: string;
  stderr: string;
}

/** @param script a file beside this one */
export function runChild(
  script: string,
  argument: unknown,
  options: { cwd?: string; env?: NodeJS.ProcessEnv; nodeArgs?: string[] } = {},
): Promise<ChildResult> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const { cwd, env, nodeArgs = [] } = options;
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...nodeArgs, path, JSON.stringify(argument)],
      { cwd, env: { ...process.env, ...env }, timeout: 50_000, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => resolve({ code: error ? (error.code ?? error.signal ?? -1) : 0, stdout, stderr }),
    );
    child.stdin?.end();
  });
}

/** What a script said as JSON; a script that failed or wrote to stderr fails the test. */
export async function askChild<T>(...args: Parameters<typeof runChild>): Promise<T> {
  const { code, stdout, stderr } = await runChild(...args);
  if (code !== 0 || stderr !== '') throw new Error(`${args[0]} ended with ${code}:\n${stderr}\n${stdout}`);
  return JSON.parse(stdout) as T;
}
