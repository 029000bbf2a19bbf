// Where runs are: the client's way, unless the runner has its own; and never more at once than the client has slots.
import { Client, moduleRunner } from 'entropic';
import { describe, expect, it } from 'vitest';
import { type Kind, type Lab, openLab } from '../contract/executor/kit.js';
import { runProcess } from '../helpers/example.js';
import { makeProgram } from '../helpers/program.js';
import { textOf } from '../helpers/text.js';

const runners = new URL('./runners.mjs', import.meta.url);
const fn = (name: string, options = {}) => moduleRunner<never>(runners, { export: name, ...options });
type Where = { pid: number; parent: number; folder: string };

function kindOf(client: Client): Kind {
  return { name: 'processes', slots: client.slots, client: () => client };
}

async function pidsIn(lab: Lab, count: number): Promise<Set<number>> {
  const outcomes = await lab.sweep(Array.from({ length: count }, (_, n) => lab.point(n)));
  return new Set(outcomes.map(({ record }) => (record?.customData.value as Where | undefined)?.pid as number));
}

describe('[D1] [S11] isolation (processes)', () => {
  it('of a client is that of its runs', async () => {
    await using client = await Client.connect({ threads: 2, isolation: 'process' });
    const pids = await pidsIn(await openLab(kindOf(client), 'where', {}, runners), 8);
    expect(pids.size).toBe(2);
    expect(pids).not.toContain(process.pid);
    expect(client.schedulerInfo()).toEqual({ kind: 'processes', threads: 2, running: 0, queued: 0 });
    await using threads = await Client.connect({ threads: 2 });
    expect(await pidsIn(await openLab(kindOf(threads), 'where', {}, runners), 8)).toEqual(new Set([process.pid]));
    expect(threads.schedulerInfo().kind).toBe('threads');
  });

  it('of a runner goes before that of the client', async () => {
    await using threads = await Client.connect({ threads: 2, isolation: 'thread' });
    const inProcesses = await openLab(kindOf(threads), 'where', { isolation: 'process' }, runners);
    expect(await pidsIn(inProcesses, 4)).not.toContain(process.pid);
    await using processes = await Client.connect({ threads: 2, isolation: 'process' });
    const inThreads = await openLab(kindOf(processes), 'where', { isolation: 'thread' }, runners);
    expect(await pidsIn(inThreads, 4)).toEqual(new Set([process.pid]));
  });

  it('of a runner holds for the one slot of a store, which is kept warm', async () => {
    const none: Kind = { name: 'processes', slots: 1, client: () => undefined };
    const lab = await openLab(none, 'where', { isolation: 'process' }, runners);
    const pids = await pidsIn(lab, 3);
    expect(pids.size).toBe(1);
    expect(pids).not.toContain(process.pid);
    const { customData } = await lab.store.runOrRetrieve(lab.point(9));
    expect(customData.value).toMatchObject({ pid: [...pids][0], parent: process.pid });
  });

  it('mixed has never more runs at once than there are slots', async () => {
    await using client = await Client.connect({ threads: 2 });
    const kind = kindOf(client);
    const labs = [
      await openLab(kind, 'where', {}, runners),
      await openLab(kind, 'where', { isolation: 'process' }, runners),
    ];
    const { folder } = labs[0] as Lab;
    const futures = ['thread', 'process'].flatMap((isolation, k) =>
      client.map(
        fn('where', { isolation }),
        Array.from({ length: 10 }, (_, n) => ({ n: 100 * k + n, folder })) as never[],
      ),
    );
    const points = labs.flatMap((lab, k) =>
      lab.sweep(Array.from({ length: 6 }, (_, n) => ({ n: 300 + 10 * k + n, folder }))),
    );
    const values = (await client.gather(futures)) as Where[];
    await Promise.all(points);
    expect(new Set(values.map(({ pid }) => pid === process.pid))).toEqual(new Set([true, false]));
    expect(Math.max(...(labs[0] as Lab).lines('most').map(Number))).toBe(2);
  });

  it('gives each run the working folder of the program, and no parent to talk to', async () => {
    await using client = await Client.connect({ threads: 1, isolation: 'process' });
    const lab = await openLab(kindOf(client), 'moves', {}, runners);
    const outcomes = await lab.sweep([lab.point(1), lab.point(2)]);
    for (const { record } of outcomes) expect(record?.customData.value).toEqual({ before: process.cwd() });
    expect(await client.submit(fn('parent'), {} as never).result()).toBe('undefined');
  });

  it('keeps what native code and child processes write in the log of the run, at its end', async () => {
    await using client = await Client.connect({ threads: 1, isolation: 'process' });
    const lab = await openLab(kindOf(client), 'writes', {}, runners);
    await lab.sweep([lab.point(1)]);
    expect(await textOf(lab.store.log(lab.idOf(lab.point(1))))).toBe('by console\nby a child\n');
  });

  it('lets a submitted function print where the program prints', async () => {
    const program = makeProgram({
      'prints.mjs': 'export default ({ text }) => { console.log(text); console.error("not", text); };',
      'main.mjs': `import { Client } from 'entropic';
        const client = await Client.connect({ threads: 1, isolation: 'process' });
        await client.submit(new URL('./prints.mjs', import.meta.url), { text: 'printed' }).result();
        await client.close();`,
    });
    const { code, stdout, stderr } = await program.node('main.mjs');
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'printed\n', stderr: 'not printed\n' });
  });

  it('tells of a process that cannot start, by what it said', async () => {
    const program = makeProgram({
      'square.mjs': 'export default (n) => (n < 0 ? process.exit(1) : n * n);',
      'main.mjs': `import { Client } from 'entropic';
        const client = await Client.connect({ threads: 1, isolation: 'process' });
        const square = (n) => client.submit(new URL('./square.mjs', import.meta.url), n);
        const { reason: first } = await square(-1).exception();
        process.env.NODE_OPTIONS = '--import ./no-such-module.mjs';
        const { reason, message } = await square(2).exception();
        process.env.NODE_OPTIONS = '';
        const value = await square(3).result();
        await client.close();
        console.log(JSON.stringify({ first, reason, message, value }));`,
    });
    const { stdout } = await program.node('main.mjs');
    const { first, reason, message, value } = JSON.parse(stdout.trimEnd().split('\n').at(-1) as string);
    expect({ first, reason, value }).toEqual({ first: 'exit', reason: 'worker-lost', value: 9 });
    expect(message).toMatch(/ended while it was starting.*no-such-module/s);
  });
});

describe('[D1] a program with a client of processes (processes)', () => {
  it.each(['open', 'alone', 'closed'])('ends by itself, and leaves nothing: %s', async (what) => {
    const { folder, path } = makeProgram({});
    const file = new URL('../client/program.mjs', import.meta.url).pathname;
    const { code, stdout, stderr } = await runProcess(process.execPath, [file, path('.'), what, 'process']);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    const answer = JSON.parse(stdout.trimEnd().split('\n').at(-1) as string);
    if (what === 'open') expect(answer).toEqual({ values: [1, 4, 9], ns: [7, 8] });
    if (what === 'alone') expect(answer).toEqual({ value: 'there' });
    if (what === 'closed') {
      expect(answer).toMatchObject({ told: ['AbortError', 'AbortError'], resources: [] });
      expect(answer.more.descriptors).toBeLessThan(3);
    }
    const ps = await runProcess('ps', ['-A', '-o', 'args']);
    expect(ps.stdout.split('\n').filter((line) => line.includes(folder))).toEqual([]);
  });
});
