// Compares test/tags.json (what must have been tested) with the reports in .reports (what was), after a full test run.
//
// tags.json is a list of { "tag": "S4", "on": ["sqlite", "postgres"] }. A title begins with its tags: "[S4] a sentence",
// "[S4] [fault: truncated] a sentence"; the tags of an enclosing describe count for the tests in it. `on` names where a
// test must have passed (empty: anywhere); a test says it at the end of its title or of an enclosing describe:
// "… (sqlite)", "… (postgres, threads)". All tests of the suite node24 have "node24" as well.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { root, runAsScript } from './bootstrap.mjs';
import { reportFolder } from './suites.mjs';

/** The tags at the beginning of one title, without brackets. */
export function tagsOf(title) {
  const tags = [];
  for (let rest = title.trimStart(); rest.startsWith('['); ) {
    const end = rest.indexOf(']');
    if (end < 0) break;
    tags.push(rest.slice(1, end).trim());
    rest = rest.slice(end + 1).trimStart();
  }
  return tags;
}

/** The places named in brackets at the end of one title. */
export function placesOf(title) {
  const places = [];
  for (let rest = title.trimEnd(); ; ) {
    const match = /\s\(([^()]+)\)$/.exec(rest);
    if (match === null) return places;
    places.push(...match[1].split(',').map((place) => place.trim()));
    rest = rest.slice(0, match.index).trimEnd();
  }
}

/** Every required tag with the places where no test of it has passed (`anywhere` when `on` is empty). */
export function checkTags(required, reports) {
  const passedOn = new Map();
  for (const { suite, testResults } of reports) {
    for (const test of testResults.flatMap((file) => file.assertionResults)) {
      if (test.status !== 'passed') continue;
      const titles = [...test.ancestorTitles, test.title];
      const places = titles.flatMap(placesOf);
      if (suite === 'node24') places.push('node24');
      for (const tag of titles.flatMap(tagsOf)) passedOn.set(tag, new Set([...(passedOn.get(tag) ?? []), ...places]));
    }
  }
  return required.map(({ tag: written, on = [] }) => {
    const tag = written.replace(/^\[(.*)\]$/, '$1').trim();
    const places = passedOn.get(tag);
    if (places === undefined) return { tag, missing: on.length > 0 ? on : ['anywhere'] };
    return { tag, missing: on.filter((place) => !places.has(place)) };
  });
}

/** Reads the files, and counts a tag that is fully tested as passed; a missing one is printed. */
export function runTags() {
  const required = JSON.parse(readFileSync(join(root, 'test', 'tags.json'), 'utf8'));
  const names = existsSync(reportFolder) ? readdirSync(reportFolder).filter((name) => name.endsWith('.json')) : [];
  const reports = names.map((name) => ({
    suite: basename(name, '.json'),
    ...JSON.parse(readFileSync(join(reportFolder, name), 'utf8')),
  }));
  const missing = checkTags(required, reports).filter((result) => result.missing.length > 0);
  for (const result of missing) {
    process.stdout.write(`FAIL no passed test with the tag [${result.tag}]: ${result.missing.join(', ')}\n`);
  }
  return {
    passed: required.length - missing.length,
    failed: missing.length,
    skipped: 0,
    skippedTitles: [],
    problems: [],
  };
}

await runAsScript(import.meta.url, () => {
  const { passed, failed } = runTags();
  process.stdout.write(`tags: ${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
});
