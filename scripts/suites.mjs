// How each test suite is run and counted; scripts/test.mjs chooses the suites and adds them up.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { root, toolEnv } from './bootstrap.mjs';

export const reportFolder = join(root, '.reports');

const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');

export function reportPath(name) {
  return join(reportFolder, `${name}.json`);
}

/** Runs one vitest project and reads the counts from its JSON report, never from its exit code alone. */
export function runVitest(name, { project = name, node = process.execPath, env = {}, args = [] } = {}) {
  const report = reportPath(name);
  mkdirSync(reportFolder, { recursive: true });
  rmSync(report, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const result = spawnSync(node, [vitest, 'run', '--project', project, ...reporters, ...args], {
    cwd: root,
    env: toolEnv(env),
    stdio: 'inherit',
  });
  const counts = existsSync(report) ? countTests(JSON.parse(readFileSync(report, 'utf8'))) : emptyCounts();
  // An unhandled error or a crashed worker fails no test of its own.
  if (result.status !== 0 && counts.failed === 0) {
    counts.problems.push(`vitest ended with ${result.signal ?? `exit code ${result.status}`}`);
  }
  return counts;
}

function emptyCounts() {
  return { passed: 0, failed: 0, skipped: 0, skippedTitles: [], problems: [] };
}

/** The counts of a report in vitest's form. */
export function countTests(report) {
  const counts = emptyCounts();
  for (const file of report.testResults) {
    const tests = file.assertionResults;
    // A file that does not load, or whose setup throws, has no failed test to show for it.
    if (file.status === 'failed' && !tests.some((test) => test.status === 'failed')) {
      counts.problems.push(`${shown(file.name)} could not be run`);
    }
    for (const test of tests) {
      if (test.status === 'passed') counts.passed += 1;
      else if (test.status === 'failed') counts.failed += 1;
      else {
        counts.skipped += 1;
        counts.skippedTitles.push(test.fullName);
      }
    }
  }
  return counts;
}

/** Format, lint and types of everything that is not emitted by the build; one count for each tool run. */
export function runCheck() {
  const steps = [{ title: 'biome', args: [biome, 'check', '.'] }];
  for (const name of readdirSync(join(root, 'packages'))) {
    const project = join(root, 'packages', name, 'tsconfig.test.json');
    if (existsSync(project) && hasFile(join(root, 'packages', name, 'src'), '.test.ts')) steps.push(typeStep(project));
  }
  if (hasFile(join(root, 'test'), '.ts', ['types'])) steps.push(typeStep(join(root, 'test', 'tsconfig.json')));
  if (hasFile(join(root, 'examples'), '.ts')) steps.push(typeStep(join(root, 'examples', 'tsconfig.json')));
  if (existsSync(join(root, 'bench', 'tsconfig.json'))) steps.push(typeStep(join(root, 'bench', 'tsconfig.json')));
  steps.push(typeStep(join(root, 'tsconfig.tools.json')));

  const counts = emptyCounts();
  for (const { title, args } of steps) {
    const result = spawnSync(process.execPath, args, { cwd: root, env: toolEnv(), stdio: 'inherit' });
    process.stdout.write(`${result.status === 0 ? 'ok  ' : 'FAIL'} ${title}\n`);
    if (result.status === 0) counts.passed += 1;
    else counts.failed += 1;
  }
  return counts;
}

function typeStep(project) {
  return { title: `types of ${shown(project)}`, args: [tsc, '--noEmit', '-p', project] };
}

/**
 * The files in test/types are compiled, not run: a line `// [tag] sentence` in one is a test, a file without such a line
 * is one test by its name, and all tests of a file fail when it has a type error (an unused @ts-expect-error is one).
 */
export function runTypes() {
  const folder = join(root, 'test', 'types');
  const counts = emptyCounts();
  const files = existsSync(folder) ? listFiles(folder).filter((path) => path.endsWith('.ts')) : [];
  if (files.length === 0) return counts;
  const result = spawnSync(process.execPath, [tsc, '--noEmit', '--pretty', 'false', '-p', folder], {
    cwd: root,
    env: toolEnv(),
    encoding: 'utf8',
  });
  process.stdout.write(`${result.stdout}${result.stderr}`);
  const withErrors = new Set([...result.stdout.matchAll(/^(.+?)\(\d+,\d+\): error /gm)].map((match) => match[1]));
  const testResults = files.map((path) => {
    const status = withErrors.has(shown(path)) ? 'failed' : 'passed';
    const titles = [...readFileSync(path, 'utf8').matchAll(/^\s*\/\/ (\[.+\].*)$/gm)].map((match) => match[1].trim());
    if (titles.length === 0) titles.push(shown(path));
    const assertionResults = titles.map((title) => ({ ancestorTitles: [], title, fullName: title, status }));
    return { name: path, status, assertionResults };
  });
  mkdirSync(reportFolder, { recursive: true });
  writeFileSync(reportPath('types'), JSON.stringify({ testResults }, null, 2));
  Object.assign(counts, countTests({ testResults }));
  if (result.status !== 0 && counts.failed === 0) counts.problems.push(`tsc ended with exit code ${result.status}`);
  return counts;
}

function hasFile(folder, ending, without = []) {
  return existsSync(folder) && listFiles(folder, without).some((path) => path.endsWith(ending));
}

function listFiles(folder, without = []) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.name !== 'node_modules' && !without.includes(entry.name))
    .flatMap((entry) => (entry.isDirectory() ? listFiles(join(folder, entry.name)) : [join(folder, entry.name)]))
    .sort();
}

function shown(path) {
  return relative(root, path).split(sep).join('/');
}
