// The contract of asking, checking and ending: verify, readOnly, a store without a runner, a closed store, options.
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ClosedError, ConnectionError, InvalidOptionError, type VerifyProblem } from 'entropic';
import { expect, it } from 'vitest';
import type { TestDatabase } from '../../helpers/databases.js';
import { collect, errorOf, makeSimulation, openStore, POINT, POINT_ID } from './kit.js';

const points = (count: number) => Array.from({ length: count }, (_, n) => ({ n, steps: 1, dt: 1 }));
const kinds = (problems: readonly VerifyProblem[]) => problems.map(({ kind, id }) => `${kind} ${id}`).sort();

export function asking(db: TestDatabase): void {
  it('[S6] verify finds what is missing, truncated, edited, no file, and orphans; and changes nothing', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    const [missing, truncated, edited, folder, same] = await store.sweep(points(6));
    expect(await store.verify()).toEqual({ checked: 6, problems: [] });
    await rm(missing?.resultFile as string);
    writeFileSync(truncated?.resultFile as string, 'n');
    writeFileSync(edited?.resultFile as string, 'x'.repeat(statSync(edited?.resultFile as string).size));
    await rm(folder?.resultFile as string);
    mkdirSync(folder?.resultFile as string);
    // A new time of change alone is no change.
    utimesSync(same?.resultFile as string, 1, 1);
    const orphan = '0123456789abcdef';
    writeFileSync(join(place.resultsDir, `${orphan}.npy`), 'nobody knows me');
    const before = readdirSync(place.resultsDir).sort();
    const wanted = [
      `missing ${missing?.id}`,
      `truncated ${truncated?.id}`,
      `edited ${edited?.id}`,
      `not-a-file ${folder?.id}`,
      `orphan ${orphan}`,
    ].sort();
    const report = await store.verify();
    expect(kinds(report.problems)).toEqual(wanted);
    expect(kinds((await store.verify({ readData: true })).problems)).toEqual(wanted);
    expect(report.checked).toBe(6);
    expect(report.problems.find(({ kind }) => kind === 'orphan')?.file).toBe(`${place.resultsDir}/${orphan}.npy`);
    expect(readdirSync(place.resultsDir).sort()).toEqual(before);
    for (const [i, record] of [missing, truncated, edited, folder].entries()) {
      expect(await store.retrieve(points(6)[i] as never)).toBeNull();
      expect(await store.get(record?.id as string)).toBeNull();
    }
    expect(await store.retrieve(points(6)[4] as never)).toEqual(same);
  });

  it('[S6] an edit that keeps size and time of change is found by readData', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    const { resultFile } = await store.run(POINT);
    const { size, mtime, atime } = statSync(resultFile);
    writeFileSync(resultFile, 'x'.repeat(size));
    utimesSync(resultFile, atime, mtime);
    expect(kinds((await store.verify({ readData: true })).problems)).toEqual([`edited ${POINT_ID}`]);
    await using strict = await openStore(place, { verify: 'digest' });
    expect(await strict.retrieve(POINT)).toBeNull();
  });

  it('[S6] verify with repair drops the rows, keeps every file in .quarantine, and the points run again', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    const [edited, missing] = await store.sweep(points(3));
    writeFileSync(edited?.resultFile as string, 'edited');
    await rm(missing?.resultFile as string);
    writeFileSync(join(place.resultsDir, '0123456789abcdef.npy'), 'orphan');
    expect((await store.verify({ repair: true })).problems).toHaveLength(3);
    expect((await store.verify({ readData: true })).problems).toEqual([]);
    expect(readdirSync(join(place.resultsDir, '.quarantine'))).toHaveLength(2);
    await store.sweep(points(3));
    expect(executed).toHaveLength(5);
  });

  it('[S6] verify looks at files also in a store whose hits do not', async () => {
    const place = await db.fresh();
    await using store = await openStore(place, { verify: 'off' });
    const { resultFile } = await store.run(POINT);
    await rm(resultFile);
    expect(await store.retrieve(POINT)).not.toBeNull();
    expect(kinds((await store.verify()).problems)).toEqual([`missing ${POINT_ID}`]);
  });

  it('[S3] a store without a runner answers from what is stored, and refuses what would run', async () => {
    const place = await db.fresh();
    const writer = await openStore(place);
    const records = await writer.sweep(points(3));
    await writer.close();
    await using store = await openStore(place, { runner: undefined });
    expect(await store.runOrRetrieve({ n: 1, steps: 1, dt: 1 })).toEqual(records[1]);
    expect(await store.sweep(points(3))).toEqual(records);
    const refused: (() => PromiseLike<unknown>)[] = [
      () => store.runOrRetrieve(POINT),
      () => store.run({ n: 1, steps: 1, dt: 1 }),
      () => store.sweep(points(4)),
      () => store.sweep(points(3), { force: true }),
      () => collect(store.sweep([POINT])),
    ];
    for (const call of refused) {
      const error = await errorOf(call());
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(error.message).toMatch(/without a runner.*pass one to Store\.open/);
    }
  });

  it('[S3] readOnly serves hits, refuses everything else, and leaves no trace', async () => {
    const place = await db.fresh();
    const writer = await openStore(place);
    const records = await writer.sweep(points(3));
    await writer.close();
    const before = readdirSync(place.resultsDir, { recursive: true }).sort();
    await using store = await openStore(place, { readOnly: true });
    expect(await store.retrieve({ n: 0, steps: 1, dt: 1 })).toEqual(records[0]);
    expect(await store.runOrRetrieve({ n: 1, steps: 1, dt: 1 })).toEqual(records[1]);
    expect(await store.sweep(points(3))).toEqual(records);
    expect(await store.retrieve(POINT)).toBeNull();
    expect((await store.verify()).problems).toEqual([]);
    const file = records[0]?.resultFile as string;
    const refused: (() => PromiseLike<unknown>)[] = [
      () => store.run(POINT),
      () => store.runOrRetrieve(POINT),
      () => store.sweep([POINT]),
      () => store.register(POINT, file),
      () => store.delete({ id: records[0]?.id as string }),
      () => store.verify({ repair: true }),
    ];
    for (const call of refused) {
      const error = await errorOf(call());
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(error.message).toMatch(/readOnly/);
    }
    expect(readdirSync(place.resultsDir, { recursive: true }).sort()).toEqual(before);
  });

  it('[S3] readOnly makes no database, no table and no folder', async () => {
    const place = await db.fresh();
    expect(await errorOf(openStore(place, { readOnly: true }))).toBeInstanceOf(ConnectionError);
    expect(readdirSync(place.folder)).toEqual([]);
    expect(existsSync(place.resultsDir)).toBe(false);
  });

  it('[S3] after close every call is a ClosedError that says so', async () => {
    const place = await db.fresh();
    const store = await openStore(place);
    const { id, resultFile } = await store.run(POINT);
    await Promise.all([store.close(), store.close()]);
    await store.close();
    await store[Symbol.asyncDispose]();
    const calls: (() => PromiseLike<unknown>)[] = [
      () => store.run(POINT),
      () => store.runOrRetrieve(POINT),
      () => store.retrieve(POINT),
      () => store.get(id),
      () => store.register(POINT, resultFile),
      () => store.delete(POINT),
      () => store.attempts(id),
      () => store.verify(),
      async () => {
        await store.sweep([POINT]);
      },
    ];
    for (const call of calls) {
      const error = await errorOf(call());
      expect(error, String(call)).toBeInstanceOf(ClosedError);
      expect(error.code).toBe('ENTROPIC_CLOSED');
      expect(error.message).toMatch(/closed/);
    }
    expect(
      readdirSync(place.resultsDir, { recursive: true }).filter((name) => String(name).startsWith('.tmp/')),
    ).toEqual([]);
  });

  it('[S3] a sweep asked for just before close is a ClosedError or cancelled, and never hangs', async () => {
    const place = await db.fresh();
    const store = await openStore(place);
    const sweep = store.sweep(points(3));
    const outcome = errorOf(sweep);
    await store.close();
    expect(['ClosedError', 'AbortError']).toContain((await outcome).name);
  });

  it('[S3] options are checked by name and value when the store is opened', async () => {
    const place = await db.fresh();
    const refused: [object, RegExp][] = [
      [{ resultDir: 'x' }, /unknown option "resultDir"; did you mean "resultsDir"/],
      [{ fileSuffix: '../x' }, /fileSuffix/],
      [{ fileSuffix: 'npy' }, /fileSuffix/],
      [{ fileSuffix: '.a.b.c.d' }, /fileSuffix/],
      [{ resultsDir: '' }, /resultsDir/],
      [{ resultsDir: 'a\0b' }, /resultsDir/],
      [{ durability: 'none' }, /durability: "none" is not one of 'full', 'process'/],
      [{ verify: true }, /verify/],
      [{ lease: '10ms' }, /lease: at least 1 s/],
      [{ readOnly: 'yes' }, /readOnly/],
      [{ model: { n: 'int' } }, /model/],
      [{ runner: 'simulate.ts' }, /runner/],
      [{ runner: new URL('file:///simulate.ts') }, /runner: there is no module \/simulate\.ts/],
    ];
    for (const [options, message] of refused) {
      const error = await errorOf(openStore(place, options));
      expect(error, JSON.stringify(options)).toBeInstanceOf(InvalidOptionError);
      expect(error.message).toMatch(message);
    }
    expect(readdirSync(place.folder).filter((name) => name !== 'runs.sqlite3')).toEqual([]);
  });
}
