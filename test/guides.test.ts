// The guides are run: the programs of each in an empty folder, in their order, with the output that is printed below each.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from './helpers/example.js';
import { compileGuide, type Guide, runProgram, unpackGuide } from './helpers/guide.js';

/** What is run of each guide. A program that nothing is printed below is a part of another one. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  'failures.md': ['diverges.ts', 'retries.ts', 'by-cause.ts', 'enough.ts', 'too-long.ts', 'together.ts'],
  'grids.md': ['combine.ts', 'values.ts', 'points.ts', 'million.ts'],
  'parallel-sweeps.md': ['sweep.ts', 'watch.ts', 'failures.ts', 'processes.ts', 'cancel.ts', 'killed.ts', 'submit.ts'],
  'runners.md': ['function.ts', 'walks.ts', 'pi.ts', 'itself.ts', 'follow.ts'],
};

describe('[docs] the guides', () => {
  it('are all run here', () => {
    expect(readdirSync(join(root, 'docs', 'guides')).sort()).toEqual(Object.keys(PROGRAMS));
  });
});

describe.each(Object.entries(PROGRAMS))('[docs] guides/%s', (file, names) => {
  let guide: Guide;

  beforeAll(() => {
    guide = unpackGuide(`docs/guides/${file}`);
  });

  afterAll(() => rmSync(guide.folder, { recursive: true, force: true }));

  it('has no program without a name, so that all of them are run here', () => {
    expect(guide.nameless).toEqual([]);
    expect(guide.programs.map(({ name }) => name)).toEqual(names);
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
