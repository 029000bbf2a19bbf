// Who waits for a point that another process runs: it takes over at once when that process is dead, never while it lives, runs the
// point itself when the other failed, and stops waiting when its own call is aborted.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { describeDatabase, describeEachDatabase, type TestDatabase } from '../helpers/databases.js';
import { executionsOf, type FlightOptions, FlightProcess, pause, waitFor } from '../helpers/flight.js';

const processes: FlightProcess[] = [];

afterEach(async () => {
  await Promise.all(processes.splice(0).map((process) => process.kill()));
});

/** Two processes on one store; the runs of the first wait for the gate. */
async function pair(db: TestDatabase, first: FlightOptions, second: FlightOptions = {}) {
  const place = await db.fresh();
  const { resultsDir, dbUrl, folder } = place;
  const log = join(folder, 'executions.log');
  const gate = join(folder, 'gate');
  const at = { resultsDir, dbUrl: dbUrl.replace('sqlite:///', 'sqlite:'), log };
  const runs = { how: 'waiting', lease: '10m', ms: [1, 1] } as const;
  const holder = new FlightProcess(at, { ...runs, ...first, gate });
  const waiter = new FlightProcess(at, { ...runs, ...second });
  processes.push(holder, waiter);
  await Promise.all([holder.ready(), waiter.ready()]);
  const leases = () => place.sql('SELECT count(*) FROM entropic_leases').then(([row]) => Number(row?.[0]));
  return { place, holder, waiter, log, open: () => writeFileSync(gate, ''), leases };
}

/** The holder has the point: somebody else who asks for it is told to wait. */
async function waits(waiter: FlightProcess): Promise<void> {
  await waiter.event('run.waiting');
}

async function holds(leases: () => Promise<number>, count = 1): Promise<void> {
  while ((await leases()) < count) await pause(10);
}

describeEachDatabase('the process that runs a point is killed', (db) => {
  it('[D6] [D7] [fault: kill] and whoever waits takes its points over at once, in a call and in a sweep', async () => {
    const { holder, waiter, log, leases } = await pair(db, {});
    void holder.tell({ do: 'obtain', n: 0 });
    void holder.tell({ do: 'obtain', n: 1 });
    await holds(leases, 2);
    const call = waiter.tell({ do: 'obtain', n: 1 });
    const sweep = waiter.tell({ do: 'sweep', count: 3 });
    await waitFor('both wait', () => waiter.heard.filter(({ event }) => event === 'run.waiting').length >= 2);
    await holder.kill();
    const killed = Date.now();
    expect((await call.answer).error).toBeUndefined();
    expect(await sweep.answer).toMatchObject({ records: 3, inOrder: true });
    const took = Math.max(...executionsOf(log).map(({ at }) => at)) - killed;
    console.log(`${db.kind}: taken over ${took} ms after the kill, of a lease of 10 minutes`);
    expect(took).toBeLessThan(20_000);
    expect(
      executionsOf(log)
        .map(({ n }) => n)
        .sort(),
    ).toEqual([0, 1, 2]);
    expect(waiter.heard.filter(({ event }) => event === 'lease.taken-over')).toHaveLength(2);
    expect(await waiter.close()).toEqual({ code: 0, signal: null });
    expect(await leases()).toBe(0);
  });
});

describeDatabase('the process that runs a point is alive', 'sqlite', (db) => {
  it('[D7] and keeps its point far beyond the lease while it computes, in a function and in a thread', async () => {
    const computing = async (how: 'inline' | 'threads') => {
      const { holder, waiter, log, open } = await pair(db, { how, lease: '1s' }, { lease: '1s' });
      const first = holder.tell({ do: 'obtain', n: 1 });
      await waitFor('the run', () => executionsOf(log).length === 1);
      const second = waiter.tell({ do: 'obtain', n: 1 });
      await waits(waiter);
      await pause(3500);
      expect(executionsOf(log)).toHaveLength(1);
      open();
      const { id, execution } = await first.answer;
      expect(await second.answer).toMatchObject({ id, execution });
      expect(executionsOf(log)).toHaveLength(1);
    };
    await Promise.all([computing('inline'), computing('threads')]);
  });

  it('[D7] and fails: whoever waited runs the point itself, in a call and in a sweep', async () => {
    const { holder, waiter, log, open, leases } = await pair(db, { fail: true });
    const failing = [0, 1].map((n) => holder.tell({ do: 'obtain', n }));
    await holds(leases, 2);
    const call = waiter.tell({ do: 'obtain', n: 1 });
    await waits(waiter);
    const sweep = waiter.tell({ do: 'sweep', count: 2 });
    await waitFor('both wait', () => waiter.heard.filter(({ event }) => event === 'run.waiting').length >= 2);
    open();
    for (const { answer } of failing) expect((await answer).error).toMatchObject({ reason: 'exception' });
    expect((await call.answer).execution).toMatch(`${waiter.pid}-`);
    expect(await sweep.answer).toMatchObject({ records: 2, inOrder: true, progress: { failed: 0 } });
    const ran = (pid: number) => executionsOf(log).filter((one) => one.pid === pid).length;
    expect([ran(holder.pid), ran(waiter.pid)]).toEqual([2, 2]);
  });

  it('[D7] and an aborted call or sweep of another process waits for it no longer', async () => {
    const { holder, waiter, log, open, leases } = await pair(db, {});
    const first = holder.tell({ do: 'obtain', n: 0 });
    await holds(leases);
    const call = waiter.tell({ do: 'obtain', n: 0 });
    await waits(waiter);
    const sweep = waiter.tell({ do: 'sweep', count: 1 });
    await pause(300);
    for (const { tag, answer } of [call, sweep]) {
      waiter.tell({ do: 'abort', which: tag });
      expect((await answer).error).toMatchObject({ name: 'AbortError' });
    }
    expect(await waiter.close()).toEqual({ code: 0, signal: null });
    // The other is not disturbed.
    expect(await leases()).toBe(1);
    open();
    expect((await first.answer).execution).toMatch(`${holder.pid}-`);
    expect(executionsOf(log)).toHaveLength(1);
  });

  it('[D7] and a store that closes waits for it no longer', async () => {
    const { holder, waiter, leases } = await pair(db, {});
    void holder.tell({ do: 'obtain', n: 0 });
    await holds(leases);
    const call = waiter.tell({ do: 'obtain', n: 0 });
    const sweep = waiter.tell({ do: 'sweep', count: 1 });
    await waits(waiter);
    expect(await waiter.close()).toEqual({ code: 0, signal: null });
    expect((await call.answer).error).toMatchObject({ code: 'ENTROPIC_CLOSED' });
    // A sweep that had not yet had its first turn is refused, one that had is cancelled.
    expect((await sweep.answer).error?.name).toMatch(/^(AbortError|ClosedError)$/);
    expect(waiter.errors).toBe('');
  });
});
