// A program is killed in the middle of a sweep in processes: the same command goes on, nothing is lost, and what ran stays ran. Judged by
// own SQL and by Python.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeEachDatabase } from '../helpers/databases.js';
import { runProcess } from '../helpers/example.js';
import { expectWhole } from '../helpers/lab.js';
import { answerOf } from '../helpers/program.js';

const program = fileURLToPath(new URL('./killed-owner.mjs', import.meta.url));
const COUNT = 60;
const SLOTS = 2;

describeEachDatabase('[D6] a program with runs in processes', (db) => {
  it.each([1, 25])(
    '[fault: kill] [I3] [I5] killed after %i outcomes goes on by the same command (processes)',
    async (outcomes) => {
      const { resultsDir, dbUrl, ...place } = await db.fresh();
      const run = (nth: number) => runProcess(process.execPath, [program, resultsDir, dbUrl, `${COUNT}`, `${nth}`]);
      expect(await run(outcomes)).toMatchObject({ code: null, signal: 'SIGKILL' });
      const { cached, finished, failed } = answerOf<Record<string, number>>(await run(0));
      expect(cached).toBeGreaterThanOrEqual(outcomes);
      expect({ points: (cached ?? 0) + (finished ?? 0), failed }).toEqual({ points: COUNT, failed: 0 });
      const points = Array.from({ length: COUNT }, (_, n) => n);
      await expectWhole({ resultsDir, dbUrl, ...place }, points);
      const executions = readFileSync(join(resultsDir, '..', 'executions'), 'utf8')
        .trimEnd()
        .split('\n')
        .map(Number);
      expect([...new Set(executions)].sort((a, b) => a - b)).toEqual(points);
      // Only what was in a slot when it was killed ran again.
      expect(executions.length).toBeLessThanOrEqual(COUNT + SLOTS);
      expect(readdirSync(join(resultsDir, '.tmp'))).toEqual([]);
    },
  );
});
