// `npm test`: makes the clone ready and runs every suite; `node scripts/test.mjs unit types` runs only those.
// What stands after `--` goes to vitest: `node scripts/test.mjs unit -- id -t golden`.
import { rmSync } from 'node:fs';
import { runBenchSmoke } from './bench-suite.mjs';
import { ensureReady, runAsScript } from './bootstrap.mjs';
import { runTags } from './check-tags.mjs';
import { runNode24 } from './node24.mjs';
import { reportFolder, runCheck, runTypes, runVitest } from './suites.mjs';

const suites = {
  check: () => runCheck(),
  types: () => runTypes(),
  unit: (args) => runVitest('unit', { args }),
  integration: (args) => runVitest('integration', { args }),
  faults: (args) => runVitest('faults', { args }),
  node24: (args) => runNode24(args),
  bench: () => runBenchSmoke(),
  tags: () => runTags(),
};
const inCi = !['', '0', 'false'].includes((process.env.CI ?? '').toLowerCase());

await runAsScript(import.meta.url, () => {
  const split = process.argv.indexOf('--', 2);
  const chosen = process.argv.slice(2, split < 0 ? undefined : split);
  const vitestArgs = split < 0 ? [] : process.argv.slice(split + 1);
  for (const name of chosen) {
    if (!Object.hasOwn(suites, name))
      throw new Error(`no suite "${name}"; there are ${Object.keys(suites).join(', ')}`);
  }
  ensureReady();
  // The tags are read from all reports, so a full run starts without those of the run before it.
  if (chosen.length === 0) rmSync(reportFolder, { recursive: true, force: true });
  return runSuites(chosen.length > 0 ? chosen : Object.keys(suites), vitestArgs);
});

function runSuites(names, vitestArgs) {
  const lines = [];
  const total = { passed: 0, failed: 0 };
  for (const name of names) {
    const started = performance.now();
    process.stdout.write(`\n── ${name}\n`);
    const counts = runSuite(name, vitestArgs);
    for (const problem of counts.problems) process.stdout.write(`FAIL ${name}: ${problem}\n`);
    const failed = counts.failed + counts.problems.length;
    const minutes = ((performance.now() - started) / 60_000).toFixed(2);
    const line = `suite ${name}: ${counts.passed} passed, ${failed} failed, ${counts.skipped} skipped, ${minutes} min`;
    process.stdout.write(`${line}\n`);
    lines.push(line);
    total.passed += counts.passed;
    total.failed += failed;
  }
  process.stdout.write(`\n${lines.join('\n')}\n`);
  process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
  return total.failed === 0 ? 0 : 1;
}

/** A suite's counts with the rules that hold for all: it ran something, and in CI it skipped nothing. */
function runSuite(name, vitestArgs) {
  let counts;
  try {
    counts = suites[name](vitestArgs);
  } catch (error) {
    return { passed: 0, failed: 0, skipped: 0, problems: [error instanceof Error ? error.message : String(error)] };
  }
  const ran = counts.passed + counts.failed + counts.problems.length > 0;
  if (name !== 'tags' && !ran) counts.problems.push('no test was run');
  if (inCi) counts.problems.push(...counts.skippedTitles.map((title) => `skipped, which CI does not allow: ${title}`));
  return counts;
}
