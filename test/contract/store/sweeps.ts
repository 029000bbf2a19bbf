// The contract of sweeps as people await them: sources of points, order, what runs and what does not.
import { expandGrid, InvalidOptionError, InvalidParamsError } from 'entropic';
import { expect, it } from 'vitest';
import type { TestDatabase } from '../../helpers/databases.js';
import { contentOf, errorOf, listen, makeSimulation, openStore, resultOf, type SimParams } from './kit.js';

const GRID = { n: [50, 100], steps: [5000], dt: [0.01, 0.005] };
const POINTS = [
  { n: 50, steps: 5000, dt: 0.01 },
  { n: 50, steps: 5000, dt: 0.005 },
  { n: 100, steps: 5000, dt: 0.01 },
  { n: 100, steps: 5000, dt: 0.005 },
];
const keysOf = (records: Iterable<SimParams>) => Array.from(records, ({ n, dt }) => `${n} ${dt}`);
const IN_ORDER = keysOf(POINTS);

export function sweeps(db: TestDatabase): void {
  it('[S10] a sweep over a grid runs the cartesian product and gives its records in grid order', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    const records = await store.sweep(GRID);
    expect(keysOf(records)).toEqual(IN_ORDER);
    expect(keysOf(executed)).toEqual(IN_ORDER);
    for (const record of records) expect(contentOf(record)).toBe(resultOf(record));
    expect(new Set(records.map((record) => record.id)).size).toBe(4);
    expect(await store.retrieve(POINTS[2] as SimParams)).toEqual(records[2]);
  });

  it('[S10] a sweep reuses hits and runs only the misses', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    const third = await store.run(POINTS[2] as SimParams);
    executed.length = 0;
    const sweep = store.sweep(GRID);
    const records = await sweep;
    expect(keysOf(executed)).toEqual(IN_ORDER.filter((_, i) => i !== 2));
    expect(records[2]).toEqual(third);
    expect(sweep.progress()).toEqual({
      total: 4,
      cached: 1,
      finished: 3,
      failed: 0,
      cancelled: 0,
      running: 0,
      queued: 0,
    });
    expect(await store.sweep(GRID)).toEqual(records);
    expect(executed).toHaveLength(3);
  });

  it('[S10] a list, a generator, an async generator, a Set and expandGrid give the same points', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    function* generator() {
      yield* POINTS;
    }
    async function* later() {
      for (const point of POINTS) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        yield point;
      }
    }
    const records = await store.sweep(POINTS);
    expect(keysOf(records)).toEqual(IN_ORDER);
    expect(await store.sweep(generator())).toEqual(records);
    expect(await store.sweep(later())).toEqual(records);
    expect(await store.sweep(new Set(POINTS))).toEqual(records);
    expect(await store.sweep(expandGrid({ ...GRID, method: ['rk4'] }))).toEqual(records);
    expect(executed).toHaveLength(4);
  });

  it('[S10] a generator tells its total when it is exhausted', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    const sweep = store.sweep(
      (function* () {
        yield* POINTS;
      })(),
    );
    expect(sweep.progress().total).toBeNull();
    await sweep;
    expect(sweep.progress()).toMatchObject({ total: 4, finished: 4, queued: 0, running: 0 });
  });

  it('[S10] [I1] a duplicate runs once and appears at each of its places', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    const [a, b] = POINTS as [SimParams, SimParams];
    const sweep = store.sweep([a, b, a, { ...a, method: 'rk4' }, b]);
    const records = await sweep;
    expect(keysOf(records)).toEqual(keysOf([a, b, a, a, b]));
    expect(executed).toHaveLength(2);
    expect(sweep.progress()).toMatchObject({ total: 5, finished: 2, cached: 3, queued: 0 });
    expect(await place.sql('SELECT count(*) FROM results').then(([row]) => Number(row?.[0]))).toBe(2);
  });

  it('[S10] an empty axis, an empty list and an empty generator are 0 points', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    expect(await store.sweep({ n: [], steps: [1], dt: [1] })).toEqual([]);
    expect(await store.sweep([])).toEqual([]);
    const none: SimParams[] = [];
    expect(await store.sweep(none.values())).toEqual([]);
    expect(store.sweep([]).progress()).toMatchObject({ total: 0, queued: 0 });
  });

  it('[S10] a scalar or a text as an axis is refused with the fix', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    const refused: [unknown, RegExp][] = [
      [{ n: 100, steps: [1], dt: [1] }, /"n" .*n: \[100\]/],
      [{ n: [1], steps: [1], dt: [1], method: 'rk4' }, /"method" .*method: \['rk4'\]/],
      [{ n: [1], steps: [1], dt: new Float64Array([1]) }, /"dt" .*Array\.from/],
      ['results', /no source of points/],
      [5, /no source of points/],
      [null, /no source of points/],
      [() => [], /no source of points/],
    ];
    for (const [source, message] of refused) {
      const error = await errorOf(
        (async () => {
          await store.sweep(source as never);
        })(),
      );
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(error.message).toMatch(message);
    }
    expect(executed).toEqual([]);
  });

  it('[S10] one wrong point in a grid or a list is named, and nothing runs', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    const wrong: [unknown, RegExp][] = [
      [{ ...GRID, dt: [0.01, Number.NaN] }, /grid\.dt\[1\]: params\.dt: NaN/],
      [{ ...GRID, colour: [1] }, /colour/],
      [[...POINTS, { n: 1, steps: '1', dt: 1 }], /points\[4\]: params\.steps/],
      [[...POINTS, undefined], /points\[4\]/],
    ];
    for (const [source, message] of wrong) {
      const error = await errorOf(store.sweep(source as never));
      expect(error).toBeInstanceOf(InvalidParamsError);
      expect(error.message).toMatch(message);
    }
    expect(executed).toEqual([]);
  });

  it('[S10] a wrong point of a generator ends the sweep with its place, what ran before is stored', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    const error = await errorOf(
      store.sweep(
        (async function* () {
          yield POINTS[0] as SimParams;
          await new Promise((resolve) => setTimeout(resolve, 50));
          yield { n: 1, steps: 1, dt: Number.NaN };
        })(),
      ),
    );
    expect(error).toBeInstanceOf(InvalidParamsError);
    expect(error.message).toMatch(/points\[1\]: params\.dt: NaN/);
    expect(keysOf(executed)).toEqual(['50 0.01']);
    expect(await store.retrieve(POINTS[0] as SimParams)).not.toBeNull();
  });

  it('[S10] what a generator throws ends the sweep with that error', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    const error = await errorOf(
      store.sweep(
        (function* (): Generator<SimParams> {
          yield POINTS[0] as SimParams;
          throw new Error('the table of points is gone');
        })(),
      ),
    );
    expect(error.message).toBe('the table of points is gone');
  });

  it('[S10] a generator may take its next point from the result of the last', async () => {
    const place = await db.fresh();
    let settle: (value: unknown) => void = () => {};
    const { simulate } = makeSimulation((params) => settle(params.n));
    await using store = await openStore(place, { runner: simulate });
    const records = await store.sweep(
      (async function* () {
        for (let n = 1; n < 100; ) {
          const done = new Promise((resolve) => {
            settle = resolve;
          });
          yield { n, steps: 1, dt: 1 };
          n = ((await done) as number) * 4;
        }
      })(),
    );
    expect(records.map((record) => record.n)).toEqual([1, 4, 16, 64]);
  });

  it('[S10] force runs every distinct point once more', async () => {
    const place = await db.fresh();
    const { executed, simulate } = makeSimulation();
    await using store = await openStore(place, { runner: simulate });
    await store.sweep(POINTS);
    const again = store.sweep([...POINTS, ...POINTS], { force: true });
    expect(await again).toHaveLength(8);
    expect(executed).toHaveLength(8);
    expect(again.progress()).toMatchObject({ total: 8, finished: 4, cached: 4 });
  });

  it('[S12] customData of a sweep lands in what it ran, hits keep what they have', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    await store.run(POINTS[1] as SimParams, { customData: { by: 'hand' } });
    const records = await store.sweep(GRID, { customData: { by: 'sweep' } });
    expect(records.map((record) => record.customData.by)).toEqual(['sweep', 'hand', 'sweep', 'sweep']);
  });

  it('[S10] a grid of 400 points, one column of every kind of number, comes back in order', async () => {
    const place = await db.fresh();
    await using store = await openStore(place, { durability: 'process' });
    const n = Array.from({ length: 20 }, (_, i) => i - 10);
    const dt = Array.from({ length: 20 }, (_, i) => (i - 10) * 10 ** (2 * i - 25));
    const sweep = store.sweep({ n, steps: [2 ** 53 - 1], dt });
    const records = await sweep;
    expect(records.map((record) => [record.n, record.dt])).toEqual(n.flatMap((a) => dt.map((b) => [a, b + 0])));
    expect(sweep.progress()).toMatchObject({ total: 400, finished: 400, failed: 0 });
    const [[rows, ids]] = (await place.sql('SELECT count(*), count(DISTINCT id) FROM results')) as [[unknown, unknown]];
    expect([Number(rows), Number(ids)]).toEqual([400, 400]);
    for (const record of records.slice(0, 40)) expect(await store.get(record.id)).toEqual(record);
  });

  it('[S10] wrong options are refused by name', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    const refused: [object, RegExp][] = [
      [{ concurency: 2 }, /concurency.*did you mean "concurrency"/],
      [{ concurrency: 0 }, /concurrency/],
      [{ retries: -1 }, /retries/],
      [{ maxFailures: 0 }, /maxFailures/],
      [{ timeout: 'soon' }, /timeout/],
      [{ signal: {} }, /signal/],
      [{ force: 'yes' }, /force/],
      [{ client: {} }, /client/],
      [{ customData: { value: 1 } }, /customData\.value/],
    ];
    for (const [options, message] of refused) {
      const error = await errorOf(
        (async () => {
          await store.sweep(GRID, options);
        })(),
      );
      expect(error, JSON.stringify(options)).toBeInstanceOf(InvalidOptionError);
      expect(error.message).toMatch(message);
    }
  });

  it('[S10] a sweep tells its start and its end as events', async () => {
    const place = await db.fresh();
    await using store = await openStore(place);
    const heard = listen(store);
    await store.sweep(GRID, { name: 'first look' });
    await heard.until('sweep.finished');
    const named = heard.events.filter((event) => event.type.startsWith('sweep.'));
    expect(named).toMatchObject([
      { type: 'sweep.started', sweep: 'first look', total: 4, table: 'results', v: 1 },
      { type: 'sweep.finished', sweep: 'first look', cached: 0, finished: 4, failed: 0, cancelled: 0 },
    ]);
  });
}
