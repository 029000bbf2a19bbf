// The suite `bench`: the whole bench with few points and without peers, as a smoke test. A row that fails or prints no figure is a
// failed test; how fast anything was is none. Called by scripts/test.mjs.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { casesOf, rowNames } from '../bench/targets.mjs';
import { root, toolEnv } from './bootstrap.mjs';
import { countTests, reportFolder, reportPath } from './suites.mjs';

/** It takes half a minute; a busy machine may need a few times that. */
const MINUTES = 5;
const GROWTH_KINDS = ['hits', 'plan', 'misses'];

export function runBenchSmoke() {
  const out = mkdtempSync(join(tmpdir(), 'entropic-bench-smoke-'));
  try {
    const problems = [];
    const run = (script, args) => {
      const result = spawnSync(process.execPath, [join(root, 'bench', script), '--small', '--out', out, ...args], {
        cwd: root,
        env: toolEnv({ TMPDIR: out }),
        stdio: 'inherit',
        timeout: MINUTES * 60_000,
      });
      if (result.status !== 0)
        problems.push(`bench/${script} ended with ${result.signal ?? `exit code ${result.status}`}`);
    };
    run('run.mjs', ['--no-peers']);
    run('growth.mjs', []);
    run('profile.mjs', []);
    const tests = [...rowTests(readJson(join(out, 'results.json'))), ...growthTests(out), profileTest(out)];
    const testResults = [{ name: join(root, 'bench'), status: 'passed', assertionResults: tests }];
    mkdirSync(reportFolder, { recursive: true });
    writeFileSync(reportPath('bench'), JSON.stringify({ testResults }, null, 2));
    const counts = countTests({ testResults });
    // What ended badly shows as failed tests; alone it stands only if all figures were there.
    if (counts.failed === 0) counts.problems.push(...problems);
    return counts;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function rowTests(results) {
  return rowNames.map((row) => {
    const problems = (results?.problems ?? ['the bench left no results']).filter(
      (problem) => results === undefined || problem.startsWith(`${row} `),
    );
    const printed = new Set((results?.summaries ?? []).map((summary) => summary.case));
    const missing = casesOf(row).filter((name) => !printed.has(name));
    return test(`[bench: ${row}] the row ends well and prints each of its figures`, problems.concat(missing));
  });
}

function growthTests(out) {
  const growth = readJson(join(out, 'growth.json'));
  const measured = GROWTH_KINDS.map((kind) => {
    const good = (growth?.samples ?? []).some((one) => one.kind === kind && one.usPerPoint > 0 && one.peakMb > 0);
    return test(`[bench: growth] ${kind} are measured, their time and their memory`, good ? [] : ['no figure']);
  });
  const drawn = ['time', 'memory'].map((what) => {
    const file = join(out, `growth-${what}.svg`);
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('class="line').length - 1 : 0;
    // A line for each kind, and one beside its name.
    const problems = lines === 2 * GROWTH_KINDS.length ? [] : [`${lines} lines`];
    return test(`[bench: growth] the picture of ${what} shows all of them`, problems);
  });
  return [...measured, ...drawn];
}

function profileTest(out) {
  const columns = readJson(join(out, 'profile.json')) ?? [];
  const problems = columns.length === 4 ? [] : [`${columns.length} columns`];
  for (const { name, total, parts } of columns) {
    const sum = Object.values(parts).reduce((all, each) => all + each, 0);
    if (!(total > 0) || Math.abs(sum - total) > total / 1000)
      problems.push(`${name}: parts of ${sum} µs, in all ${total} µs`);
  }
  return test('[bench: profile] the parts of a miss and of a hit add up', problems);
}

function test(title, failureMessages) {
  const status = failureMessages.length === 0 ? 'passed' : 'failed';
  process.stdout.write(`${status === 'passed' ? 'ok  ' : 'FAIL'} ${title}\n`);
  for (const message of failureMessages) process.stdout.write(`       ${message}\n`);
  return { ancestorTitles: [], title, fullName: title, status, failureMessages };
}

function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}
