// The program that runs commands is killed by SIGKILL: what they started is gone with it, deaf, busy and out of their group though it be,
// and the same command again does the rest.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { commandRunner, defineResult, int, Store, type SweepError, text } from 'entropic';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeEachDatabase } from '../helpers/databases.js';
import { runProcess } from '../helpers/example.js';
import { idOf } from '../helpers/ids.js';
import { parentOf, processesWith, secondsUntilGone } from '../helpers/processes.js';
import { answerOf } from '../helpers/program.js';
import { textOf } from '../helpers/text.js';

/** 4-durability: no run's process outlives its owner by more, in seconds. */
const MOST = 5;
const Busy = defineResult('busy', { n: int(), folder: text() });
/** Two pipes keep no order between them. */
const PRINTED = /^(computing 1\nand more|and more\ncomputing 1)\n$/;
const program = fileURLToPath(new URL('./owner.mjs', import.meta.url));

const lines = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);

/** Starts the program; every process of it carries the mark. */
function startOwner(folder: string, dbUrl: string): { owner: ChildProcess; mark: string } {
  const mark = `TRIAL=${folder}`;
  const owner = spawn(process.execPath, [program, folder, dbUrl], {
    stdio: 'ignore',
    env: { ...process.env, TRIAL: folder },
  });
  onTestFinished(() => {
    for (const pid of processesWith(mark)) process.kill(pid, 'SIGKILL');
  });
  return { owner, mark };
}

async function busyPids(folder: string, count = 6): Promise<number[]> {
  const file = join(folder, 'busy');
  for (const end = Date.now() + 30_000; lines(file).length < count; await sleep(10)) {
    if (Date.now() > end) throw new Error(`only ${lines(file).length} of ${count} processes are busy`);
  }
  return lines(file).map(Number);
}

async function kill(owner: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => owner.once('exit', resolve));
  owner.kill('SIGKILL');
  await gone;
}

describeEachDatabase('[S13] [D1] [D8] [D9] [fault: orphan-command] commands whose owner is killed (command)', (db) => {
  it('are gone within 5 s, with all that they started; the same again does the rest', async () => {
    const { folder, dbUrl } = await db.fresh();
    const { owner, mark } = startOwner(folder, dbUrl);
    const pids = await busyPids(folder);
    expect(new Set(pids).size).toBe(6);
    // A store beside it follows one of the runs.
    const other = await Store.open({ model: Busy, resultsDir: join(folder, 'results'), dbUrl, readOnly: true });
    const id = idOf({ n: 1, folder });
    const followed = textOf(other.log(id, { follow: true }));
    await kill(owner);
    expect(await followed).toMatch(PRINTED);
    expect(await textOf(other.log(id))).toMatch(PRINTED);
    await other.close();
    expect(await secondsUntilGone(() => pids, MOST)).toBeLessThan(MOST);
    // The process that started them and saw to it has ended too.
    await secondsUntilGone(() => processesWith(mark), MOST);
    expect(lines(join(folder, 'executions')).sort()).toEqual(['-1', '0', '1', '2']);

    writeFileSync(join(folder, 'go on'), '');
    const again = await runProcess(process.execPath, [program, folder, dbUrl]);
    expect(answerOf<string[]>(again).sort()).toEqual(['cached', 'cached', 'finished', 'finished']);
    expect(lines(join(folder, 'executions')).slice(4).sort()).toEqual(['1', '2']);
  });
});

describe('[fault: orphan-command] the process that starts commands (command)', () => {
  const fresh = () => {
    const folder = mkdtempSync(join(tmpdir(), 'entropic-killed-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    return { folder, dbUrl: `sqlite:///${join(folder, 'db')}` };
  };

  it('takes what it started along when it is killed itself: those runs are told as lost, and the next ones have a new one', async () => {
    const { folder, dbUrl } = fresh();
    const store = await Store.open({
      model: Busy,
      runner: commandRunner(['python3', new URL('./busy.py', import.meta.url), '{result_file}', '{folder}', '{n}']),
      ...{ resultsDir: join(folder, 'results'), dbUrl },
    });
    onTestFinished(() => store.close());
    const sweep = store.sweep({ n: [1, 2], folder: [folder] }, { concurrency: 1, retries: 0, maxFailures: 1 });
    const pids = await busyPids(folder, 3);
    const hosts = () => processesWith('command-host.js').filter((pid) => parentOf(pid) === process.pid);
    const [host] = hosts();
    process.kill(host as number, 'SIGKILL');
    expect(await secondsUntilGone(() => pids, MOST)).toBeLessThan(MOST);
    const error = await sweep.then(
      () => undefined,
      (reason) => reason as SweepError,
    );
    expect(error?.failures.map(({ reason }) => reason)).toEqual(['worker-lost']);
    expect(await store.attempts(idOf({ n: 1, folder }))).toMatchObject([
      { reason: 'worker-lost', logTail: expect.stringMatching(PRINTED) },
    ]);
    writeFileSync(join(folder, 'go on'), '');
    expect(await store.sweep({ n: [1, 2], folder: [folder] })).toHaveLength(2);
    expect(hosts()).not.toContain(host);
  });

  it('finds what was started in the very moment of the kill: of 6 kills nothing is left', async () => {
    for (let trial = 0; trial < 6; trial++) {
      const { folder, dbUrl } = fresh();
      const { owner, mark } = startOwner(folder, dbUrl);
      const executions = join(folder, 'executions');
      for (const end = Date.now() + 30_000; lines(executions).length < 1; await sleep(2)) {
        if (Date.now() > end) throw new Error('nothing runs');
      }
      // From here on commands are started every few milliseconds.
      await sleep(trial * 15);
      await kill(owner);
      await secondsUntilGone(() => processesWith(mark), MOST);
    }
  }, 120_000);

  it('ends with the store, and with a program that ends without closing it', async () => {
    const { folder, dbUrl } = fresh();
    writeFileSync(join(folder, 'go on'), '');
    const { owner, mark } = startOwner(folder, dbUrl);
    expect(await new Promise((resolve) => owner.once('exit', resolve))).toBe(0);
    expect(await secondsUntilGone(() => processesWith(mark), MOST)).toBeLessThan(2);
  });
});
