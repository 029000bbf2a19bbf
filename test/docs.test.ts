// The documents are held to the code: generated pages, the quickstart, tables, ids, links, and the paths that are named.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defineResult, float, int, Store } from 'entropic';
import { describe, expect, it } from 'vitest';
import { describeEachDatabase } from './helpers/databases.js';
import { exampleFolder, root, runProcess } from './helpers/example.js';
import { blocksOf, documents } from './helpers/markdown.js';

const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** The tables of docs/reference/files.md, by the heading above each: rows of cells without their backticks. */
function tablesIn(path: string): Map<string, string[][]> {
  const tables = new Map<string, string[][]>();
  let heading = '';
  for (const line of read(path).split('\n')) {
    if (line.startsWith('#')) heading = line.replace(/^#+ /, '').replaceAll('`', '');
    if (!/^\| [^-]/.test(line)) continue;
    const cells = line.slice(1, line.lastIndexOf('|')).split('|');
    tables.set(heading, [...(tables.get(heading) ?? []), cells.map((cell) => cell.replaceAll('`', '').trim())]);
  }
  return tables;
}

describe('[docs] reference/errors.md', () => {
  it('is what scripts/errors-page.mjs makes of the comments in errors.ts', async () => {
    const script = join(root, 'scripts', 'errors-page.mjs');
    const program = `import { errorsPage } from ${JSON.stringify(script)}; process.stdout.write(errorsPage())`;
    const { stdout, stderr } = await runProcess(process.execPath, ['--input-type=module', '-e', program]);
    expect(stderr).toBe('');
    expect(stdout).toBe(read('docs/reference/errors.md'));
  });

  it('has a chapter for every code and a line for every reason', () => {
    const source = read('packages/core/src/errors.ts');
    const page = read('docs/reference/errors.md');
    const codes = new Set(source.match(/ENTROPIC_[A-Z_]*[A-Z]/g));
    expect(codes.size).toBeGreaterThan(10);
    for (const code of codes) expect(page).toContain(`## ${code}\n`);
    const union = /export type FailReason =([\s\S]*?);\n/.exec(source)?.[1] ?? '';
    const reasons = [...union.matchAll(/\| '([\w-]+)'/g)].map(([, reason]) => reason);
    expect(reasons.length).toBeGreaterThan(5);
    for (const reason of reasons) expect(page).toContain(`| \`${reason}\` | `);
  });
});

describe('[docs] quickstart.md', () => {
  it('shows nothing but lines of the example', () => {
    const example = ['main.ts', 'simulate.ts'].map((name) => readFileSync(join(exampleFolder, name), 'utf8')).join('');
    const programs = blocksOf('docs/quickstart.md').filter(({ lang }) => lang === 'ts');
    expect(programs.length).toBeGreaterThan(5);
    for (const { text } of programs) expect(example).toContain(text);
  });
});

describe('[docs] reference/files.md', () => {
  it('shows ids that are the digests of the texts beside them, and golden ones', () => {
    const rows = (tablesIn('docs/reference/files.md').get('Ids') as string[][]).slice(1);
    const golden = new Map(
      read('packages/core/src/testdata/golden-ids.jsonl')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { id: string; idText: string })
        .map(({ id, idText }) => [id, idText]),
    );
    expect(rows.length).toBeGreaterThan(5);
    for (const [, , text = '', id = ''] of rows) {
      expect(id).toBe(createHash('sha256').update(text).digest('hex').slice(0, 16));
      expect(golden.get(id)).toBe(text);
    }
  });
});

describeEachDatabase('[docs] reference/files.md on a real database', (db) => {
  it('lists the tables and the types that a store makes', async () => {
    const place = await db.fresh();
    const model = defineResult('results', { n: int(), dt: float() });
    const runner = ({ resultFile }: { resultFile: string }) => writeFileSync(resultFile, 'x');
    const { resultsDir, dbUrl } = place;
    const store = await Store.open({ model, runner, resultsDir, dbUrl });
    await store.runOrRetrieve({ n: 1, dt: 0.5 });
    await store.close();

    const sqlite = db.kind === 'sqlite';
    const listing = sqlite
      ? "SELECT m.name, c.name, c.type FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
      : `SELECT table_name, column_name, CASE data_type WHEN 'character varying' THEN 'VARCHAR(' || character_maximum_length || ')'
           WHEN 'timestamp with time zone' THEN 'TIMESTAMPTZ' ELSE upper(data_type) END
         FROM information_schema.columns WHERE table_schema = current_schema()`;
    const found = (await place.sql(listing)) as [string, string, string][];
    const documented = tablesIn('docs/reference/files.md');
    documented.set('results', documented.get('Your table') as string[][]);
    const ours = ['n', 'dt'];
    const wanted = [
      'results',
      ...new Set(found.map(([table]) => table).filter((table) => table !== 'results')),
    ].flatMap((table) =>
      (documented.get(table) ?? [])
        .slice(1)
        .map(([column, onSqlite, onPostgres]) => `${table}.${column} ${sqlite ? onSqlite : onPostgres}`),
    );
    const made = found.filter(([table, column]) => table !== 'results' || !ours.includes(column));
    expect(made.map(([table, column, type]) => `${table}.${column} ${type}`).sort()).toEqual(wanted.sort());
  });
});

describe('[docs] every document', () => {
  it('links only to files that are there', () => {
    const broken = documents().flatMap((path) =>
      [...read(path).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !existsSync(join(root, dirname(path), target)))
        .map((target) => `${path}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('names only files of this repository that are there', () => {
    const named = /`((?:packages|scripts|test|examples|docs)\/[\w./-]+\.\w+)`/g;
    const lost = documents().flatMap((path) =>
      [...read(path).matchAll(named)].map(([, file = '']) => file).filter((file) => !existsSync(join(root, file))),
    );
    expect(lost).toEqual([]);
  });

  it('is reached from the README', () => {
    const reached = new Set<string>();
    const follow = (path: string) => {
      if (reached.has(path)) return;
      reached.add(path);
      for (const [, target = ''] of read(path).matchAll(/\]\((?!https?:|#)([^)#]+\.md)/g)) {
        follow(join(dirname(path), target));
      }
    };
    follow('README.md');
    expect(documents().filter((path) => !reached.has(path) && !path.includes('decisions'))).toEqual([]);
  });

  it('keeps decisions short: context, decision and consequence in less than 40 lines', () => {
    const decisions = documents().filter((path) => /decisions\/\d{3}-/.test(path));
    expect(decisions.length).toBeGreaterThan(8);
    for (const path of decisions) {
      const text = read(path);
      expect(text.split('\n').length, path).toBeLessThan(40);
      expect(text, path).toMatch(/\*\*Context\.\*\*[\s\S]*\*\*Decision\.\*\*[\s\S]*\*\*Consequence\.\*\*/);
    }
  });
});
