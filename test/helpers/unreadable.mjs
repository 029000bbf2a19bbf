// A result file without permission to read it. Root may read everything, so that this script, when root runs it, gives its folder
// to another user and goes on as that one. Prints what it found as JSON.
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineResult, int, Store } from 'entropic';

const NOBODY = 65534;
const folder = mkdtempSync(join(tmpdir(), 'entropic-unreadable-'));
const resultsDir = join(folder, 'results');
const isRoot = process.getuid() === 0;
try {
  let executions = 0;
  const store = await Store.open({
    model: defineResult('toy', { n: int() }),
    runner({ n, resultFile }) {
      executions++;
      writeFileSync(resultFile, `the result of n = ${n}\n`);
    },
    resultsDir,
    dbUrl: `sqlite:///${folder}/runs.sqlite3`,
  });
  const { resultFile } = await store.run({ n: 1 });
  writeFileSync(resultFile, 'the SECRET of n = 1\n');
  chmodSync(resultFile, 0);
  if (isRoot) {
    for (const path of [folder, ...readdirSync(folder, { recursive: true }).map((name) => join(folder, name))]) {
      chownSync(path, NOBODY, NOBODY);
    }
    process.seteuid(NOBODY);
  }
  let readable = 'yes';
  try {
    readFileSync(resultFile);
  } catch (error) {
    readable = error.code;
  }
  const look = () => readdirSync(resultsDir).map((name) => [name, statSync(join(resultsDir, name)).ino]);
  const before = JSON.stringify(look());
  const retrieved = await store.retrieve({ n: 1 });
  await store.verify();
  const unchanged = JSON.stringify(look()) === before;
  const again = await store.runOrRetrieve({ n: 1 });
  const content = readFileSync(again.resultFile, 'utf8');
  const after = (await store.verify()).problems;
  await store.close();
  if (isRoot) process.seteuid(0);
  const quarantine = join(resultsDir, '.quarantine');
  const quarantined = readdirSync(quarantine).map((name) => {
    chmodSync(join(quarantine, name), 0o600);
    return readFileSync(join(quarantine, name), 'utf8');
  });
  console.log(JSON.stringify({ readable, retrieved, unchanged, content, executions, quarantined, after }));
} finally {
  if (isRoot) process.seteuid(0);
  rmSync(folder, { recursive: true, force: true });
}
