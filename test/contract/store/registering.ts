// The contract of files that were made elsewhere.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InvalidOptionError } from 'entropic';
import { expect, it } from 'vitest';
import type { TestDatabase } from '../../helpers/databases.js';
import { contentOf, errorOf, gate, listen, makeSimulation, openStore, POINT, POINT_ID } from './kit.js';

export function registering(db: TestDatabase): void {
  const withFile = async (content = 'made elsewhere') => {
    const place = await db.fresh();
    const file = join(realpathSync(place.folder), 'made-elsewhere.npy');
    writeFileSync(file, content);
    return { place, file };
  };

  it('[S9] register indexes a file where it is; the point is then a hit', async () => {
    const { place, file } = await withFile();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    const heard = listen(store);
    const record = await store.register(POINT, file);
    expect(record).toMatchObject({ id: POINT_ID, resultFile: file, ...POINT, method: 'rk4', customData: {} });
    expect(Math.abs(record.createdAt.getTime() - Date.now())).toBeLessThan(60_000);
    expect(await store.runOrRetrieve(POINT)).toEqual(record);
    expect(await store.get(POINT_ID)).toEqual(record);
    expect((await store.sweep([POINT]))[0]).toEqual(record);
    expect(executed).toEqual([]);
    expect(readFileSync(file, 'utf8')).toBe('made elsewhere');
    expect(readdirSync(place.resultsDir).filter((name) => !name.startsWith('.'))).toEqual([]);
    expect(await place.sql('SELECT result_file FROM results')).toEqual([[file]]);
    await heard.until('row.registered');
  });

  it('[S9] [S12] customData of register is stored, without elapsedSeconds', async () => {
    const { place, file } = await withFile();
    await using store = await openStore(place);
    const record = await store.register(POINT, file, { customData: { from: 'HPC' } });
    expect(record.customData).toEqual({ from: 'HPC' });
    expect((await store.retrieve(POINT))?.customData).toEqual({ from: 'HPC' });
  });

  it('[S9] a relative path, a URL and a link are stored as the absolute real path', async () => {
    const { place, file } = await withFile();
    await using store = await openStore(place);
    const link = join(place.folder, 'link.npy');
    symlinkSync(file, link);
    expect((await store.register({ ...POINT, n: 1 }, pathToFileURL(file))).resultFile).toBe(file);
    expect((await store.register({ ...POINT, n: 2 }, link)).resultFile).toBe(file);
    const { relative } = await import('node:path');
    expect((await store.register({ ...POINT, n: 3 }, relative(process.cwd(), file))).resultFile).toBe(file);
  });

  it('[S9] the file must exist, be one regular file and hold something', async () => {
    const { place, file } = await withFile('');
    await using store = await openStore(place);
    const folder = join(place.folder, 'folder');
    mkdirSync(folder);
    for (const wrong of [join(place.folder, 'nowhere.npy'), folder, file]) {
      const error = await errorOf(store.register(POINT, wrong));
      expect(error, wrong).toBeInstanceOf(InvalidOptionError);
      expect(error.message).toContain(wrong);
    }
    expect(await store.retrieve(POINT)).toBeNull();
    expect(await place.sql('SELECT id FROM entropic_leases')).toEqual([]);
  });

  it('[S9] the same content again gives the row that is there; other content is refused unless replace', async () => {
    const { place, file } = await withFile();
    await using store = await openStore(place);
    const record = await store.register(POINT, file, { customData: { take: 1 } });
    const copy = join(realpathSync(place.folder), 'copy.npy');
    copyFileSync(file, copy);
    expect(await store.register(POINT, copy, { customData: { take: 2 } })).toEqual(record);
    writeFileSync(copy, 'something else');
    const error = await errorOf(store.register(POINT, copy));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error.message).toMatch(/has a result already, .*made-elsewhere\.npy.*replace: true/);
    expect(await store.retrieve(POINT)).toEqual(record);
    const replaced = await store.register(POINT, copy, { replace: true, customData: { take: 3 } });
    expect(replaced).toMatchObject({ resultFile: copy, customData: { take: 3 } });
    expect(await store.retrieve(POINT)).toEqual(replaced);
    expect(readFileSync(file, 'utf8')).toBe('made elsewhere');
  });

  it('[S9] a row whose file is gone is no result that stands in the way', async () => {
    const { place, file } = await withFile();
    await using store = await openStore(place);
    const record = await store.run(POINT);
    const { rm } = await import('node:fs/promises');
    await rm(record.resultFile);
    expect((await store.register(POINT, file)).resultFile).toBe(file);
    expect((await store.retrieve(POINT))?.resultFile).toBe(file);
  });

  it('[S9] [S7] run over a registered point makes a file of our own and leaves the other alone', async () => {
    const { place, file } = await withFile();
    await using store = await openStore(place);
    await store.register(POINT, file, { customData: { from: 'HPC' } });
    const record = await store.run(POINT);
    expect(record.resultFile).toBe(`${place.resultsDir}/${POINT_ID}.npy`);
    expect(Object.keys(record.customData)).toEqual(['elapsedSeconds']);
    expect(await store.retrieve(POINT)).toEqual(record);
    expect(readFileSync(file, 'utf8')).toBe('made elsewhere');
  });

  it('[S9] a registered file that is edited or gone is not served, and never moved', async () => {
    const { place, file } = await withFile();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    await store.register(POINT, file);
    writeFileSync(file, 'edited a lot since');
    expect(await store.retrieve(POINT)).toBeNull();
    const record = await store.runOrRetrieve(POINT);
    expect(executed).toHaveLength(1);
    expect(record.resultFile).not.toBe(file);
    expect(readFileSync(file, 'utf8')).toBe('edited a lot since');
  });

  it('[S9] [S8] delete leaves a registered file, with removeFile it goes', async () => {
    const { place, file } = await withFile();
    await using store = await openStore(place);
    await store.register(POINT, file);
    expect(await store.delete(POINT)).toBe(true);
    expect(existsSync(file)).toBe(true);
    await store.register(POINT, file);
    expect(await store.delete(POINT, { removeFile: true })).toBe(true);
    expect(existsSync(file)).toBe(false);
  });

  it('[S9] a file inside resultsDir can be registered under its own name', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    const file = join(place.resultsDir, `${POINT_ID}.npy`);
    writeFileSync(file, 'copied here by hand');
    const record = await store.register(POINT, file);
    expect(contentOf(record)).toBe('copied here by hand');
    expect(await store.retrieve(POINT)).toEqual(record);
    expect((await store.verify()).problems).toEqual([]);
  });

  it('[S9] two registrations of one point at once: one is stored, the other hears of it', async () => {
    const { place, file } = await withFile();
    const other = join(realpathSync(place.folder), 'other.npy');
    writeFileSync(other, 'other content');
    await using store = await openStore(place);
    const results = await Promise.allSettled([store.register(POINT, file), store.register(POINT, other)]);
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    const winner = results.find((result) => result.status === 'fulfilled');
    expect(await store.retrieve(POINT)).toEqual(winner?.value);
  });

  it('[S9] register waits for a run of its point, and then meets its result', async () => {
    const { place, file } = await withFile();
    const started = gate();
    const { simulate } = makeSimulation(async () => {
      started.open();
      await new Promise((resolve) => setTimeout(resolve, 50));
    });
    await using store = await openStore(place, { runner: simulate });
    const running = store.runOrRetrieve(POINT);
    await started.opened;
    const error = await errorOf(store.register(POINT, file));
    expect(error.message).toMatch(/has a result already/);
    expect(await store.retrieve(POINT)).toEqual(await running);
  });

  it('[S9] register works in a store without a runner', async () => {
    const { place, file } = await withFile();
    await using store = await openStore(place, { runner: undefined });
    const record = await store.register(POINT, file);
    expect(await store.runOrRetrieve(POINT)).toEqual(record);
    const wrong = await errorOf(store.register(POINT, file, { repalce: true } as never));
    expect(wrong.message).toMatch(/did you mean "replace"/);
  });
}
