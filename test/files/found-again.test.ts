// Files that are there already when a run publishes its result, and folders that are opened under another name than before.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { describeDatabase, describeEachDatabase } from '../helpers/databases.js';
import { countingRunner, expectWhole, heard, idOfToy, openToy, quarantine, snapshot } from '../helpers/lab.js';

const inodeOf = (file: string) => statSync(file).ino;

describeEachDatabase('a file that stands under the final name', (db) => {
  it('[S8] [fault: left-by-delete] is adopted when the run makes the same content', async () => {
    const place = await db.fresh();
    const { runner, executions } = countingRunner();
    await using store = await openToy(place, runner);
    const { resultFile } = await store.run({ n: 1 });
    const inode = inodeOf(resultFile);
    expect(await store.delete({ n: 1 })).toBe(true);
    expect(readFileSync(resultFile, 'utf8')).toBe('the result of n = 1\n');
    expect(await store.retrieve({ n: 1 })).toBeNull();
    const adopted = heard('file.adopted');
    const again = await store.runOrRetrieve({ n: 1 });
    expect(executions).toEqual([1, 1]);
    expect(adopted).toMatchObject([{ id: again.id, file: resultFile }]);
    expect(inodeOf(resultFile)).toBe(inode);
    await expectWhole(place, [1]);
    expect(snapshot(place.resultsDir).some(([path]) => path.startsWith('.quarantine'))).toBe(false);
  });

  it('[S8] [fault: left-by-delete] is set aside, with an event, when the run makes other content', async () => {
    const place = await db.fresh();
    const { runner } = countingRunner((n, nth) => `n = ${n}, execution ${nth}\n`);
    await using store = await openToy(place, runner);
    const { id, resultFile } = await store.run({ n: 1 });
    const inode = inodeOf(resultFile);
    expect(await store.delete({ n: 1 })).toBe(true);
    const quarantined = heard('file.quarantined');
    await store.runOrRetrieve({ n: 1 });
    expect(readFileSync(resultFile, 'utf8')).toBe('n = 1, execution 2\n');
    expect(quarantined).toMatchObject([{ id, file: resultFile }]);
    const to = quarantined[0]?.to as string;
    expect(to.startsWith(`${quarantine(place)}/${id}.`)).toBe(true);
    expect([readFileSync(to, 'utf8'), inodeOf(to)]).toEqual(['n = 1, execution 1\n', inode]);
    await expectWhole(place, [1]);
  });

  it('[S8] goes with its row by delete({ removeFile: true })', async () => {
    const place = await db.fresh();
    await using store = await openToy(place);
    const { id, resultFile } = await store.run({ n: 1 });
    await store.run({ n: 2 });
    expect(await store.delete({ id }, { removeFile: true })).toBe(true);
    expect(statSync(resultFile, { throwIfNoEntry: false })).toBeUndefined();
    expect(await store.delete({ n: 1 }, { removeFile: true })).toBe(false);
    await expectWhole(place, [2]);
  });

  it('[fault: orphan] and that nobody knows is kept aside', async () => {
    const place = await db.fresh();
    await using store = await openToy(place);
    const file = join(place.resultsDir, `${idOfToy(1)}.dat`);
    writeFileSync(file, 'from where?');
    const quarantined = heard('file.quarantined');
    const record = await store.runOrRetrieve({ n: 1 });
    expect(record.resultFile).toBe(file);
    expect(quarantined).toHaveLength(1);
    expect(readFileSync(quarantined[0]?.to as string, 'utf8')).toBe('from where?');
    await expectWhole(place, [1]);
  });

  it('[fault: database-lost] from before the database was lost is adopted, each by its run', async () => {
    const place = await db.fresh();
    const ns = Array.from({ length: 20 }, (_, n) => n);
    {
      await using store = await openToy(place);
      await store.sweep({ n: ns });
    }
    const before = snapshot(place.resultsDir).filter(([path]) => path.endsWith('.dat'));
    await place.recreate();
    const taken = heard('store.adopted');
    const adopted = heard('file.adopted');
    const { runner, executions } = countingRunner((n) => (n === 7 ? 'another result' : `the result of n = ${n}\n`));
    await using store = await openToy(place, runner);
    expect(taken).toHaveLength(1);
    expect(await store.retrieve({ n: 1 })).toBeNull();
    expect((await store.verify()).problems.map(({ kind }) => kind)).toEqual(ns.map(() => 'orphan'));
    await store.sweep({ n: ns });
    expect(executions).toHaveLength(20);
    expect(adopted).toHaveLength(19);
    await expectWhole(place, ns);
    const after = snapshot(place.resultsDir);
    const kept = after.filter(([path]) => path.startsWith(`.quarantine/${idOfToy(7)}`));
    expect(kept.map(([, ...rest]) => rest)).toEqual(
      before.filter(([path]) => path === `${idOfToy(7)}.dat`).map(([, ...rest]) => rest),
    );
    const others = before.filter(([path]) => path !== `${idOfToy(7)}.dat`);
    expect(after).toEqual(expect.arrayContaining(others));
  });
});

describeDatabase('a folder that was opened under another name before', 'sqlite', (db) => {
  it('[S5] still has its results after it was moved together with the database', async () => {
    const { folder } = await db.fresh();
    const at = (name: string) => ({
      resultsDir: join(folder, name, 'results'),
      dbUrl: `sqlite:///${join(folder, name, 'runs.sqlite3')}`,
    });
    {
      await using store = await openToy(at('here'));
      await store.sweep({ n: [1, 2] });
    }
    renameSync(join(folder, 'here'), join(folder, 'there'));
    const { runner, executions } = countingRunner();
    await using store = await openToy(at('there'), runner);
    const records = await store.sweep({ n: [1, 2] });
    expect(executions).toEqual([]);
    expect(records.map(({ resultFile }) => resultFile)).toEqual(
      [1, 2].map((n) => join(folder, 'there', 'results', `${idOfToy(n)}.dat`)),
    );
    expect((await store.get(idOfToy(1)))?.resultFile).toBe(records[0]?.resultFile);
    expect((await store.verify({ readData: true })).problems).toEqual([]);
    expect((await store.run({ n: 1 })).resultFile).toBe(records[0]?.resultFile);
    expect((await store.verify()).problems).toEqual([]);
  });

  it('[S5] still has its results after it was moved and the database was not', async () => {
    const place = await db.fresh();
    const { folder, dbUrl } = place;
    mkdirSync(join(folder, 'a'));
    {
      await using store = await openToy({ resultsDir: join(folder, 'a', 'results'), dbUrl });
      await store.sweep({ n: [1, 2] });
    }
    renameSync(join(folder, 'a'), join(folder, 'b'));
    const { runner, executions } = countingRunner();
    await using store = await openToy({ resultsDir: join(folder, 'b', 'results'), dbUrl }, runner);
    expect((await store.retrieve({ n: 1 }))?.resultFile).toBe(join(folder, 'b', 'results', `${idOfToy(1)}.dat`));
    expect(await store.sweep({ n: [1, 2] })).toHaveLength(2);
    expect(executions).toEqual([]);
    // A read writes nothing, so the row still says where the file was made.
    const [[text]] = (await place.sql('SELECT result_file FROM toy WHERE n = 1')) as [[string]];
    expect(text).toBe(join(folder, 'a', 'results', `${idOfToy(1)}.dat`));
  });

  it('[S5] is the same folder by an absolute path, a relative one, a trailing slash, dots, or a symlinked parent', async () => {
    const place = await db.fresh();
    const { folder, dbUrl } = place;
    const back = process.cwd();
    onTestFinished(() => process.chdir(back));
    process.chdir(folder);
    const parent = process.cwd();
    symlinkSync(folder, join(folder, 'alias'));
    const spellings = [
      './results',
      join(folder, 'results'),
      'results',
      'results/',
      './results//',
      'x/../results',
      join(folder, 'alias', 'results'),
      `${join(folder, 'alias', 'results')}/`,
    ];
    const { runner, executions } = countingRunner();
    for (const [i, resultsDir] of spellings.entries()) {
      await using store = await openToy({ resultsDir, dbUrl }, runner);
      await store.run({ n: i });
      const records = await store.sweep({ n: spellings.map((_, n) => n).slice(0, i + 1) });
      expect(records, resultsDir).toHaveLength(i + 1);
    }
    expect(executions).toEqual(spellings.map((_, i) => i));
    const rows = await place.sql('SELECT result_file FROM toy ORDER BY n LIMIT 4');
    expect(rows).toEqual(
      [`results/${idOfToy(0)}.dat`, join(folder, 'results', `${idOfToy(1)}.dat`)]
        .concat([2, 3].map((n) => `results/${idOfToy(n)}.dat`))
        .map((text) => [text]),
    );
    await expectWhole(
      place,
      spellings.map((_, i) => i),
    );
    await using store = await openToy({ resultsDir: 'results', dbUrl: 'sqlite:runs.sqlite3' }, runner);
    process.chdir(back);
    const record = await store.run({ n: 99 });
    expect(record.resultFile).toBe(join(parent, 'results', `${idOfToy(99)}.dat`));
    expect((await store.retrieve({ n: 0 }))?.resultFile).toBe(join(parent, 'results', `${idOfToy(0)}.dat`));
  });

  it('[S5] keeps its results when the suffix is another one, and gives new files the new one', async () => {
    const place = await db.fresh();
    {
      await using store = await openToy(place, undefined, { fileSuffix: '.dat' });
      await store.sweep({ n: [1, 2] });
    }
    const { runner, executions } = countingRunner();
    await using store = await openToy(place, runner, { fileSuffix: '.tar.gz' });
    const [one, two, three] = await store.sweep({ n: [1, 2, 3] });
    expect(executions).toEqual([3]);
    const named = (n: number, suffix: string) => join(place.resultsDir, `${idOfToy(n)}${suffix}`);
    expect(one?.resultFile).toBe(named(1, '.dat'));
    expect(three?.resultFile).toBe(named(3, '.tar.gz'));
    expect((await store.verify()).problems).toEqual([]);
    rmSync(two?.resultFile as string);
    expect((await store.runOrRetrieve({ n: 2 })).resultFile).toBe(named(2, '.tar.gz'));
    await expectWhole(place, [1, 2, 3]);
  });

  it('[fault: two-stores] is refused to another database, with the name of its owner', async () => {
    const place = await db.fresh();
    {
      await using store = await openToy(place);
      await store.run({ n: 1 });
    }
    const before = snapshot(place.resultsDir);
    const other = { resultsDir: place.resultsDir, dbUrl: `sqlite:///${join(place.folder, 'other.sqlite3')}` };
    await expect(openToy(other)).rejects.toMatchObject({
      code: 'ENTROPIC_INVALID_OPTION',
      message: expect.stringContaining(join(place.folder, 'runs.sqlite3')),
    });
    expect(snapshot(place.resultsDir)).toEqual(before);
  });
});
