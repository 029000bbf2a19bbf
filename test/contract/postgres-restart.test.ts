// A Postgres that is killed in the middle of a sweep and comes back: the sweep goes on by itself, and every row is there.
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreEvent } from 'entropic';
import { describe, expect, it } from 'vitest';
import { freshPostgres } from '../helpers/databases.js';
import { startPostgres } from '../helpers/postgres-server.js';
import { listen, makeSimulation, openStore, until } from './store/kit.js';

const points = (count: number) => Array.from({ length: count }, (_, n) => ({ n, steps: 1, dt: 1 }));

describe('a server that goes away (postgres)', () => {
  it('[S10] [I1] [I3] [I5] a sweep survives a server that is killed and started again, and runs each point once', async () => {
    const server = await startPostgres();
    const uncaught: unknown[] = [];
    const onUncaught = (error: unknown) => uncaught.push(error);
    process.on('uncaughtExceptionMonitor', onUncaught);
    try {
      const place = await freshPostgres(server.url);
      const { executed, simulate } = makeSimulation(() => sleep(5));
      const store = await openStore(place, { runner: simulate, lease: '3s' });
      const heard = listen(store);
      const sweep = store.sweep(points(60), { concurrency: 3 });
      const outcome = Promise.resolve(sweep).then(
        (records) => records,
        (error) => error,
      );
      for (const at of [10, 30]) {
        await until(() => sweep.progress().finished >= at);
        await server.kill();
        await sleep(200);
        await server.restart();
      }
      const records = await outcome;
      expect(records).toHaveLength(60);
      expect(executed.map(({ n }) => n).sort((a, b) => a - b)).toEqual(points(60).map(({ n }) => n));
      expect(sweep.progress()).toMatchObject({ finished: 60, failed: 0, cancelled: 0 });
      const [[rows]] = (await place.sql('SELECT count(*) FROM results')) as [[unknown]];
      expect(Number(rows)).toBe(60);
      expect((await store.verify({ readData: true })).problems).toEqual([]);
      await store.close();
      expect(await place.sql('SELECT id FROM entropic_leases')).toEqual([]);
      expect(heard.events.map((event: StoreEvent) => event.type)).not.toContain('run.stale');
      await place.remove();
    } finally {
      process.off('uncaughtExceptionMonitor', onUncaught);
      await server.stop();
    }
    expect(uncaught).toEqual([]);
  });

  it('[S4] idle connections that the server cut are no trouble for the next call', async () => {
    const server = await startPostgres();
    try {
      const place = await freshPostgres(server.url);
      await using store = await openStore(place);
      const record = await store.run({ n: 1, steps: 1, dt: 1 });
      await server.kill();
      await server.restart();
      expect(await store.retrieve({ n: 1, steps: 1, dt: 1 })).toEqual(record);
      await place.sql(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      );
      expect((await store.run({ n: 2, steps: 1, dt: 1 })).n).toBe(2);
      writeFileSync(record.resultFile, 'edited');
      expect(await store.retrieve({ n: 1, steps: 1, dt: 1 })).toBeNull();
      await store.close();
      await place.remove();
    } finally {
      await server.stop();
    }
  });
});
