// How figures of the bench become the table: medians, units, ratios and what counts as met. The bench itself is a suite of its own.
import { describe, expect, it } from 'vitest';

const url = new URL('../bench/table.mjs', import.meta.url).href;
const { judge, summarize } = await import(url);

const figure = (peer: string, value: number, unit: string) => ({ peer, case: 'work', value, unit, load1: 1 });
const against = (target: object) => ({
  row: 'some-row',
  title: 'work',
  ours: 'work',
  peer: { script: 'other', peer: 'other', case: 'work', name: 'Other' },
  better: 'lower',
  unit: 'us',
  ...target,
});

describe('[bench: table] the table of the bench', () => {
  it('takes the median of a case, the mean of the middle two if they are even, and keeps the span', () => {
    const [odd] = summarize([5, 1, 3].map((value) => figure('entropic', value, 'us')));
    expect(odd).toMatchObject({ median: 3, min: 1, max: 5, count: 3, unit: 'us' });
    const [even] = summarize([4, 1, 3, 2].map((value) => figure('entropic', value, 'us')));
    expect(even.median).toBe(2.5);
  });

  it('divides ours by theirs, whatever units they are printed in', () => {
    const summaries = summarize([figure('entropic', 150, 'us'), figure('other', 0.3, 'ms')]);
    expect(judge(against({ target: 0.5 }), summaries)).toMatchObject({
      ours: '150 µs',
      theirs: 'Other: 300 µs',
      ratio: '0.5',
      target: '≤ 0.5',
      verdict: 'met',
    });
    expect(judge(against({ target: 0.49 }), summaries).verdict).toBe('missed');
    expect(judge(against({ better: 'higher', target: 0.51 }), summaries).verdict).toBe('missed');
    expect(judge(against({ better: 'higher', target: 0.5 }), summaries).verdict).toBe('met');
    expect(judge(against({}), summaries).verdict).toBe('');
  });

  it('compares best with best where a target says so: the smallest time, the largest rate', () => {
    const of = (unit: string) =>
      summarize([
        figure('entropic', 20, unit),
        figure('entropic', 10, unit),
        figure('other', 40, unit),
        figure('other', 100, unit),
      ]);
    expect(judge(against({ stat: 'best' }), of('us')).ratio).toBe('0.25');
    expect(judge(against({ stat: 'best', better: 'higher', unit: 'tasks/s' }), of('tasks/s')).ratio).toBe('0.2');
    expect(judge(against({}), of('us')).ratio).toBe('0.214');
    expect(judge(against({ stat: 'best', better: 'higher', unit: 'tasks/s' }), of('tasks/s')).ours).toBe('20 tasks/s');
  });

  it('holds a target without a peer against our own value', () => {
    const summaries = summarize([figure('entropic', 420, 'us')]);
    const target = { peer: undefined, target: 420 };
    expect(judge(against(target), summaries)).toMatchObject({ target: '≤ 420 µs', ratio: '', verdict: 'met' });
    expect(judge(against({ ...target, better: 'higher', target: 421 }), summaries).verdict).toBe('missed');
  });

  it('says "not run" for what has no figure, and never a ratio', () => {
    const alone = summarize([figure('entropic', 1, 'us')]);
    expect(judge(against({ target: 1 }), alone)).toMatchObject({
      ours: '1 µs',
      theirs: 'Other: not run',
      ratio: '',
      verdict: 'not run',
    });
    const absent = summarize([figure('other', 1, 'us')]);
    expect(judge(against({ target: 1 }), absent)).toMatchObject({ ours: 'not run', ratio: '', verdict: 'not run' });
  });

  it('refuses to compare a time with a rate', () => {
    const summaries = summarize([figure('entropic', 1, 'us'), figure('other', 1, 'tasks/s')]);
    expect(() => judge(against({}), summaries)).toThrow('tasks/s cannot be shown in us');
  });
});
