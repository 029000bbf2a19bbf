// What ends a process takes only its own run along: signals, faults of native code, full heaps. The others finish, and the slots are
// whole in two seconds.
import type { Client } from 'entropic';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, expectWhole, type Kind, openLab } from '../contract/executor/kit.js';
import { textOf } from '../helpers/text.js';

const runners = new URL('./runners.mjs', import.meta.url);

let client: Client | undefined;
beforeAll(async () => {
  client = await connect(kind, 2);
});
afterAll(() => client?.close());

const kind: Kind = { name: 'processes', slots: 2, client: () => client };
const WHOLE_MS = 2000;

const CRASHES = [
  { how: 'segfault', reason: 'signal', signal: 'SIGSEGV', message: /its process was ended by SIGSEGV/ },
  { how: 'abort', reason: 'signal', signal: 'SIGABRT', message: /ended by SIGABRT/ },
  { how: 'killed', reason: 'signal', signal: 'SIGKILL', message: /SIGKILL; the system does that when memory runs out/ },
  { how: 'terminated', reason: 'signal', signal: 'SIGTERM', message: /ended by SIGTERM/ },
  { how: 'unsettled', reason: 'exception', signal: undefined, message: /waits for a promise that nothing is left to/ },
  { how: 'disconnect', reason: 'signal', signal: 'SIGKILL', message: /SIGKILL/ },
];

describe('[D5] [S11] a run that ends its process (processes)', () => {
  for (const { how, reason, signal, message } of CRASHES) {
    it(`[bad-runner: ${how}] is told as ${reason}; its siblings finish, and the slots are whole again in 2 s`, async () => {
      const lab = await openLab(kind, 'crashes', {}, runners);
      const points = [lab.point(1), lab.point(2, how), lab.point(3), lab.point(4), lab.point(5)];
      let ended = 0;
      const whole = (async () => {
        for await (const { type } of lab.store.events) {
          if (type !== 'run.failed') continue;
          ended = performance.now();
          await expectWhole(kind);
          return performance.now() - ended;
        }
        return Number.NaN;
      })();
      const outcomes = await lab.sweep(points, { retries: 0 });
      expect(outcomes.map(({ status }) => status)).toEqual(['finished', 'failed', 'finished', 'finished', 'finished']);
      const error = outcomes[1]?.error;
      expect(error).toMatchObject({ name: 'RunFailedError', code: 'ENTROPIC_RUN_FAILED', reason, attempts: 1 });
      expect(error?.signal).toBe(signal);
      expect(error?.message).toMatch(message);
      expect(lab.executions()).toEqual([1, 2, 3, 4, 5]);
      const [attempt] = await lab.store.attempts(lab.idOf(points[1] as never));
      expect(attempt).toMatchObject({ outcome: 'failed', reason, signal: signal ?? null });
      expect(await whole).toBeLessThan(WHOLE_MS);
    });
  }

  it('each crash in every slot at once leaves all slots whole', async () => {
    const lab = await openLab(kind, 'crashes', {}, runners);
    const points = CRASHES.flatMap(({ how }, i) => [lab.point(10 * i, how), lab.point(10 * i + 1, how)]);
    const outcomes = await lab.sweep(points, { retries: 0 });
    expect(outcomes.map(({ error }) => error?.reason)).toEqual(CRASHES.flatMap(({ reason }) => [reason, reason]));
    await expectWhole(kind);
  });

  it('what a crash says on its way goes to the log of the run', async () => {
    const lab = await openLab(kind, 'crashes', {}, runners);
    await lab.sweep([lab.point(1, 'abort')], { retries: 0 });
    // Node prints where native code was.
    expect(await textOf(lab.store.log(lab.idOf(lab.point(1, 'abort'))))).toMatch(/Native stack trace|node::Abort/);
  });
});
