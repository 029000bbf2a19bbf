// A file that was made elsewhere and registered: it is the user's, and stays where and what it is whatever is done to its row.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { realSeams } from '@entropic/core/internal';
import { openStore } from 'entropic/internal';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeDatabase, describeEachDatabase, type Place } from '../helpers/databases.js';
import { allRows, countingRunner, heard, idOfToy, openToy, snapshot, Toy } from '../helpers/lab.js';

/** A folder of the user's with a result in it, outside the results folder. */
function elsewhere(place: Place) {
  const outside = join(place.folder, 'outside');
  mkdirSync(outside);
  const file = join(outside, 'made-elsewhere.npy');
  writeFileSync(file, 'made elsewhere');
  return { outside, file };
}

describeEachDatabase('a registered file', (db) => {
  it('[S9] stays where it is through hits, verify, a repair, a forced re-run and delete', async () => {
    const place = await db.fresh();
    const { outside, file } = elsewhere(place);
    const before = snapshot(outside);
    const { runner, executions } = countingRunner();
    {
      await using store = await openToy(place, runner);
      const record = await store.register({ n: 1 }, file, { customData: { from: 'the old cluster' } });
      expect(record).toMatchObject({ id: idOfToy(1), resultFile: file, n: 1, customData: { from: 'the old cluster' } });
      expect(record.customData).not.toHaveProperty('elapsedSeconds');
    }
    await using store = await openToy(place, runner);
    expect((await store.runOrRetrieve({ n: 1 })).resultFile).toBe(file);
    expect((await store.sweep({ n: [1] }))[0]?.resultFile).toBe(file);
    expect((await store.verify({ repair: true, readData: true })).problems).toEqual([]);
    expect(executions).toEqual([]);
    expect(snapshot(outside)).toEqual(before);

    const own = await store.run({ n: 1 });
    expect(own.resultFile).toBe(join(place.resultsDir, `${idOfToy(1)}.dat`));
    expect(await store.delete({ n: 1 })).toBe(true);
    expect((await store.register({ n: 1 }, pathToFileURL(file))).resultFile).toBe(file);
    expect(await store.delete({ n: 1 })).toBe(true);
    expect(snapshot(outside)).toEqual(before);
  });

  it('[S9] that was changed is not served and not moved, not even by a repair', async () => {
    const place = await db.fresh();
    const { outside, file } = elsewhere(place);
    const { runner, executions } = countingRunner();
    await using store = await openToy(place, runner);
    await store.register({ n: 1 }, file);
    appendFileSync(file, ', and edited since');
    const changed = snapshot(outside);
    const invalid = heard('cache.invalid');
    expect(await store.retrieve({ n: 1 })).toBeNull();
    expect(invalid).toMatchObject([{ id: idOfToy(1), file, why: 'was changed after the run' }]);
    const problems = [{ kind: 'edited', id: idOfToy(1), file }];
    expect(await store.verify({ repair: true })).toEqual({ checked: 1, problems });
    expect(await store.verify()).toEqual({ checked: 0, problems: [] });
    expect((await store.runOrRetrieve({ n: 1 })).resultFile).toBe(join(place.resultsDir, `${idOfToy(1)}.dat`));
    expect(executions).toEqual([1]);
    expect(snapshot(outside)).toEqual(changed);
  });

  it('[S9] is replaced by another only when asked to', async () => {
    const place = await db.fresh();
    const { outside, file } = elsewhere(place);
    const other = join(outside, 'other.npy');
    const copy = join(outside, 'copy.npy');
    writeFileSync(other, 'another result');
    writeFileSync(copy, 'made elsewhere');
    await using store = await openToy(place);
    await store.register({ n: 1 }, file);
    // The same content is the same result, wherever it lies.
    expect((await store.register({ n: 1 }, copy)).resultFile).toBe(file);
    await expect(store.register({ n: 1 }, other)).rejects.toMatchObject({ code: 'ENTROPIC_INVALID_OPTION' });
    expect((await store.retrieve({ n: 1 }))?.resultFile).toBe(file);
    expect((await store.register({ n: 1 }, other, { replace: true })).resultFile).toBe(other);
    expect((await store.retrieve({ n: 1 }))?.resultFile).toBe(other);
    expect(readFileSync(file, 'utf8')).toBe('made elsewhere');
    // A registered result that is gone makes room for the next.
    rmSync(other);
    expect((await store.register({ n: 1 }, file)).resultFile).toBe(file);
  });
});

describeDatabase('register', 'sqlite', (db) => {
  it('[S9] takes a relative path from the working folder of the call, and keeps the absolute one', async () => {
    const place = await db.fresh();
    const { outside, file } = elsewhere(place);
    const back = process.cwd();
    onTestFinished(() => process.chdir(back));
    await using store = await openToy(place);
    process.chdir(outside);
    expect((await store.register({ n: 1 }, './made-elsewhere.npy')).resultFile).toBe(realpathSync(file));
    process.chdir(back);
    expect((await store.retrieve({ n: 1 }))?.resultFile).toBe(realpathSync(file));
    expect((await store.get(idOfToy(1)))?.resultFile).toBe(realpathSync(file));
    expect(await place.sql('SELECT result_file FROM toy')).toEqual([[realpathSync(file)]]);
  });

  it('[S9] given a symlink keeps the path of the file itself', async () => {
    const place = await db.fresh();
    const { outside, file } = elsewhere(place);
    symlinkSync(file, join(outside, 'latest.npy'));
    symlinkSync(outside, join(place.folder, 'alias'));
    await using store = await openToy(place);
    const linked = join(place.folder, 'alias', 'latest.npy');
    expect((await store.register({ n: 1 }, linked)).resultFile).toBe(realpathSync(file));
    rmSync(join(outside, 'latest.npy'));
    rmSync(join(place.folder, 'alias'));
    expect((await store.retrieve({ n: 1 }))?.resultFile).toBe(realpathSync(file));
  });

  it('[S9] [fault: edited-at-once] finds out an edit that follows at once, 20 times out of 20', async () => {
    const place = await db.fresh();
    const { outside } = elsewhere(place);
    await using store = await openToy(place, undefined, { durability: 'process' });
    for (let n = 0; n < 20; n++) {
      const file = join(outside, `${n}.npy`);
      writeFileSync(file, 'made elsewhere');
      await store.register({ n }, file);
      // The same size, and on most file systems the same tick of the clock.
      writeFileSync(file, 'MADE ELSEWHERE');
      expect(await store.retrieve({ n }), `n = ${n}`).toBeNull();
    }
  });

  it('[S9] takes the digest of a file that was written just now when the tick of the clock is over', async () => {
    const place = await db.fresh();
    const { outside } = elsewhere(place);
    const ages: number[] = [];
    const seams = {
      ...realSeams,
      fs: {
        ...realSeams.fs,
        async digest(path: string) {
          ages.push(Date.now() - statSync(path).mtimeMs);
          return realSeams.fs.digest(path);
        },
      },
    };
    await using store = await openStore({ model: Toy, resultsDir: place.resultsDir, dbUrl: place.dbUrl }, seams);
    for (let n = 0; n < 5; n++) {
      const file = join(outside, `${n}.npy`);
      writeFileSync(file, 'made just now');
      await store.register({ n }, file);
      // A clock that ticks every 10 ms gives two writes of that distance different times.
      expect(ages.at(-1)).toBeGreaterThanOrEqual(10);
    }
  });

  it('[S9] finds a registered file inside the results folder where it is, by its own name', async () => {
    const place = await db.fresh();
    await using store = await openToy(place);
    const file = join(place.resultsDir, 'hand-made.npy');
    writeFileSync(file, 'made by hand');
    expect((await store.register({ n: 1 }, file)).resultFile).toBe(file);
    expect((await store.retrieve({ n: 1 }))?.resultFile).toBe(file);
    expect((await store.verify()).problems).toEqual([]);
    appendFileSync(file, ', and edited');
    const problems = [{ kind: 'edited', id: idOfToy(1), file }];
    expect((await store.verify({ repair: true })).problems).toEqual(problems);
    expect(readFileSync(file, 'utf8')).toBe('made by hand, and edited');
  });

  describe('refuses, and writes no row for,', () => {
    const refused: [what: string, make: (file: string) => void][] = [
      ['a file that is not there', (file) => rmSync(file)],
      ['an empty file', (file) => truncateSync(file, 0)],
      [
        'a folder',
        (file) => {
          rmSync(file);
          mkdirSync(file);
        },
      ],
      [
        'a FIFO',
        (file) => {
          rmSync(file);
          execFileSync('mkfifo', [file]);
        },
      ],
      [
        'a link to nothing',
        (file) => {
          rmSync(file);
          symlinkSync('/nowhere/at/all', file);
        },
      ],
    ];
    for (const [what, make] of refused) {
      it(`[S9] ${what}`, async () => {
        const place = await db.fresh();
        const { file } = elsewhere(place);
        make(file);
        await using store = await openToy(place);
        const before = await allRows(place);
        const error = await store.register({ n: 1 }, file).catch((reason: unknown) => reason);
        expect(error).toMatchObject({ code: 'ENTROPIC_INVALID_OPTION' });
        expect((error as Error).message).toContain(file);
        expect(await allRows(place)).toEqual(before);
        expect(await store.retrieve({ n: 1 })).toBeNull();
      });
    }
  });
});
