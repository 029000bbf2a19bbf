// A client, or the store, is closed in the middle of a sweep.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client, defineResult, int, Store } from 'entropic';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const RUNNER = `
import { existsSync, writeFileSync } from 'node:fs';
export default async function wait({ n, resultFile }) {
  if (n < 2) writeFileSync(new URL('./begun-' + n, import.meta.url), '');
  while (n < 2 && !existsSync(new URL('./go', import.meta.url))) await new Promise((resolve) => setTimeout(resolve, 10));
  writeFileSync(resultFile, String(n));
}
`;

describe('[D1] [I6] a sweep of twenty points on two threads (sqlite)', () => {
  const grid = { n: Array.from({ length: 20 }, (_, n) => n) };
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'entropic-closed-'));
    writeFileSync(join(folder, 'wait.mjs'), RUNNER);
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function begun(n: number): Promise<void> {
    while (!existsSync(join(folder, `begun-${n}`))) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  function open() {
    return Store.open({
      model: defineResult('waits', { n: int() }),
      runner: pathToFileURL(join(folder, 'wait.mjs')),
      resultsDir: join(folder, 'results'),
      dbUrl: `sqlite:${join(folder, 'runs.sqlite3')}`,
    });
  }

  for (const what of ['client', 'store'] as const) {
    it(`keeps what runs and cancels what waits when its ${what} is closed, and goes on the next time`, async () => {
      const [first, second] = [{ store: await open(), client: await Client.connect({ threads: 2 }) }, await open()];
      const sweep = first.store.sweep(grid, { client: first.client });
      const ended = Promise.resolve(sweep).catch((error) => error);
      await Promise.all([begun(0), begun(1)]);
      const closing = first[what].close();
      writeFileSync(join(folder, 'go'), '');

      const error = await ended;
      expect([error.name, error.message]).toEqual(['AbortError', expect.stringContaining(`the ${what} was closed`)]);
      expect(error.records.map((record: { n: number } | null) => record?.n)).toEqual([0, 1, ...Array(18)]);
      expect(error.failures).toEqual([]);
      expect(sweep.progress()).toMatchObject({
        total: 20,
        finished: 2,
        failed: 0,
        cancelled: 18,
        running: 0,
        queued: 0,
      });
      await closing;
      await first.client.close();
      await first.store.close();

      const client = await Client.connect({ threads: 2 });
      const rest = second.sweep(grid, { client });
      expect(await rest).toHaveLength(20);
      expect(rest.progress()).toMatchObject({ cached: 2, finished: 18 });
      await client.close();
      await second.close();
    });
  }
});
