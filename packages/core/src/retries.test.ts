import { describe, expect, it } from 'vitest';
import { type FailReason, InvalidOptionError } from './errors.js';
import { judgeFailure, memoryFactorOf, newTally, type Retries, resolveRetries } from './retries.js';

/** What becomes of a point that fails so, one after the other. */
function verdicts(retries: Retries | undefined, reasons: readonly FailReason[], random = 0.5): unknown[] {
  const policy = resolveRetries(retries, 'retries');
  const tally = newTally();
  return reasons.map((reason) => {
    const verdict = judgeFailure(policy, tally, reason, random);
    return verdict.kind === 'retry' ? verdict.seconds : verdict.kind;
  });
}

const OWN = ['exception', 'exit', 'timeout', 'oom', 'no-output', 'bad-output', 'store', 'code'] as const;

describe('[D5] what becomes of a point that failed', () => {
  it('is the end for what it did itself, and another try where its executor was lost, unless said otherwise', () => {
    for (const reason of OWN) expect(verdicts(undefined, [reason]), reason).toEqual(['fail']);
    expect(verdicts(undefined, ['worker-lost'])).toEqual([0.05]);
    expect(verdicts(undefined, ['signal'])).toEqual([0.05]);
  });

  it('is quarantine when it took its executor along twice, whatever is left of its retries', () => {
    expect(verdicts(undefined, ['worker-lost', 'worker-lost'])).toEqual([0.05, 'quarantine']);
    expect(verdicts(9, ['signal', 'exception', 'worker-lost'])).toEqual([0.05, 0.1, 'quarantine']);
    expect(verdicts({ 'worker-lost': 9 }, ['worker-lost', 'worker-lost'])).toEqual([0.05, 'quarantine']);
    expect(verdicts({ quarantine: 1 }, ['signal'])).toEqual(['quarantine']);
  });

  it('is as often another try as quarantine lets it, where that is set higher', () => {
    const lost: FailReason[] = ['worker-lost', 'worker-lost', 'worker-lost'];
    expect(verdicts({ quarantine: 5 }, lost)).toEqual([0.05, 0.1, 'fail']);
    expect(verdicts({ quarantine: 3, 'worker-lost': 9 }, lost)).toEqual([0.05, 0.1, 'quarantine']);
  });

  it('by a number: so many tries in all for what it did itself, which lowers those after a loss only by 0', () => {
    expect(verdicts(2, ['exception', 'timeout', 'exception'])).toEqual([0.05, 0.1, 'fail']);
    expect(verdicts(1, ['exception', 'worker-lost', 'exception'])).toEqual([0.05, 0.1, 'fail']);
    expect(verdicts(0, ['worker-lost'])).toEqual(['fail']);
    expect(verdicts(5, ['code'])).toEqual(['fail']);
    for (const reason of OWN) if (reason !== 'code') expect(verdicts(1, [reason, reason])).toEqual([0.05, 'fail']);
  });

  it('cause by cause: each has its own number, and what is not named keeps its default', () => {
    const retries = { exception: 1, oom: 2, code: 1 };
    expect(verdicts(retries, ['oom', 'exception', 'oom', 'oom'])).toEqual([0.05, 0.1, 0.2, 'fail']);
    expect(verdicts(retries, ['code', 'exception', 'exception'])).toEqual([0.05, 0.1, 'fail']);
    expect(verdicts(retries, ['timeout'])).toEqual(['fail']);
    expect(verdicts({ 'worker-lost': 0 }, ['worker-lost'])).toEqual(['fail']);
    expect(verdicts({ exception: 1 }, ['worker-lost'])).toEqual([0.05]);
  });

  it('comes after a time that doubles up to its cap, drawn from nothing to all of it', () => {
    const always = Array.from({ length: 12 }, () => 'exception' as const);
    const ceilings = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30, 30];
    const seconds = verdicts(99, always, 1) as number[];
    for (const [i, ceiling] of ceilings.entries()) expect(seconds[i]).toBeCloseTo(ceiling, 9);
    expect(verdicts(99, always, 0)).toEqual(always.map(() => 0));
    expect(verdicts({ exception: 99, delay: 0 }, always, 1)).toEqual(always.map(() => 0));
    expect(verdicts({ exception: 3, delay: '2s', maxDelay: 3 }, ['exception', 'exception'], 1)).toEqual([2, 3]);
    // Nobody waits for ever, however often it was tried.
    const often = Array.from({ length: 2000 }, () => 'exception' as const);
    expect(verdicts({ exception: 5000 }, often, 1).at(-1)).toBe(30);
    expect(verdicts({ exception: 5000, delay: 0 }, often, 1).at(-1)).toBe(0);
  });

  it('may have more memory each time that it had too little', () => {
    const policy = resolveRetries({ oom: 3, exception: 1, memoryFactor: 1.5 }, 'retries');
    const tally = newTally();
    const factors = (['oom', 'exception', 'oom'] as const).map((reason) => {
      judgeFailure(policy, tally, reason, 0);
      return memoryFactorOf(policy, tally);
    });
    expect(factors).toEqual([1.5, 1.5, 2.25]);
    expect(memoryFactorOf(policy, undefined)).toBe(1);
    expect(memoryFactorOf(resolveRetries(3, 'retries'), tally)).toBe(1);
  });

  it('refuses what it does not know, by name', () => {
    const refused: [unknown, RegExp][] = [
      [-1, /retries: -1/],
      [1.5, /retries: 1\.5/],
      ['often', /retries: "often" is neither/],
      [null, /retries: null is neither/],
      [{ exceptions: 1 }, /retries: unknown option "exceptions"; did you mean "exception"/],
      [{ exception: -1 }, /retries\.exception: -1/],
      [{ timeout: '1' }, /retries\.timeout/],
      [{ delay: 'soon' }, /retries\.delay/],
      [{ delay: -1 }, /retries\.delay/],
      [{ maxDelay: 0 }, /retries\.maxDelay/],
      [{ quarantine: 0 }, /retries\.quarantine/],
      [{ memoryFactor: 0.5 }, /retries\.memoryFactor: 0\.5/],
      [{ memoryFactor: '2' }, /retries\.memoryFactor/],
    ];
    for (const [value, message] of refused) {
      const resolving = () => resolveRetries(value as Retries, 'retries');
      expect(resolving, JSON.stringify(value)).toThrow(InvalidOptionError);
      expect(resolving).toThrow(message);
    }
  });
});
