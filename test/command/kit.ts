// What the tests of command runners share: a model with a column of each kind, and a store in a folder that goes with the test.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bool, type CommandRunner, defineResult, float, int, json, Store, text } from 'entropic';
import { onTestFinished } from 'vitest';

export const Model = defineResult('told', {
  n: int(),
  dt: float({ default: 0.1 }),
  label: text({ default: '' }),
  quick: bool({ default: false }),
  note: text({ nullable: true, default: null }),
  more: json({ default: {} }),
});

export const tells = new URL('./tells.py', import.meta.url);

/** A folder with these files. */
export function makeFolder(files: Readonly<Record<string, string>> = {}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'entropic-command-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

export async function openStore(runner: CommandRunner, folder = makeFolder()) {
  const store = await Store.open({
    ...{ model: Model, runner, resultsDir: join(folder, 'results'), dbUrl: `sqlite:///${join(folder, 'db')}` },
    durability: 'process',
  });
  onTestFinished(() => store.close());
  return store;
}
