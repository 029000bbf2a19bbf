// `npm run demo`, `npm run quickstart`: makes the clone ready and runs an example, named by its folder, with its exit code.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ensureReady, root, runAsScript } from './bootstrap.mjs';

await runAsScript(import.meta.url, () => {
  const example = join(root, 'examples', process.argv[2] ?? '02-ising');
  ensureReady();
  const tsx = join(example, 'node_modules', 'tsx', 'dist', 'cli.mjs');
  const child = spawn(process.execPath, [tsx, 'main.ts', ...process.argv.slice(3)], { cwd: example, stdio: 'inherit' });
  // The terminal sends Ctrl-C to the example too; this process only waits for it to end in its own way.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => done(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
});
