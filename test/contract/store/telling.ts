// The contract of what a store tells: nothing by itself; events and a logger for whoever asks.
import { expect, it } from 'vitest';
import type { TestDatabase } from '../../helpers/databases.js';
import { errorOf, listen, makeSimulation, openStore, POINT, POINT_ID, until } from './kit.js';

export function telling(db: TestDatabase): void {
  it('[S13] progress and log are events, in their order', async () => {
    const place = await db.fresh();
    const { simulate } = makeSimulation((_, run) => {
      run.progress(0.5, 'half');
      run.log('step %d of %s', 1, 'two', { deep: [1] });
      run.progress(1);
    });
    await using store = await openStore(place, { runner: simulate });
    const heard = listen(store);
    await store.run(POINT);
    await heard.until('run.finished');
    const told = heard.events.filter((event) => event.type.startsWith('run.'));
    expect(told).toMatchObject([
      { type: 'run.started', id: POINT_ID, attempt: 1, params: { ...POINT, method: 'rk4' } },
      { type: 'run.progress', fraction: 0.5, note: 'half' },
      { type: 'run.log', text: 'step 1 of two { deep: [ 1 ] }\n' },
      { type: 'run.progress', fraction: 1 },
      { type: 'run.finished', id: POINT_ID, file: `${place.resultsDir}/${POINT_ID}.npy` },
    ]);
    expect(told[3]).not.toHaveProperty('note');
  });

  it('[S13] the logger hears of hits, run completions, ingestion and file operations, and of nothing else at info', async () => {
    const place = await db.fresh();
    const lines: string[] = [];
    const level = (name: string) => (_: object, message: string) => void lines.push(`${name} ${message}`);
    const logger = { debug: () => {}, info: level('info'), warn: level('warn'), error: level('error') };
    await using store = await openStore(place, { logger });
    const { resultFile } = await store.runOrRetrieve(POINT);
    await store.runOrRetrieve(POINT);
    await store.delete(POINT, { removeFile: true });
    const said = lines.map((line) => line.replace(/in [\d.]+ s/, 'in T'));
    expect(said).toEqual([
      'info ingested 1 run',
      `info file ${resultFile} published (29 bytes)`,
      `info run ${POINT_ID} finished in T, 29 bytes`,
      `info cache hit ${POINT_ID} → ${resultFile}`,
      `info file ${resultFile} removed`,
      `info deleted the row of ${POINT_ID}`,
    ]);
  });

  it('[S13] a logger that throws fails no run, one that is no logger is refused', async () => {
    const place = await db.fresh();
    const broken = () => {
      throw new Error('disk of logs full');
    };
    await using store = await openStore(place, {
      logger: { debug: broken, info: broken, warn: broken, error: broken },
    });
    expect((await store.run(POINT)).id).toBe(POINT_ID);
    const error = await errorOf(openStore(place, { logger: { info() {} } as never }));
    expect(error.message).toMatch(/logger: it has no function "debug"/);
  });

  it('[S13] events of a store begin when one listens, and end with the store', async () => {
    const place = await db.fresh();
    const store = await openStore(place);
    const heard = listen(store);
    await store.run(POINT);
    await store.close();
    await heard.until('store.closed');
    expect(heard.types().at(-1)).toBe('store.closed');
    let ended = false;
    void (async () => {
      for await (const _ of store.events);
      ended = true;
    })();
    await until(() => ended);
  });
}
