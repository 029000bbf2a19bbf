// Sweeps of commands on both databases, and the slots that they share with what else a client runs.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, commandRunner, defineResult, int, range, Store, SweepError, text } from 'entropic';
import { describe, expect, it } from 'vitest';
import { describeEachDatabase } from '../helpers/databases.js';
import { makeFolder } from './kit.js';

/** Fails for each third point, with a word about it. */
const SCRIPT = `
echo "$1" >> executions
echo "on its way: $1"
if [ $(($1 % 3)) = 0 ] && [ ! -e "$3/mended" ]; then echo "no luck with $1" >&2; exit 9; fi
echo "$1 executions $(cat executions)" > "$2"
`;

const Model = defineResult('points', { n: int(), folder: text() });

describeEachDatabase('[S2] [S4] [D1] a sweep of commands (command)', (db) => {
  it('runs what has no result yet; a bad point does not stop the others, and is told with what it said', async () => {
    const place = await db.fresh();
    const { folder, dbUrl, resultsDir } = place;
    const runner = commandRunner(['sh', '-c', SCRIPT, 'sh', '{n}', '{result_file}', '{folder}']);
    await using client = await Client.connect({ threads: 2 });
    await using store = await Store.open({ model: Model, runner, resultsDir, dbUrl, fileSuffix: '.txt' });
    const points = { n: range(9), folder: [folder] };
    const error = await store.sweep(points, { client }).then(
      () => undefined,
      (reason) => reason as SweepError,
    );
    expect(error).toBeInstanceOf(SweepError);
    expect(error?.records.map((record) => record !== null)).toEqual(range(9).map((n) => n % 3 !== 0));
    expect(error?.failures.map(({ reason, exitCode }) => [reason, exitCode])).toEqual(Array(3).fill(['exit', 9]));
    expect(error?.failures.map(({ message }) => /no luck with (\d)$/.exec(message)?.[1]).sort()).toEqual([
      '0',
      '3',
      '6',
    ]);
    expect((await place.sql('SELECT n FROM points ORDER BY n')).map(([n]) => Number(n))).toEqual([1, 2, 4, 5, 7, 8]);
    const failed = await place.sql("SELECT reason, exit_code FROM entropic_attempts WHERE outcome = 'failed'");
    expect(failed.map(([reason, code]) => [reason, Number(code)])).toEqual(Array(3).fill(['exit', 9]));

    appendFileSync(join(folder, 'mended'), '');
    const sweep = store.sweep(points, { client });
    const records = await sweep;
    expect(sweep.progress()).toMatchObject({ cached: 6, finished: 3, failed: 0 });
    // Its folder was its own: there is one line in the file that it appended to.
    for (const [n, record] of records.entries())
      expect(readFileSync(record?.resultFile as string, 'utf8')).toBe(`${n} executions ${n}\n`);
  });

  it('recovers a run that had ended when its owner was killed before the row', async () => {
    const { folder, dbUrl } = await db.fresh();
    const { runProcess } = await import('../helpers/example.js');
    const program = join(import.meta.dirname, 'recovered.mjs');
    const killed = await runProcess(process.execPath, [program, folder, dbUrl, 'manifest']);
    expect(killed).toMatchObject({ code: null, signal: 'SIGKILL' });
    const again = await runProcess(process.execPath, [program, folder, dbUrl, 'never']);
    expect([again.stderr, again.stdout]).toEqual(['', 'cached\n']);
    expect(readFileSync(join(folder, 'executions'), 'utf8')).toBe('1\n');
  });
});

describe('[D1] a limit of memory (command)', () => {
  const GROW = 'import sys, time\nkept = bytearray(80_000_000)\ntime.sleep(1)\nopen(sys.argv[1], "w").write("whole")';

  it('of the sweep goes before the one of the runner, and grows with a retry that is asked for', async () => {
    const folder = makeFolder();
    const runner = commandRunner(['python3', '-c', GROW, '{result_file}'], { memoryLimit: '40MB' });
    await using store = await Store.open({
      ...{ model: Model, runner, resultsDir: join(folder, 'results'), dbUrl: `sqlite:///${join(folder, 'db')}` },
    });
    const tooMuch = { reason: 'oom', limit: 40_000_000, attempts: 1 };
    await expect(store.run({ n: 1, folder })).rejects.toMatchObject(tooMuch);
    expect(await store.sweep([{ n: 1, folder }], { memoryLimit: '400MB' })).toHaveLength(1);
    const retries = { oom: 1, memoryFactor: 10, delay: 0 };
    expect(await store.sweep([{ n: 2, folder }], { retries })).toHaveLength(1);
    const { id } = (await store.retrieve({ n: 2, folder })) as { id: string };
    const attempts = await store.attempts(id);
    expect(attempts.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['failed', 'oom'],
      ['finished', null],
    ]);
  });
});

describe('[D1] the slots of a client (command, threads)', () => {
  it('are shared by commands and threads: never more at once than there are', async () => {
    const folder = makeFolder();
    const simulations = new URL('../contract/executor/simulations.mjs', import.meta.url);
    const asCommand = new URL('../contract/executor/as-command.mjs', import.meta.url);
    const open = (name: string, runner: URL | ReturnType<typeof commandRunner>) =>
      Store.open({
        model: defineResult('held', { n: int(), folder: text() }),
        runner,
        ...{ resultsDir: join(folder, name), dbUrl: `sqlite:///${join(folder, `${name}.db`)}`, durability: 'process' },
      });
    const { moduleRunner } = await import('entropic');
    await using client = await Client.connect({ threads: 2 });
    await using threads = await open('threads', moduleRunner(simulations, { export: 'held' }) as never);
    await using commands = await open(
      'commands',
      commandRunner([process.execPath, asCommand, 'held', '{result_file}']),
    );
    await Promise.all([
      threads.sweep({ n: range(20), folder: [folder] }, { client }),
      commands.sweep({ n: range(100, 120, 1), folder: [folder] }, { client }),
    ]);
    const counts = readFileSync(join(folder, 'most'), 'utf8').trim().split('\n').map(Number);
    expect(counts).toHaveLength(40);
    expect(Math.max(...counts)).toBeLessThanOrEqual(2);
    expect(client.schedulerInfo()).toMatchObject({ running: 0, queued: 0 });
    expect(existsSync(join(folder, 'held'))).toBe(true);
  });

  it('are given back by what was cancelled before its turn, and close waits for what runs', async () => {
    const folder = makeFolder();
    const store = await Store.open({
      model: Model,
      runner: commandRunner(['sh', '-c', 'sleep 0.3; echo whole > "$0"', '{result_file}']),
      ...{ resultsDir: join(folder, 'results'), dbUrl: `sqlite:///${join(folder, 'db')}` },
    });
    const client = await Client.connect({ threads: 1 });
    const controller = new AbortController();
    const first = store.sweep([{ n: 1, folder }], { client });
    const second = store.sweep([{ n: 2, folder }], { client, signal: controller.signal });
    while (client.schedulerInfo().queued === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort();
    await expect(second).rejects.toMatchObject({ name: 'AbortError' });
    await client.close();
    expect((await first)[0]?.n).toBe(1);
    await store.close();
  });
});
