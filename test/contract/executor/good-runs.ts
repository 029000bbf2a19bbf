// The executor contract: a run that ends well, and everything that it can see.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { expect, it } from 'vitest';
import { textOf } from '../../helpers/text.js';
import { expectWhole, type Kind, openLab, until } from './kit.js';

export function goodRuns(kind: Kind): void {
  it('writes the result, and its value is kept with the customData of the caller', async () => {
    const lab = await openLab(kind, 'simple');
    const points = [1, 2, 3, 4, 5].map((n) => lab.point(n));
    const outcomes = await lab.sweep(points, { customData: { sha: 'abc' } });
    for (const [i, { status, record }] of outcomes.entries()) {
      expect(status).toBe('finished');
      expect(readFileSync(record?.resultFile as string, 'utf8')).toBe(`the result of n = ${i + 1}\n`);
      const { elapsedSeconds, ...rest } = record?.customData ?? {};
      // A command returns nothing.
      const value = kind.name === 'command' ? {} : { value: { twice: 2 * (i + 1), list: [1, 'a', null, true] } };
      expect(rest).toEqual({ sha: 'abc', ...value });
      expect(elapsedSeconds).toBeGreaterThanOrEqual(0);
      expect(elapsedSeconds).toBeLessThan(30);
    }
    expect(lab.executions()).toEqual([1, 2, 3, 4, 5]);
    expect((await lab.sweep(points)).map(({ status }) => status)).toEqual(Array(5).fill('cached'));
    expect(lab.executions()).toHaveLength(5);
    // One run of the store by itself is a run as any other.
    const alone = await lab.store.runOrRetrieve(lab.point(6), { customData: { alone: true } });
    expect(alone.customData).toMatchObject({
      alone: true,
      ...(kind.name === 'command' ? {} : { value: { twice: 12 } }),
    });
    expect(await lab.store.verify({ readData: true })).toEqual({ checked: 6, problems: [] });
  });

  it('counts its attempts on, within a sweep and over calls', async () => {
    const lab = await openLab(kind, 'third');
    const [first] = await lab.sweep([lab.point(1)], { retries: 1 });
    const reason = kind.name === 'command' ? 'exit' : 'exception';
    expect(first?.error).toMatchObject({ reason, attempts: 2 });
    const [second] = await lab.sweep([lab.point(1)]);
    expect(second?.status).toBe('finished');
    expect(readFileSync(second?.record?.resultFile as string, 'utf8')).toBe('attempt 3');
    if (kind.name !== 'command') expect(second?.record?.customData.value).toBe(3);
    const attempts = await lab.store.attempts(lab.idOf(lab.point(1)));
    expect(attempts.map(({ attempt, outcome, reason }) => [attempt, outcome, reason])).toEqual([
      [1, 'failed', reason],
      [2, 'failed', reason],
      [3, 'finished', null],
    ]);
    const digests = new Set(attempts.map(({ codeDigest }) => codeDigest));
    if (kind.name === 'inline') expect([...digests]).toEqual([null]);
    else expect([...digests]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
  });

  it('runs in every slot at once', () => expectWhole(kind));

  it('never in more slots than concurrency says', async () => {
    const lab = await openLab(kind, 'held');
    // A program takes longer to start than to be held for a moment.
    const milliseconds = kind.name === 'command' ? 400 : 30;
    const points = Array.from({ length: 8 }, (_, i) => lab.point(i, 'fine', { milliseconds }));
    await lab.sweep(points, { concurrency: 1 });
    expect(Math.max(...lab.lines('most').map(Number))).toBe(1);
    await lab.sweep(points, { concurrency: 8, force: true });
    expect(lab.lines('most')).toHaveLength(16);
    // A client's slots are the most there is; functions run side by side where they wait.
    expect(Math.max(...lab.lines('most').map(Number))).toBe(kind.name === 'inline' ? 8 : kind.slots);
  });

  it('leaves its results and nothing else', async () => {
    const lab = await openLab(kind, 'simple');
    const outcomes = await lab.sweep([1, 2, 3].map((n) => lab.point(n)));
    await lab.store.close();
    expect(
      readdirSync(lab.resultsDir)
        .filter((name) => !name.startsWith('.'))
        .sort(),
    ).toEqual(outcomes.map(({ id }) => `${id}.dat`).sort());
  });

  // What a program sees of its run is told in test/command.
  if (kind.name === 'command') return;

  it('is heard to its last word, though its answer may come first', async () => {
    const lab = await openLab(kind, 'simple');
    await lab.sweep(Array.from({ length: 200 }, (_, n) => lab.point(n)));
    const told = () =>
      lab.events.filter(({ type }) => type === 'run.progress').map((event) => (event as { id: string }).id);
    await until('all that they told', () => new Set(told()).size === 200, 5);
  });

  it('sees its id, seed, attempt and frozen params, a suffix, a folder of its own, and tells progress and lines', async () => {
    const lab = await openLab(kind, 'context');
    const point = lab.point(7, 'context', { list: [1, 2], deep: { a: 1 } });
    const [outcome] = await lab.sweep([point]);
    const id = lab.idOf(point);
    expect(outcome?.error).toBeUndefined();
    expect(outcome?.record?.customData.value).toEqual({
      id,
      seed: Number.parseInt(id.slice(0, 8), 16),
      attempt: 1,
      params: { n: 7, how: 'context', more: { list: [1, 2], deep: { a: 1 } } },
      sameFile: true,
      suffix: '1.dat',
      frozen: 3,
      before: false,
      workDir: expect.stringContaining(lab.resultsDir),
      sameWorkDir: true,
      aborted: false,
      keys: ['n', 'how', 'folder', 'more', 'resultFile'],
    });
    const { workDir } = (outcome?.record?.customData.value ?? {}) as { workDir: string };
    expect(existsSync(workDir)).toBe(false);
    expect(basename(dirname(dirname(workDir)))).toBe('.tmp');
    const telling = () => lab.events.filter(({ type }) => type === 'run.progress' || type === 'run.log');
    await until('what it tells', () => telling().length >= 3, 5);
    const told = telling();
    expect(told.map(({ v, time, table, ...rest }) => rest)).toEqual([
      { type: 'run.progress', id, fraction: 0.25 },
      { type: 'run.progress', id, fraction: 1, note: 'done' },
      { type: 'run.log', id, text: "a line with 42 { and: 'an object' }\n" },
    ]);
    expect(await textOf(lab.store.log(id))).toBe(kind.name === 'inline' ? '' : "a line with 42 { and: 'an object' }\n");
  });

  it('[bad-runner: garbage] is kept whatever it returned: a value that JSON cannot hold is dropped with an event', async () => {
    const lab = await openLab(kind, 'returns');
    const ways = ['huge', 'function', 'cycle', 'nan', 'date', 'bigint', 'class instance', 'map'];
    const outcomes = await lab.sweep(ways.map((how, i) => lab.point(i, how)));
    expect(outcomes.map(({ status, error }) => error?.message ?? status)).toEqual(ways.map(() => 'finished'));
    for (const { record } of outcomes) expect(record?.customData).not.toHaveProperty('value');
    const dropped = lab.events.filter((event) => event.type === 'run.value-dropped');
    expect(new Set(dropped.map(({ id }) => id))).toEqual(new Set(outcomes.map(({ id }) => id)));
    for (const event of dropped) expect(event.why).toMatch(/./);
    expect(dropped.find(({ id }) => id === outcomes[0]?.id)?.why).toMatch(/100002 bytes of JSON, at most 65536/);
  });
}
