// Metadata, options and addresses that no honest caller passes: refused by name before anything runs or is made.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineResult, int, Store } from 'entropic';
import { expect, it } from 'vitest';
import { describeDatabase, type Place } from '../helpers/databases.js';
import { openToy, snapshot } from '../helpers/lab.js';

// biome-ignore lint/suspicious/noExplicitAny: what the compiler would refuse is what is tried here
type Anything = any;

const Wide = defineResult('toy', { n: int() });

function openWide({ resultsDir, dbUrl }: Place, ran: unknown[] = []) {
  const runner = ({ resultFile, ...params }: { resultFile: string }) => {
    ran.push(params);
    writeFileSync(resultFile, 'x');
  };
  return Store.open({ model: Wide, runner, resultsDir, dbUrl });
}

const cycle: Record<string, unknown> = {};
cycle.self = cycle;
const parsed = (text: string) => JSON.parse(text);
let deep: unknown = 1;
for (let i = 0; i < 100_000; i++) deep = [deep];

describeDatabase('hostile options', 'sqlite', (db) => {
  it('[fault: hostile-custom-data] customData that JSON would not keep is refused before the run', async () => {
    const place = await db.fresh();
    const ran: unknown[] = [];
    await using store = await openWide(place, ran);
    const file = join(place.folder, 'made-elsewhere.dat');
    writeFileSync(file, 'x');
    const refused: unknown[] = [
      { text: 'x'.repeat(64 * 1024) },
      { x: Number.NaN },
      { x: Number.NEGATIVE_INFINITY },
      cycle,
      { deep },
      { elapsedSeconds: 1 },
      { elapsed_seconds: 1 },
      { value: 1 },
      { f: () => 1 },
      { d: new Date(0) },
      { u: undefined },
      parsed('{"__proto__":{"polluted":true}}'),
      'text',
      7,
      null,
      [1],
      new Map(),
    ];
    for (const [i, customData] of (refused as Anything[]).entries()) {
      const error = { code: 'ENTROPIC_INVALID_OPTION', message: expect.stringContaining('customData') };
      await expect(store.run({ n: 1 }, { customData }), `refused[${i}]`).rejects.toMatchObject(error);
      await expect(store.runOrRetrieve({ n: 1 }, { customData }), `refused[${i}]`).rejects.toMatchObject(error);
      await expect(store.register({ n: 1 }, file, { customData }), `refused[${i}]`).rejects.toMatchObject(error);
      expect(() => store.sweep({ n: [1] }, { customData }), `refused[${i}]`).toThrow(expect.objectContaining(error));
    }
    expect(ran).toEqual([]);
    const most = { text: 'x'.repeat(64 * 1024 - '{"text":""}'.length) };
    expect((await store.run({ n: 1 }, { customData: most })).customData).toMatchObject(most);
  });

  it('[fault: misspelt-options] a misspelt option is refused, with the one that was meant', async () => {
    const place = await db.fresh();
    await using store = await openWide(place);
    const { resultsDir, dbUrl } = place;
    const slips: [call: () => unknown, meant: string][] = [
      [() => Store.open({ model: Wide, resultDir: resultsDir, dbUrl } as Anything), 'resultsDir'],
      [() => Store.open({ model: Wide, resultsDir, dburl: dbUrl } as Anything), 'dbUrl'],
      [() => Store.open({ model: Wide, resultsDir, dbUrl, fileSufix: '.x' } as Anything), 'fileSuffix'],
      [() => store.run({ n: 1 }, { customdata: {} } as Anything), 'customData'],
      [() => store.runOrRetrieve({ n: 1 }, { singal: null } as Anything), 'signal'],
      [() => store.delete({ n: 1 }, { removeFiles: true } as Anything), 'removeFile'],
      [() => store.register({ n: 1 }, 'x', { replaces: true } as Anything), 'replace'],
      [() => store.verify({ repiar: true } as Anything), 'repair'],
      [() => store.sweep({ n: [1] }, { maxFailure: 1 } as Anything), 'maxFailures'],
      [() => store.sweep({ n: [1] }, { retryfailed: false } as Anything), 'retryFailed'],
    ];
    for (const [call, meant] of slips) {
      const error = await Promise.resolve()
        .then(call)
        .then(
          () => 'nothing',
          (reason: Anything) => reason,
        );
      expect(error, meant).toMatchObject({
        code: 'ENTROPIC_INVALID_OPTION',
        message: expect.stringContaining(`did you mean "${meant}"?`),
      });
    }
    const error = await store.run({ m: 1 } as Anything).catch((reason: Anything) => reason);
    expect(error.message).toContain('toy takes n (int)');
  });

  it('[fault: hostile-urls] a database that cannot be is refused, and no password is told', async () => {
    const { resultsDir, folder } = await db.fresh();
    const notDatabase = join(folder, 'text.sqlite3');
    writeFileSync(notDatabase, 'this is a text and no database, however long it may be'.repeat(100));
    const before = snapshot(folder);
    const urls: [url: unknown, code: string][] = [
      ['', 'INVALID_OPTION'],
      [7, 'INVALID_OPTION'],
      [null, 'INVALID_OPTION'],
      [{}, 'INVALID_OPTION'],
      ['runs.sqlite3', 'INVALID_OPTION'],
      ['sqlite:', 'INVALID_OPTION'],
      ['sqlite://', 'INVALID_OPTION'],
      ['sqlite://x', 'INVALID_OPTION'],
      ['sqlite:///', 'INVALID_OPTION'],
      ['sqlite:///:memory:', 'INVALID_OPTION'],
      ['sqlite:///a\0b', 'INVALID_OPTION'],
      ['javascript:alert(1)', 'INVALID_OPTION'],
      ['mysql://user:sesame@host/db', 'INVALID_OPTION'],
      ['mysql://user:se/sesame@b@host/db', 'INVALID_OPTION'],
      ['postgres://user:sesame@host:99999/db', 'INVALID_OPTION'],
      ['postgres://user:sesame@127.0.0.1:1/db', 'CONNECTION'],
      [`sqlite:///${folder}`, 'CONNECTION'],
      [`sqlite:///${notDatabase}/below/runs.sqlite3`, 'CONNECTION'],
      [`sqlite:///${'x'.repeat(5000)}`, 'CONNECTION'],
      [`sqlite:///${notDatabase}`, 'STORE_CORRUPT'],
    ];
    for (const [dbUrl, code] of urls as [Anything, string][]) {
      const error = await Store.open({ model: Wide, resultsDir, dbUrl }).then(
        () => 'opened',
        (reason: Anything) => reason,
      );
      expect(error, String(dbUrl)).toMatchObject({ code: `ENTROPIC_${code}` });
      expect(`${error.message} ${error.address}`, String(dbUrl)).not.toContain('sesame');
    }
    expect(snapshot(folder)).toEqual(before);
  });

  it('[fault: hostile-runners] a runner that is none is refused at open', async () => {
    const { resultsDir, dbUrl, folder } = await db.fresh();
    for (const runner of ['simulate', 7, {}, null, ['node'], new URL('file:///simulate.js')] as Anything[]) {
      await expect(Store.open({ model: Wide, runner, resultsDir, dbUrl }), String(runner)).rejects.toMatchObject({
        code: 'ENTROPIC_INVALID_OPTION',
        message: expect.stringContaining('runner'),
      });
    }
    for (const model of [undefined, null, {}, 'toy', class {}] as Anything[]) {
      await expect(Store.open({ model, resultsDir, dbUrl }), String(model)).rejects.toMatchObject({
        code: 'ENTROPIC_INVALID_OPTION',
      });
    }
    expect(snapshot(folder).map(([path]) => path)).toEqual(['.']);
    await using store = await Store.open({ model: Wide, resultsDir, dbUrl });
    await expect(store.runOrRetrieve({ n: 1 })).rejects.toMatchObject({ code: 'ENTROPIC_INVALID_OPTION' });
    await expect(store.sweep({ n: [1] })).rejects.toMatchObject({ code: 'ENTROPIC_INVALID_OPTION' });
    expect(await store.retrieve({ n: 1 })).toBeNull();
  });
});

describeDatabase('an open store', 'sqlite', (db) => {
  it('[fault: hostile-runners] gives its runner params that cannot be changed', async () => {
    const place = await db.fresh();
    await using store = await openToy(place, (params) => {
      expect(Object.isFrozen(params)).toBe(true);
      expect(() => {
        (params as Anything).n = 2;
      }).toThrow(TypeError);
      writeFileSync(params.resultFile, 'x');
    });
    expect(await store.run({ n: 1 })).toMatchObject({ n: 1 });
  });
});
