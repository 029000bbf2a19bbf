// The faults of the Python original, each by its name at the end of the mission, each shown to be gone. Two more are shown in
// two-processes.test.ts (two-processes) and in ../files/large-sweep.test.ts (variable-limit).
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineResult, float, int, SchemaDriftError, Store, SweepError, text } from 'entropic';
import { expect, it } from 'vitest';
import { describeEachDatabase } from '../helpers/databases.js';
import { allRows, countingRunner, expectWhole, idOfToy, openToy, runScript, snapshot } from '../helpers/lab.js';

// biome-ignore lint/suspicious/noExplicitAny: what the compiler would refuse is what is tried here
type Anything = any;

describeEachDatabase('a fault of the Python original is gone:', (db) => {
  it('[python-fault: rounded-params] 1e-13 and 2e-13 are two points, each with its own result', async () => {
    const { resultsDir, dbUrl } = await db.fresh();
    const model = defineResult('fine', { x: float() });
    const runner = ({ x, resultFile }: { x: number; resultFile: string }) => writeFileSync(resultFile, `${x}`);
    await using store = await Store.open({ model, runner, resultsDir, dbUrl });
    const xs = [1e-13, 2e-13, 0, 5e-324, 1.0000000000001, 1.0000000000002, 1];
    const records = await store.sweep({ x: xs });
    expect(new Set(records.map(({ id }) => id)).size).toBe(xs.length);
    for (const x of xs) {
      const record = await store.retrieve({ x });
      expect(record?.x).toBe(x);
      expect(readFileSync(record?.resultFile as string, 'utf8')).toBe(String(x));
    }
  });

  it('[python-fault: stale-hit] a result whose file is gone or was edited is no hit, and runs again', async () => {
    const place = await db.fresh();
    const { runner, executions } = countingRunner();
    await using store = await openToy(place, runner);
    const [gone, edited] = await store.sweep({ n: [1, 2, 3] });
    rmSync(gone?.resultFile as string);
    writeFileSync(edited?.resultFile as string, 'THE RESULT OF n = 2\n');
    expect([await store.retrieve({ n: 1 }), await store.retrieve({ n: 2 })]).toEqual([null, null]);
    await store.sweep({ n: [1, 2, 3] });
    expect(executions).toEqual([1, 2, 3, 1, 2]);
    await expectWhole(place, [1, 2, 3]);
  });

  it('[python-fault: stops-at-failure] a failing point stops no other, and its error says which it was', async () => {
    const place = await db.fresh();
    const { runner, executions } = countingRunner();
    await using store = await openToy(place, (params, run) => {
      if (params.n === 1 || params.n === 4) throw new RangeError(`n = ${params.n} diverges`);
      return runner(params, run);
    });
    const error = (await store.sweep({ n: [0, 1, 2, 3, 4, 5] }).catch((reason) => reason)) as SweepError;
    expect(error).toBeInstanceOf(SweepError);
    expect(executions).toEqual([0, 2, 3, 5]);
    expect(error.records.map((record) => (record as Anything)?.n ?? null)).toEqual([0, null, 2, 3, null, 5]);
    expect(error.failures).toMatchObject([
      { id: idOfToy(1), reason: 'exception', params: { n: 1 }, cause: { message: 'n = 1 diverges' } },
      { id: idOfToy(4), reason: 'exception', params: { n: 4 }, cause: { message: 'n = 4 diverges' } },
    ]);
    await expectWhole(place, [0, 2, 3, 5]);
  });

  it('[python-fault: silent-drop] a run that writes nothing is a failure that says so, never a missing record', async () => {
    const place = await db.fresh();
    const { runner } = countingRunner();
    await using store = await openToy(place, (params, run) => (params.n === 1 ? undefined : runner(params, run)));
    const error = (await store.sweep({ n: [0, 1, 2] }).catch((reason) => reason)) as SweepError;
    expect(error.failures).toMatchObject([{ id: idOfToy(1), reason: 'no-output' }]);
    expect(error.failures[0]?.message).toContain('run.resultFile');
    expect(error.records.map((record) => (record as Anything)?.n ?? null)).toEqual([0, null, 2]);
    await expect(store.run({ n: 1 })).rejects.toMatchObject({ reason: 'no-output' });
    expect(await store.attempts(idOfToy(1))).toMatchObject([{ reason: 'no-output' }, { reason: 'no-output' }]);
    await expectWhole(place, [0, 2]);
  });

  it('[python-fault: database-order] records come in the order of the grid, however the rows came into the table', async () => {
    const { resultsDir, dbUrl } = await db.fresh();
    const model = defineResult('two', { a: int(), b: text() });
    const runner = ({ resultFile }: { resultFile: string }) => writeFileSync(resultFile, 'x');
    await using store = await Store.open({ model, runner, resultsDir, dbUrl });
    for (const [a, b] of [
      [3, 'y'],
      [1, 'x'],
      [2, 'y'],
    ] as const)
      await store.run({ a, b });
    const expected = [3, 1, 2].flatMap((a) => ['y', 'x'].map((b) => ({ a, b })));
    for (let i = 0; i < 2; i++) {
      const records = await store.sweep({ a: [3, 1, 2], b: ['y', 'x'] });
      expect(records.map(({ a, b }) => ({ a, b }))).toEqual(expected);
    }
    const list = [expected[4], expected[0], expected[4], expected[2]] as { a: number; b: string }[];
    expect((await store.sweep(list)).map(({ a, b }) => ({ a, b }))).toEqual(list);
  });

  it('[D6] [python-fault: kill-at-commit] kill -9 at the commit loses no run: the same sweep goes on, and none runs twice', async () => {
    const place = await db.fresh();
    const log = join(place.folder, 'executions.log');
    const args = [place.resultsDir, place.dbUrl, log, '50'];
    const killed = await runScript('killed-sweep.mjs', { args: [...args, '50'] });
    expect(killed).toMatchObject({ signal: 'SIGKILL', stderr: '' });
    const points = Array.from({ length: 50 }, (_, n) => n);
    const again = await runScript('killed-sweep.mjs', { args: [...args, '0'] });
    expect(again).toMatchObject({ code: 0, stderr: '', stdout: `${JSON.stringify(points)}\n` });
    expect(readFileSync(log, 'utf8')).toBe(points.map((n) => `${n}\n`).join(''));
    await expectWhole(place, points);
  });

  it('[python-fault: id-escapes] id: "../x" is no param and no id, and nothing is written outside the results folder', async () => {
    const place = await db.fresh();
    const { runner, executions } = countingRunner();
    await using store = await openToy(place, runner);
    const outside = () => snapshot(place.folder).filter(([path]) => !/^(\.$|runs\.sqlite3|results)/.test(path));
    for (const id of ['../x', '../../x', '/tmp/x', 'x']) {
      const params = { n: 1, id } as Anything;
      await expect(store.run(params)).rejects.toMatchObject({ code: 'ENTROPIC_INVALID_PARAMS' });
      await expect(store.sweep({ n: [1], id: [id] } as Anything)).rejects.toMatchObject({
        code: 'ENTROPIC_INVALID_PARAMS',
      });
      await expect(store.get(id)).rejects.toMatchObject({ code: 'ENTROPIC_INVALID_PARAMS' });
      await expect(store.delete({ id }, { removeFile: true })).rejects.toMatchObject({
        code: 'ENTROPIC_INVALID_PARAMS',
      });
    }
    expect(executions).toEqual([]);
    expect(outside()).toEqual([]);
    expect((await allRows(place)).toy).toEqual([]);
  });

  it('[python-fault: late-column] a wrong or a missing param is found before anything runs', async () => {
    const place = await db.fresh();
    const { runner, executions } = countingRunner();
    await using store = await openToy(place, runner);
    for (const params of [{ m: 1 }, { n: 1, m: 1 }, {}, { n: '1' }] as Anything[]) {
      const refused = { code: 'ENTROPIC_INVALID_PARAMS', message: expect.stringContaining('toy takes n (int)') };
      const wrongType = { code: 'ENTROPIC_INVALID_PARAMS', message: expect.stringContaining('params.n') };
      const expected = params.n === '1' ? wrongType : refused;
      await expect(store.run(params)).rejects.toMatchObject(expected);
      await expect(store.sweep([{ n: 5 }, params])).rejects.toMatchObject(expected);
    }
    expect(executions).toEqual([]);
  });

  it('[python-fault: late-column] a table that does not fit the model is found at open, and left as it is', async () => {
    const place = await db.fresh();
    const { runner, executions } = countingRunner();
    {
      await using store = await openToy(place, runner);
      await store.run({ n: 1 });
    }
    const before = await allRows(place);
    const { resultsDir, dbUrl } = place;
    const wrong = [
      defineResult('toy', { n: float() }),
      defineResult('toy', { n: text() }),
      defineResult('toy', { m: int() }),
      defineResult('toy', { n: int(), m: int() }),
    ];
    for (const model of wrong) {
      const opening = Store.open({ model: model as Anything, runner: runner as Anything, resultsDir, dbUrl });
      await expect(opening).rejects.toBeInstanceOf(SchemaDriftError);
      await expect(opening).rejects.toMatchObject({ message: expect.stringMatching(/"[nm]"/) });
    }
    expect(await allRows(place)).toEqual(before);
    // Columns changed behind the store's back are found at the next open, not at the end of the next run.
    await place.sql('ALTER TABLE toy RENAME COLUMN n TO changed');
    await expect(openToy(place, runner)).rejects.toBeInstanceOf(SchemaDriftError);
    expect(executions).toEqual([1]);
  });

  it('[Q5] [python-fault: added-column] a new column with a default keeps every id and every result', async () => {
    const place = await db.fresh();
    const { resultsDir, dbUrl } = place;
    {
      await using store = await openToy(place);
      await store.sweep({ n: [1, 2, 3] });
    }
    const before = snapshot(resultsDir).filter(([path]) => path.endsWith('.dat'));
    const model = defineResult('toy', { n: int(), method: text({ default: 'rk4' }), steps: int({ default: 10 }) });
    const executions: unknown[] = [];
    const runner = ({ resultFile, ...params }: { resultFile: string }) => {
      executions.push(params);
      writeFileSync(resultFile, 'new');
    };
    await using store = await Store.open({ model, runner, resultsDir, dbUrl });
    const records = await store.sweep({ n: [1, 2, 3] });
    expect(records.map(({ id }) => id)).toEqual([1, 2, 3].map(idOfToy));
    expect(records).toMatchObject([1, 2, 3].map((n) => ({ n, method: 'rk4', steps: 10 })));
    expect((await store.retrieve({ n: 1, method: 'rk4' }))?.id).toBe(idOfToy(1));
    expect(await store.get(idOfToy(2))).toMatchObject({ n: 2, method: 'rk4', steps: 10 });
    expect(executions).toEqual([]);
    expect(snapshot(resultsDir).filter(([path]) => path.endsWith('.dat'))).toEqual(before);
    expect(await store.retrieve({ n: 1, method: 'euler' })).toBeNull();
    await store.runOrRetrieve({ n: 1, method: 'euler' });
    expect(executions).toEqual([{ n: 1, method: 'euler', steps: 10 }]);
    expect((await store.verify({ readData: true })).problems).toEqual([]);
  });
});
