// Silent unless asked: a logger, NODE_DEBUG=entropic, or a diagnostics channel.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Logger } from 'entropic';
import { expect, it } from 'vitest';
import { describeDatabase, describeEachDatabase } from '../helpers/databases.js';
import { allRows, askScript, countingRunner, heard, idOfToy, openToy, runScript, snapshot } from '../helpers/lab.js';

/** Keeps what it is told, but for what is only for debugging. */
function listeningLogger() {
  const lines: string[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    expect(fields).toMatchObject({ v: 1, table: 'toy', type: expect.any(String), time: expect.any(Number) });
    if (level !== 'debug') lines.push(`${level}: ${message.replace(/\d+\.\d{3} s/, '# s')}`);
  };
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  /** What was said since the last time. */
  return { logger, said: () => lines.splice(0) };
}

describeEachDatabase('a logger', (db) => {
  it('[S13] is told of hits, run completions, ingestion and file operations, in these words', async () => {
    const place = await db.fresh();
    const { logger, said } = listeningLogger();
    const { runner } = countingRunner((n, nth) => `result ${n} of execution ${nth}\n`);
    const fails: typeof runner = (params, run) => {
      if (params.n === 13) throw new Error('unlucky');
      return runner(params, run);
    };
    await using store = await openToy(place, fails, { logger });
    const id = idOfToy(1);
    const file = join(place.resultsDir, `${id}.dat`);
    expect(said()).toEqual([]);

    await store.runOrRetrieve({ n: 1 });
    const completed = [
      'info: ingested 1 run',
      `info: file ${file} published (24 bytes)`,
      `info: run ${id} finished in # s, 24 bytes`,
    ];
    expect(said()).toEqual(completed);
    await store.runOrRetrieve({ n: 1 });
    expect(said()).toEqual([`info: cache hit ${id} → ${file}`]);
    await store.retrieve({ n: 1 });
    expect(said()).toEqual([`info: cache hit ${id} → ${file}`]);
    await store.run({ n: 1 });
    expect(said()).toEqual(completed);

    writeFileSync(file, 'edited');
    await store.retrieve({ n: 1 });
    const unused = `warn: the cached result of ${id} is not used: ${file} is shorter than it was`;
    expect(said()).toEqual([unused]);
    await store.runOrRetrieve({ n: 1 });
    const words = said();
    expect(words.filter((line) => line !== unused)).toEqual([
      expect.stringContaining(
        `warn: file ${file} was no result of this store: moved to ${place.resultsDir}/.quarantine/`,
      ),
      ...completed,
    ]);

    await expect(store.run({ n: 13 })).rejects.toThrow('unlucky');
    expect(said()).toEqual([`error: run ${idOfToy(13)} failed (exception): unlucky`]);

    const made = join(place.folder, 'made-elsewhere.dat');
    writeFileSync(made, 'made elsewhere');
    await store.register({ n: 2 }, made);
    expect(said()).toEqual([`info: ingested ${idOfToy(2)} from ${made}`]);
    await store.delete({ n: 1 }, { removeFile: true });
    expect(said()).toEqual([`info: file ${file} removed`, `info: deleted the row of ${id}`]);

    await store.sweep({ n: [2, 3, 4] });
    const swept = said();
    expect(swept.filter((line) => line.startsWith('info: cache hit'))).toHaveLength(1);
    expect(swept.filter((line) => /^info: run \w+ finished/.test(line))).toHaveLength(2);
    const ingested = swept.map((line) => Number(/^info: ingested (\d+) runs?$/.exec(line)?.[1] ?? 0));
    expect(ingested.reduce((sum, n) => sum + n)).toBe(2);
  });
});

describeDatabase('what is said about a store', 'sqlite', (db) => {
  it('[S13] does not fail a run when the logger throws, and a logger that is none is refused', async () => {
    const place = await db.fresh();
    const throws = () => {
      throw new Error('the log is full');
    };
    const logger = { debug: throws, info: throws, warn: throws, error: throws };
    await using store = await openToy(place, undefined, { logger });
    expect(await store.sweep({ n: [1, 2] })).toHaveLength(2);
    for (const none of [null, 'pino', {}, { info() {} }]) {
      await expect(openToy(place, undefined, { logger: none as unknown as Logger })).rejects.toMatchObject({
        code: 'ENTROPIC_INVALID_OPTION',
        message: expect.stringContaining('logger'),
      });
    }
  });

  it('[S13] comes through diagnostics channels, without a logger', async () => {
    const place = await db.fresh();
    const finished = heard('run.finished');
    const cached = heard('run.cached');
    await using store = await openToy(place);
    const { id, resultFile: file } = await store.run({ n: 1 });
    await store.retrieve({ n: 1 });
    const seconds = expect.any(Number);
    const time = expect.any(Number);
    expect(finished).toEqual([{ v: 1, time, table: 'toy', type: 'run.finished', id, seconds, file, bytes: 20 }]);
    expect(cached).toEqual([{ v: 1, time, table: 'toy', type: 'run.cached', id, file }]);
  });

  it('[S13] goes to stderr with NODE_DEBUG=entropic, and to nothing else', async () => {
    const { resultsDir, dbUrl, folder } = await db.fresh();
    const args = [resultsDir, dbUrl, join(folder, 'report.json'), 'closed'];
    const { code, stdout, stderr } = await runScript('manners.mjs', { args, env: { NODE_DEBUG: 'entropic' } });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    const lines = stderr.trim().split('\n');
    expect(lines.filter((line) => !/^ENTROPIC \d+: \S+ \{/.test(line))).toEqual([]);
    for (const type of ['store.opened', 'run.cached', 'run.finished', 'row.committed', 'file.published']) {
      expect(stderr).toContain(`: ${type} {`);
    }
  });

  it('[S3] ends with its block: await using in TypeScript closes the store, also when the block throws', async () => {
    const place = await db.fresh();
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const args = [place.resultsDir, place.dbUrl];
    const said = await askScript('await-using.ts', { args, flags: ['--import', tsx] });
    expect(said).toEqual({ ns: [1, 2, 3], closed: 'ENTROPIC_CLOSED', thrown: 'in the block' });
    expect((await allRows(place)).entropic_leases).toEqual([]);
    expect(snapshot(join(place.resultsDir, '.tmp')).map(([path]) => path)).toEqual(['.']);
  });
});
