// The contract of single points: run once, retrieve, run again, forget.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { InvalidOptionError, InvalidParamsError } from 'entropic';
import { expect, it } from 'vitest';
import type { TestDatabase } from '../../helpers/databases.js';
import { contentOf, errorOf, makeSimulation, openStore, POINT, POINT_ID, parsed, resultOf } from './kit.js';

export function singleRuns(db: TestDatabase): void {
  it('[S2] [S4] runOrRetrieve runs a point once, then returns the cached record', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    const record = await store.runOrRetrieve(POINT);
    const again = await store.runOrRetrieve(POINT);
    expect(executed).toEqual([{ ...POINT, method: 'rk4' }]);
    expect(again).toEqual(record);
    expect(contentOf(record)).toBe(resultOf(POINT));
  });

  it('[S3] [S4] a store opened again has what was run before', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    const first = await openStore(place, { runner: simulate });
    const record = await first.runOrRetrieve(POINT);
    await first.close();
    await using store = await openStore(place, { runner: simulate });
    expect(await store.runOrRetrieve(POINT)).toEqual(record);
    expect(executed).toHaveLength(1);
  });

  it('[S5] the record has id, resultFile, createdAt, customData and the params themselves', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    const before = Date.now();
    const record = await store.runOrRetrieve(POINT);
    const { customData, createdAt, ...rest } = record;
    expect(rest).toEqual({ id: POINT_ID, resultFile: `${place.resultsDir}/${POINT_ID}.npy`, ...POINT, method: 'rk4' });
    expect(createdAt).toBeInstanceOf(Date);
    expect(createdAt.getTime()).toBeGreaterThanOrEqual(before - 1);
    expect(createdAt.getTime()).toBeLessThanOrEqual(Date.now() + 1);
    expect(Object.keys(customData)).toEqual(['elapsedSeconds']);
    expect(customData.elapsedSeconds).toBeGreaterThanOrEqual(0);
    expect(customData.elapsedSeconds).toBeLessThan(30);
    expect(readdirSync(place.resultsDir).filter((name) => !name.startsWith('.'))).toEqual([`${POINT_ID}.npy`]);
  });

  it('[S5] [I2] the row names the file, its SHA-256 and its size', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    const record = await store.runOrRetrieve(POINT);
    const [row] = await place.sql('SELECT id, result_file, custom_data, n, steps, dt, method FROM results');
    const [id, file, customData, ...params] = row as unknown[];
    expect([id, file, params.map((value) => (typeof value === 'string' ? value : Number(value)))]).toEqual([
      POINT_ID,
      record.resultFile,
      [...(db.kind === 'postgres' ? ['100', '5000'] : [100, 5000]), 0.01, 'rk4'],
    ]);
    expect(parsed(customData)).toEqual({ elapsed_seconds: record.customData.elapsedSeconds });
    const bytes = readFileSync(record.resultFile);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const [[digest, size]] = (await place.sql(
      'SELECT sha256, size FROM entropic_runs WHERE table_name = ? AND id = ?',
      ['results', POINT_ID],
    )) as [[string, unknown]];
    expect([digest, Number(size)]).toEqual([sha256, bytes.length]);
  });

  it('[S6] retrieve gives the record, or null and runs nothing', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    expect(await store.retrieve(POINT)).toBeNull();
    const record = await store.run(POINT);
    expect(await store.retrieve(POINT)).toEqual(record);
    expect(await store.retrieve({ ...POINT, method: 'rk4' })).toEqual(record);
    expect(await store.retrieve({ ...POINT, method: 'euler' })).toBeNull();
    expect(executed).toHaveLength(1);
  });

  it('[S6] get gives the record of an id, or null', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    const record = await store.run(POINT);
    expect(await store.get(record.id)).toEqual(record);
    expect(await store.get('0123456789abcdef')).toBeNull();
    for (const wrong of ['', 'f444', 'F444A074A2E52BF9', '../../etc/passwd', `${POINT_ID}'--`]) {
      expect((await errorOf(store.get(wrong))).code).toBe('ENTROPIC_INVALID_PARAMS');
    }
  });

  it('[S7] run always runs: same id, row and file overwritten', async () => {
    const place = await db.fresh();
    let times = 0;
    await using store = await openStore(place, {
      runner: (params) => writeFileSync(params.resultFile, `result ${++times}`),
    });
    const first = await store.run(POINT, { customData: { try: 1 } });
    const second = await store.run(POINT, { customData: { try: 2 } });
    expect(second.id).toBe(first.id);
    expect(second.resultFile).toBe(first.resultFile);
    expect(contentOf(second)).toBe('result 2');
    expect(second.customData.try).toBe(2);
    expect(second.createdAt.getTime()).toBeGreaterThanOrEqual(first.createdAt.getTime());
    expect(await store.retrieve(POINT)).toEqual(second);
    expect(await place.sql('SELECT count(*) FROM results').then(([row]) => Number(row?.[0]))).toBe(1);
    expect(existsSync(`${place.resultsDir}/.quarantine`)).toBe(false);
  });

  it('[S7] a re-run that fails leaves the result it had', async () => {
    const place = await db.fresh();
    let fails = false;
    const { simulate } = makeSimulation(() => {
      if (fails) throw new Error('diverged');
    });
    await using store = await openStore(place, { runner: simulate });
    const record = await store.run(POINT);
    fails = true;
    expect((await errorOf(store.run(POINT))).reason).toBe('exception');
    expect(await store.retrieve(POINT)).toEqual(record);
    expect(contentOf(record)).toBe(resultOf(POINT));
  });

  it('[S8] delete is true if a row went, and keeps the file unless removeFile', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    expect(await store.delete(POINT)).toBe(false);
    const record = await store.run(POINT);
    expect(await store.delete(POINT)).toBe(true);
    expect(await store.retrieve(POINT)).toBeNull();
    expect(existsSync(record.resultFile)).toBe(true);
    expect(await store.delete(POINT, { removeFile: true })).toBe(false);

    const anew = await store.runOrRetrieve(POINT);
    expect(anew.resultFile).toBe(record.resultFile);
    expect(contentOf(anew)).toBe(resultOf(POINT));
    expect(executed).toHaveLength(2);
    expect(await store.delete({ id: record.id }, { removeFile: true })).toBe(true);
    expect(existsSync(record.resultFile)).toBe(false);
    expect(await place.sql('SELECT id FROM results UNION ALL SELECT id FROM entropic_runs')).toEqual([]);
  });

  it('[S8] a delete with removeFile goes on when the file is gone already', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    const record = await store.run(POINT);
    await place.sql('SELECT 1');
    const { rm } = await import('node:fs/promises');
    await rm(record.resultFile);
    expect(await store.delete(POINT, { removeFile: true })).toBe(true);
  });

  it('[S12] customData lands in the record and the row of an actual run, and a hit keeps what it has', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    const data = { gitSha: 'abc123', tags: ['a', null, 1.5], deep: { Ünï: '💡"\\' } };
    const record = await store.runOrRetrieve(POINT, { customData: data });
    expect(record.customData).toEqual({ ...data, elapsedSeconds: record.customData.elapsedSeconds });
    const hit = await store.runOrRetrieve(POINT, { customData: { gitSha: 'other' } });
    expect(hit.customData).toEqual(record.customData);
    const [[stored]] = (await place.sql('SELECT custom_data FROM results')) as [[unknown]];
    expect(parsed(stored)).toEqual({ ...data, elapsed_seconds: record.customData.elapsedSeconds });
    const forced = await store.run(POINT);
    expect(Object.keys(forced.customData)).toEqual(['elapsedSeconds']);
  });

  it('[S12] what customData cannot hold is refused before the run', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    const refused: unknown[] = [
      { elapsedSeconds: 1 },
      { elapsed_seconds: 1 },
      { value: 1 },
      { when: new Date() },
      { x: Number.NaN },
      { f: () => 1 },
      { big: 'x'.repeat(65_536) },
      [1],
      'text',
      null,
    ];
    for (const customData of refused) {
      const error = await errorOf(store.run(POINT, { customData: customData as never }));
      expect(error, JSON.stringify(customData)).toBeInstanceOf(InvalidOptionError);
    }
    const fits = { big: 'x'.repeat(65_536 - 10) };
    expect((await store.run(POINT, { customData: fits })).customData.big).toBe(fits.big);
    expect(executed).toHaveLength(1);
  });

  it('[S2] wrong params are refused by name before anything runs', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    const wrong: [object, RegExp][] = [
      [{ n: 100, steps: 5000, dt: Number.NaN }, /params\.dt: NaN cannot be part of an id/],
      [{ n: '100', steps: 5000, dt: 0.01 }, /params\.n: .*pass 100/],
      [{ n: 1.5, steps: 5000, dt: 0.01 }, /params\.n/],
      [{ n: 100, stpes: 5000, dt: 0.01 }, /did you mean "steps"/],
      [{ n: 100, dt: 0.01 }, /params\.steps: missing/],
      [{ ...POINT, method: 'heun' }, /params\.method: "heun" is not one of/],
      [{ ...POINT, id: '../x' }, /params\.id/],
      [{ ...POINT, n: null }, /params\.n: null/],
    ];
    for (const [params, message] of wrong) {
      for (const call of ['run', 'runOrRetrieve', 'retrieve', 'delete'] as const) {
        const error = await errorOf(store[call](params as never));
        expect(error).toBeInstanceOf(InvalidParamsError);
        expect(error.message).toMatch(message);
      }
    }
    expect(executed).toEqual([]);
  });

  it('[S4] durability: process keeps the same promises to a reader', async () => {
    const place = await db.fresh();
    await using store = await openStore(place, { durability: 'process', verify: 'digest' });
    const record = await store.run(POINT);
    expect(await store.retrieve(POINT)).toEqual(record);
    expect(statSync(record.resultFile).size).toBe(resultOf(POINT).length);
  });
}
