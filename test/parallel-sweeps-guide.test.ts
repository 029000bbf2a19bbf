// docs/guides/parallel-sweeps.md is run: its programs in an empty folder, in their order, with the output that is printed below each.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileGuide, type Guide, runProgram, unpackGuide } from './helpers/guide.js';

describe('[docs] the guide to parallel sweeps', () => {
  let guide: Guide;

  beforeAll(() => {
    guide = unpackGuide('docs/guides/parallel-sweeps.md');
  });

  afterAll(() => rmSync(guide.folder, { recursive: true, force: true }));

  it('has no program without a name, so that all of them are run here', () => {
    expect(guide.nameless).toEqual([]);
    const names = guide.programs.map(({ name }) => name);
    expect(names).toEqual(['sweep.ts', 'watch.ts', 'failures.ts', 'cancel.ts', 'killed.ts', 'submit.ts']);
  });

  it('has programs that tsc accepts, strictly', async () => {
    expect(await compileGuide(guide)).toBe('');
  });

  it('prints what its programs say, one after the other', async () => {
    for (const { name, output } of guide.programs) {
      if (name === 'killed.ts') expect((await runProgram(guide, name, 'die')).stdout).toBe('');
      const { code, stdout, stderr } = await runProgram(guide, name);
      expect([name, stderr]).toEqual([name, '']);
      expect([name, stdout]).toEqual([name, output]);
      expect(code).toBe(0);
    }
  }, 120_000);
});
