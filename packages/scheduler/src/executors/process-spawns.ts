// Whether a run started processes: if none did, nobody has to look for what is left of them. Used by process-entry.ts, before any code of
// a runner is loaded.
import childProcess from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { syncBuiltinESMExports } from 'node:module';

let spawned = false;

/** Whether there was one since the last call. */
export function takeSpawned(): boolean {
  const was = spawned;
  spawned = false;
  return was;
}

subscribe('child_process', () => {
  spawned = true;
});

// The synchronous ones are not told there, and a shell may leave something behind: `sleep 60 &`.
const sync = childProcess as unknown as Record<string, (...args: unknown[]) => unknown>;
for (const name of ['spawnSync', 'execSync', 'execFileSync']) {
  const original = sync[name] as (...args: unknown[]) => unknown;
  sync[name] = Object.defineProperty(
    (...args: unknown[]) => {
      spawned = true;
      return original(...args);
    },
    'name',
    { value: name },
  );
}
syncBuiltinESMExports();
