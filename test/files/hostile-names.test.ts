// Names and places that a user, or whoever stands behind one, may pass: nothing is ever written outside the results folder and the
// database, and nothing is changed that all objects share.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineResult, int, Store, text } from 'entropic';
import { EntitySchema } from 'typeorm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeDatabase, describeEachDatabase } from '../helpers/databases.js';
import { countingRunner, type Entry, expectWhole, idOfToy, openToy, snapshot, Toy } from '../helpers/lab.js';

// biome-ignore lint/suspicious/noExplicitAny: what the compiler would refuse is what is tried here
type Anything = any;

let prototypes: string[][];
const shapes = () =>
  [Object.prototype, Array.prototype, Function.prototype].map((shared) => Reflect.ownKeys(shared).map(String));
beforeEach(() => {
  prototypes = shapes();
});
afterEach(() => {
  expect(shapes()).toEqual(prototypes);
  expect(({} as Anything).polluted).toBeUndefined();
});

/** What stands in a folder, without what belongs to the store. */
const outside = (folder: string): Entry[] =>
  snapshot(folder).filter(([path]) => path !== '.' && !/^(runs\.sqlite3|results(\/|$))/.test(path));

const ids = [
  '../x',
  '../../etc/passwd',
  '/etc/passwd',
  '..',
  '.',
  '',
  'x'.repeat(16),
  'ABCDEF0123456789',
  '0123456789abcde',
  '0123456789abcdef0',
  '0123456789abcde\n',
  '0123456789abcdef\n',
  '0123456789abcde\0',
  "0' OR '1'='1",
  '%'.repeat(16),
  '_'.repeat(16),
  '__proto__',
  16,
  null,
  {},
  ['0123456789abcdef'],
  '０123456789abcde',
];

describeEachDatabase('an id that is none', (db) => {
  it('[fault: hostile-ids] is refused by get, delete and attempts, and nothing is touched', async () => {
    const place = await db.fresh();
    await using store = await openToy(place);
    await store.run({ n: 1 });
    mkdirSync(join(place.folder, 'etc'));
    writeFileSync(join(place.folder, 'x.dat'), 'not yours');
    writeFileSync(join(place.folder, 'x'), 'not yours');
    const before = outside(place.folder);
    for (const id of ids as Anything[]) {
      const refused = { code: 'ENTROPIC_INVALID_PARAMS' };
      await expect(store.get(id), String(id)).rejects.toMatchObject(refused);
      await expect(store.attempts(id), String(id)).rejects.toMatchObject(refused);
      await expect(store.delete({ id }, { removeFile: true }), String(id)).rejects.toMatchObject(refused);
    }
    expect(await store.get('0123456789abcdef')).toBeNull();
    expect(await store.delete({ id: '0123456789abcdef' }, { removeFile: true })).toBe(false);
    expect(outside(place.folder)).toEqual(before);
    await expectWhole(place, [1]);
  });
});

describeDatabase('a hostile name', 'sqlite', (db) => {
  it('[fault: hostile-suffixes] of a suffix is refused before anything is made', async () => {
    const { folder, resultsDir, dbUrl } = await db.fresh();
    const suffixes = [
      '/../x',
      '.',
      '..',
      '...',
      '',
      'dat',
      '.a/b',
      '.a\\b',
      '.\0',
      '.dat\0',
      '.dat\n',
      '.d at',
      '.é',
      `.${'a'.repeat(17)}`,
      '.a.b.c.d',
      '..dat',
      '.dat.',
      '.%2e%2e',
      7,
      null,
      ['.dat'],
    ];
    for (const fileSuffix of suffixes as Anything[]) {
      await expect(openToy({ resultsDir, dbUrl }, undefined, { fileSuffix }), String(fileSuffix)).rejects.toMatchObject(
        {
          code: 'ENTROPIC_INVALID_OPTION',
          message: expect.stringContaining('fileSuffix'),
        },
      );
    }
    expect(snapshot(folder).map(([path]) => path)).toEqual(['.']);
    for (const [i, fileSuffix] of ['.x', `.${'a'.repeat(16)}`, '.tar.gz', '.a.b.c', '.-_'].entries()) {
      const at = { resultsDir: join(folder, `results${i}`), dbUrl: `sqlite:///${join(folder, `${i}.sqlite3`)}` };
      await using store = await openToy(at, undefined, { fileSuffix });
      const { resultFile } = await store.run({ n: 1 });
      expect(resultFile).toBe(join(at.resultsDir, `${idOfToy(1)}${fileSuffix}`));
    }
  });

  it('[fault: hostile-tables] of a table or a column is refused by defineResult and in an EntitySchema', async () => {
    const { resultsDir, dbUrl, folder } = await db.fresh();
    const names = [
      'x; DROP TABLE runs',
      "x' OR '1'='1",
      'x" (id) --',
      'a b',
      '',
      '1st',
      'é',
      '../x',
      'x\0',
      'x\n',
      '__proto__',
      'constructor',
      'a'.repeat(64),
      'entropic_runs',
      'sqlite_master',
    ];
    const schema = (table: string, column: string) =>
      new EntitySchema<Anything>({
        name: 'Hostile',
        tableName: table,
        columns: {
          id: { type: 'varchar', length: 16, primary: true },
          resultFile: { name: 'result_file', type: 'text' },
          createdAt: { name: 'created_at', type: 'datetime' },
          customData: { name: 'custom_data', type: 'simple-json' },
          [column]: { type: 'int' },
        },
      });
    const refused = { code: 'ENTROPIC_INVALID_OPTION' };
    for (const name of names) {
      const isTableOnly = /^(entropic_|sqlite_)/.test(name);
      const isColumnOnly = ['__proto__', 'constructor'].includes(name);
      if (!isColumnOnly) {
        expect(() => defineResult(name, { n: int() }), name).toThrow(expect.objectContaining(refused));
        const model = schema(name === '' ? ' ' : name, 'n');
        await expect(Store.open({ model, resultsDir, dbUrl }), name).rejects.toMatchObject(refused);
      }
      if (!isTableOnly) {
        const columns = Object.fromEntries([[name, int()]]);
        expect(() => defineResult('toy', columns as Anything), name).toThrow(expect.objectContaining(refused));
      }
      if (!isTableOnly && name !== '__proto__') {
        await expect(Store.open({ model: schema('toy', name), resultsDir, dbUrl }), name).rejects.toMatchObject(
          refused,
        );
      }
    }
    for (const name of ['id', 'resultFile', 'result_file', 'ID', 'createdAt', 'custom_data']) {
      const columns = { [name]: int() } as Anything;
      expect(() => defineResult('toy', columns), name).toThrow(expect.objectContaining(refused));
    }
    expect(snapshot(folder).map(([path]) => path)).toEqual(['.']);
  });

  it('[fault: hostile-tables] that is a word of SQL is as good as any other', async () => {
    const { resultsDir, dbUrl } = await db.fresh();
    const model = defineResult('select', { from: int(), where: text(), group: int({ default: 1 }), order: int() });
    const runner = ({ resultFile }: { resultFile: string }) => writeFileSync(resultFile, 'x');
    await using store = await Store.open({ model, runner, resultsDir, dbUrl });
    const params = { from: 1, where: '\'; DROP TABLE "select"; --', order: 2 };
    await store.run(params);
    expect(await store.retrieve(params)).toMatchObject({ ...params, group: 1 });
  });
});

describeDatabase('a results folder with an odd name holds its results:', 'sqlite', (db) => {
  const names = [
    'with space',
    'it\'s "quoted"',
    'ünïcödé 結果 🧪',
    'new\nline',
    'tab\tand\rreturn',
    '100%25 %s %2e%2e',
    '-rf',
    '$(touch pwned)',
    '`touch pwned`',
    'back\\slash',
    '#?&;*',
    ' ',
    '__proto__',
    '.hidden',
    'n'.repeat(200),
  ];
  for (const name of names) {
    it(`[fault: hostile-folders] ${JSON.stringify(name.slice(0, 20))}`, async () => {
      const { folder } = await db.fresh();
      const parent = join(folder, name);
      const place = { resultsDir: join(parent, 'results'), dbUrl: `sqlite:///${join(parent, 'runs.sqlite3')}` };
      const { runner, executions } = countingRunner();
      for (let i = 0; i < 2; i++) {
        await using store = await openToy(place, runner);
        const records = await store.sweep({ n: [1, 2] });
        for (const { resultFile, n } of records) {
          expect(resultFile).toBe(join(parent, 'results', `${idOfToy(n)}.dat`));
          expect(readFileSync(resultFile, 'utf8')).toBe(`the result of n = ${n}\n`);
        }
        expect((await store.verify({ readData: true })).problems).toEqual([]);
      }
      expect(executions).toEqual([1, 2]);
      expect(readdirSync(folder)).toEqual([name]);
    });
  }
});

describeDatabase('a results folder that cannot be one', 'sqlite', (db) => {
  it('[fault: hostile-folders] is refused, with nothing made', async () => {
    const { folder, dbUrl } = await db.fresh();
    const file = join(folder, 'a-file');
    writeFileSync(file, 'mine');
    const before = outside(folder);
    for (const resultsDir of ['', 'a\0b', file, join(file, 'results'), 7, null, {}, ['results']] as Anything[]) {
      const opening = Store.open({ model: Toy, resultsDir, dbUrl });
      await expect(opening, String(resultsDir)).rejects.toMatchObject({
        code: 'ENTROPIC_INVALID_OPTION',
        message: expect.stringContaining('resultsDir'),
      });
    }
    expect(outside(folder)).toEqual(before);
    expect(existsSync(join(folder, 'results'))).toBe(false);
  });
});
