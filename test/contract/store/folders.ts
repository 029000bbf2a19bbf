// The contract of the results folder: one table of one database owns it; databases and folders are lost, copied and moved.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { defineResult, InvalidOptionError, int } from 'entropic';
import { expect, it } from 'vitest';
import type { TestDatabase } from '../../helpers/databases.js';
import {
  contentOf,
  errorOf,
  listen,
  makeSimulation,
  openModel,
  openStore,
  POINT,
  resultOf,
  writeParams,
} from './kit.js';

const points = (count: number) => Array.from({ length: count }, (_, n) => ({ n, steps: 1, dt: 1 }));
const filesOf = (folder: string) => readdirSync(folder).filter((name) => !name.startsWith('.'));

export function folders(db: TestDatabase): void {
  it('[S3] a resultsDir wanted by a second table is refused with the name of its owner', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    await store.run(POINT);
    const before = readFileSync(join(place.resultsDir, '.entropic', 'store.json'), 'utf8');
    const error = await errorOf(openModel(place, defineResult('others', { n: int() }), { runner: writeParams }));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error.message).toMatch(/belongs to table "results" of .*, not to table "others" .*'\.\/results-others'/);
    expect(readFileSync(join(place.resultsDir, '.entropic', 'store.json'), 'utf8')).toBe(before);
    expect(JSON.parse(before)).toMatchObject({ formatVersion: 1, table: 'results' });
  });

  it('[S3] a resultsDir wanted by a second database is refused with the name of its owner, without a password', async () => {
    const [place, other] = [await db.fresh(), await db.fresh()];
    await (await openStore(place)).close();
    const intruder = { ...other, resultsDir: place.resultsDir };
    for (const readOnly of [false, true]) {
      if (readOnly) await (await openStore(other)).close();
      const error = await errorOf(openStore(intruder, { readOnly }));
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(error.message).toContain(
        db.kind === 'sqlite' ? join(place.folder, 'runs.sqlite3') : new URL(place.dbUrl).pathname,
      );
      expect(inspect(error, { depth: 9 })).not.toContain('correct-horse');
    }
    expect(readFileSync(join(place.resultsDir, '.entropic', 'store.json'), 'utf8')).not.toContain('correct-horse');
  });

  it('[S3] a database lost and made anew in its place takes its folder over; its files are adopted, not run over', async () => {
    const place = await db.fresh();
    const first = await openStore(place);
    const records = await first.sweep(points(4));
    await first.close();
    await place.recreate();
    // One that changed meanwhile is kept aside.
    writeFileSync(records[1]?.resultFile as string, 'changed');
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    const heard = listen(store);
    const again = await store.sweep(points(4));
    expect(executed).toHaveLength(4);
    expect(again.map((record) => record.resultFile)).toEqual(records.map((record) => record.resultFile));
    for (const [n, record] of again.entries()) expect(contentOf(record)).toBe(resultOf({ n, steps: 1, dt: 1 }));
    await heard.until('sweep.finished');
    expect(heard.types().filter((type) => type === 'file.adopted')).toHaveLength(3);
    const quarantine = join(place.resultsDir, '.quarantine');
    expect(readdirSync(quarantine)).toHaveLength(1);
    expect(readFileSync(join(quarantine, readdirSync(quarantine)[0] as string), 'utf8')).toBe('changed');
    expect(filesOf(place.resultsDir)).toHaveLength(4);
    expect((await store.verify({ readData: true })).problems).toEqual([]);
  });

  it('[S3] a results folder that moved is the same folder, and its records say where it is now', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    const first = await openStore(place, { runner: simulate });
    await first.sweep(points(3));
    await first.close();
    const moved = { ...place, resultsDir: join(place.folder, 'elsewhere', 'results') };
    mkdirSync(join(place.folder, 'elsewhere'));
    renameSync(place.resultsDir, moved.resultsDir);
    await using store = await openStore(moved, { runner: simulate });
    const records = await store.sweep(points(4));
    expect(executed).toHaveLength(4);
    for (const record of records) {
      expect(record.resultFile.startsWith(moved.resultsDir)).toBe(true);
      expect(await store.get(record.id)).toEqual(record);
    }
    expect((await store.verify()).problems).toEqual([]);
    expect(existsSync(place.resultsDir)).toBe(false);
  });

  it('[S3] an empty or new folder misses all and is filled again; nothing outside it is touched', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    const first = await openStore(place, { runner: simulate });
    await first.sweep(points(2));
    await first.close();
    const elsewhere = { ...place, resultsDir: join(place.folder, 'new') };
    await using store = await openStore(elsewhere, { runner: simulate });
    expect(await store.retrieve(points(1)[0] as never)).toBeNull();
    expect(await store.sweep(points(2))).toHaveLength(2);
    expect(executed).toHaveLength(4);
    expect(filesOf(place.resultsDir)).toHaveLength(2);
  });

  it('[S3] a folder is the same by way of a link', async () => {
    const place = await db.fresh();
    const first = await openStore(place);
    await first.run(POINT);
    await first.close();
    const link = join(place.folder, 'link');
    symlinkSync(place.resultsDir, link);
    await using store = await openStore({ ...place, resultsDir: link });
    expect((await store.retrieve(POINT))?.resultFile).toBe(join(link, 'f444a074a2e52bf9.npy'));
  });

  it('[S3] another fileSuffix keeps the hits of the old one', async () => {
    const place = await db.fresh();
    const first = await openStore(place);
    const record = await first.run(POINT);
    await first.close();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate, fileSuffix: '.tar.gz' });
    expect(await store.retrieve(POINT)).toEqual(record);
    const forced = await store.run(POINT);
    expect(forced.resultFile).toBe(record.resultFile.replace('.npy', '.tar.gz'));
    expect(await store.retrieve(POINT)).toEqual(forced);
    expect(executed).toHaveLength(1);
  });

  it('[S3] a store.json that cannot be read, or is of a newer entropic, is refused with what to do', async () => {
    const place = await db.fresh();
    await (await openStore(place)).close();
    const file = join(place.resultsDir, '.entropic', 'store.json');
    const good = JSON.parse(readFileSync(file, 'utf8'));
    for (const [text, message] of [
      ['{"half":', /store\.json cannot be read/],
      ['', /store\.json cannot be read/],
      [JSON.stringify({ ...good, formatVersion: 2 }), /has format 2, this entropic knows 1: upgrade/],
    ] as const) {
      writeFileSync(file, text);
      const error = await errorOf(openStore(place));
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(error.message).toMatch(message);
    }
    writeFileSync(file, JSON.stringify(good));
    await (await openStore(place)).close();
  });

  it('[S3] a copy of folder and database is a store of its own', async () => {
    const place = await db.fresh();
    if (db.kind === 'postgres') {
      // A database is copied on the server; its folder beside it.
      const name = `${new URL(place.dbUrl).pathname.slice(1)}_copy`;
      const first = await openStore(place);
      const record = await first.run(POINT);
      await first.close();
      const server = await db.fresh();
      await server.sql(`CREATE DATABASE ${name} TEMPLATE ${new URL(place.dbUrl).pathname.slice(1)}`);
      const url = new URL(place.dbUrl);
      url.pathname = `/${name}`;
      const copy = { ...place, dbUrl: url.href, resultsDir: join(place.folder, 'copy') };
      cpSync(place.resultsDir, copy.resultsDir, { recursive: true });
      try {
        await using store = await openStore(copy);
        expect((await store.retrieve(POINT))?.customData).toEqual(record.customData);
      } finally {
        await server.sql(`DROP DATABASE ${name} WITH (FORCE)`);
      }
      return;
    }
    const home = join(place.folder, 'home');
    mkdirSync(home);
    const at = (folder: string) => ({
      ...place,
      dbUrl: `sqlite:${join(folder, 'runs.sqlite3')}`,
      resultsDir: join(folder, 'results'),
    });
    const first = await openStore(at(home));
    const record = await first.run(POINT);
    await first.close();
    const copy = join(place.folder, 'copy');
    cpSync(home, copy, { recursive: true });
    await using store = await openStore(at(copy));
    expect((await store.retrieve(POINT))?.resultFile).toBe(record.resultFile.replace(home, copy));
  });
}
