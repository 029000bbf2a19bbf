// Makes a fresh clone ready to run: installs with the pinned pnpm, then builds. Called by the demo, the tests and the bench.
// Needs Node and npm only, so it imports nothing but Node's own modules.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const windows = process.platform === 'win32';

const installStamp = join(root, 'node_modules', '.entropic-bootstrap');
const buildStamp = join(root, 'node_modules', '.entropic-build');
const notSource = new Set(['node_modules', 'dist', '.turbo']);

/** Installs and builds what is missing or stale; quick when there is nothing to do. Throws a clear error. */
export function ensureReady() {
  checkNodeVersion();
  ensureInstalled();
  ensureBuilt();
}

/**
 * The environment for tools of this repository: its own binaries first, telemetry off.
 *
 * @returns {NodeJS.ProcessEnv}
 */
export function toolEnv(extra = {}) {
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', ...extra };
  const pathName = Object.keys(env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  env[pathName] = [join(root, 'node_modules', '.bin'), env[pathName]].filter(Boolean).join(delimiter);
  return env;
}

function checkNodeVersion() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const good =
    (major === 20 && minor >= 19) || (major === 22 && minor >= 13) || major > 24 || (major === 24 && minor >= 11);
  if (good) return;
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  throw new Error(`Node ${process.versions.node} is not supported; this repository needs Node ${engines.node}`);
}

function ensureInstalled() {
  const wanted = digestFiles([join(root, 'pnpm-lock.yaml'), join(root, 'pnpm-workspace.yaml')]);
  if (readStamp(installStamp) === wanted) return;
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  progress(`installing dependencies with ${packageManager} …`);
  const env = toolEnv({ CI: process.env.CI || '1' });
  // With NODE_ENV=production the development dependencies, the compiler among them, would be left out.
  delete env.NODE_ENV;
  runQuietly('npx', ['-y', packageManager, 'install', '--frozen-lockfile'], { env, shell: windows });
  writeFileSync(installStamp, `${wanted}\n`);
}

function ensureBuilt() {
  const packages = builtPackages();
  const wanted = digestFiles([
    join(root, 'tsconfig.base.json'),
    join(root, 'pnpm-lock.yaml'),
    ...packages.flatMap((folder) => sourceFiles(folder)),
  ]);
  if (readStamp(buildStamp) === wanted && packages.every((folder) => existsSync(join(folder, 'dist')))) return;
  progress('building …');
  // Removed first: a build that fails half-way must not pass for the one before it.
  rmSync(buildStamp, { force: true });
  const turbo = join(root, 'node_modules', 'turbo', 'bin', 'turbo');
  runQuietly(process.execPath, [turbo, 'run', 'build', '--output-logs=new-only'], { env: toolEnv() });
  writeFileSync(buildStamp, `${wanted}\n`);
}

function builtPackages() {
  return ['packages', 'apps']
    .map((group) => join(root, group))
    .filter((group) => existsSync(group))
    .flatMap((group) => readdirSync(group).map((name) => join(group, name)))
    .filter((folder) => {
      const manifest = join(folder, 'package.json');
      return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).scripts?.build !== undefined;
    })
    .sort();
}

function sourceFiles(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !notSource.has(entry.name) && !entry.name.endsWith('.test.ts'))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? sourceFiles(path) : [path];
    })
    .sort();
}

function digestFiles(paths) {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}\0`);
  for (const path of paths) {
    hash
      .update(`${relative(root, path).split(sep).join('/')}\0`)
      .update(readFileSync(path))
      .update('\0');
  }
  return hash.digest('hex');
}

function readStamp(path) {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}

/** Runs a command and keeps its output to itself, unless it fails. */
export function runQuietly(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024, ...options });
  if (result.error) throw new Error(`could not start ${command}: ${result.error.message}`);
  if (result.status === 0) return result.stdout;
  process.stderr.write(`${result.stdout}${result.stderr}`);
  throw new Error(`${[command, ...args].join(' ')} failed with ${result.signal ?? `exit code ${result.status}`}`);
}

/** One short line on stderr, so that stdout stays the output of what was asked for. */
export function progress(line) {
  process.stderr.write(`[entropic] ${line}\n`);
}

/** Runs `main` when the module at `url` is the script that was started; an error becomes one line and exit code 1. */
export async function runAsScript(url, main) {
  if (process.argv[1] === undefined || resolve(process.argv[1]) !== fileURLToPath(url)) return;
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    progress(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

await runAsScript(import.meta.url, () => ensureReady());
