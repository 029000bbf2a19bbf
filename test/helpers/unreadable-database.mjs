// A database without permission: its folder, or the file itself. Root may read everything, so that this script, when root runs it,
// goes on as another user. Prints what it was told as JSON.
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineResult, int, Store } from 'entropic';

const NOBODY = 65534;
const isRoot = process.getuid() === 0;
const folder = mkdtempSync(join(tmpdir(), 'entropic-unreadable-database-'));
const database = join(folder, 'inner', 'runs.sqlite3');

function open(options = {}) {
  return Store.open({
    model: defineResult('toy', { n: int() }),
    runner: ({ resultFile }) => writeFileSync(resultFile, 'x'),
    resultsDir: join(folder, 'results'),
    dbUrl: `sqlite:${database}`,
    ...options,
  });
}

async function told(options) {
  try {
    const store = await open(options);
    try {
      return { found: (await store.retrieve({ n: 1 })) !== null, ...(await runs(store)) };
    } finally {
      await store.close();
    }
  } catch ({ name, code, message }) {
    return { name, code, message };
  }
}

async function runs(store) {
  try {
    await store.run({ n: 2 });
    return { ran: true };
  } catch ({ name, code, message }) {
    return { name, code, message };
  }
}

try {
  mkdirSync(join(folder, 'inner'));
  const store = await open();
  await store.run({ n: 1 });
  await store.close();
  if (isRoot) {
    for (const path of [folder, ...readdirSync(folder, { recursive: true }).map((name) => join(folder, name))]) {
      chownSync(path, NOBODY, NOBODY);
    }
    process.seteuid(NOBODY);
  }
  const answer = {};
  chmodSync(join(folder, 'inner'), 0);
  answer.folder = await told();
  answer.folderReadOnly = await told({ readOnly: true });
  chmodSync(join(folder, 'inner'), 0o700);
  chmodSync(database, 0);
  answer.file = await told();
  chmodSync(database, 0o400);
  answer.fileNotWritable = await told();
  console.log(JSON.stringify(answer));
} finally {
  if (isRoot) process.seteuid(0);
  rmSync(folder, { recursive: true, force: true });
}
