// What may happen to a result file behind the store's back: it is never served, a read changes nothing, and the next run puts a
// good file in its place and keeps what stood there.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { realSeams } from '@entropic/core/internal';
import { openStore } from 'entropic/internal';
import { describe, expect, it } from 'vitest';
import { describeDatabase, describeEachDatabase, type Place } from '../helpers/databases.js';
import {
  allRows,
  countingRunner,
  expectWhole,
  heard,
  openToy,
  quarantine,
  runScript,
  snapshot,
  Toy,
} from '../helpers/lab.js';

interface Harm {
  tag: string;
  does: string;
  /** Why the event says that it is not used. */
  why: string;
  /** What `verify` calls it. */
  kind: string;
  /** What is kept in quarantine after the next run; undefined for nothing. */
  kept: string | undefined;
  harm(file: string, place: Place): void;
}

const rewrite = (file: string, change: (text: string) => string) =>
  writeFileSync(file, change(readFileSync(file, 'utf8')));

const harms: Harm[] = [
  {
    tag: 'missing',
    does: 'deleted',
    why: 'is missing',
    kind: 'missing',
    kept: undefined,
    harm: (file) => rmSync(file),
  },
  {
    tag: 'truncated',
    does: 'truncated',
    why: 'is shorter than it was',
    kind: 'truncated',
    kept: 'file',
    harm: (file) => truncateSync(file, 5),
  },
  {
    tag: 'emptied',
    does: 'truncated to nothing',
    why: 'is shorter than it was',
    kind: 'truncated',
    kept: 'file',
    harm: (file) => truncateSync(file, 0),
  },
  {
    tag: 'edited',
    does: 'edited without a change of its size',
    why: 'was changed after the run',
    kind: 'edited',
    kept: 'file',
    harm: (file) => rewrite(file, (text) => text.replace('result', 'RESULT')),
  },
  {
    tag: 'longer',
    does: 'edited and longer',
    why: 'was changed after the run',
    kind: 'edited',
    kept: 'file',
    harm: (file) => appendFileSync(file, 'and more'),
  },
  {
    tag: 'replaced',
    does: 'replaced by another file of its size',
    why: 'was changed after the run',
    kind: 'edited',
    kept: 'file',
    harm(file, { folder }) {
      const other = join(folder, 'other');
      writeFileSync(other, 'x'.repeat(statSync(file).size));
      renameSync(other, file);
    },
  },
  {
    tag: 'folder',
    does: 'replaced by a folder',
    why: 'is no regular file any more',
    kind: 'not-a-file',
    kept: 'folder',
    harm(file) {
      rmSync(file);
      mkdirSync(file);
      writeFileSync(join(file, 'notes.txt'), 'mine');
    },
  },
  {
    tag: 'symlink',
    does: 'replaced by a symlink to a good copy',
    why: 'is no regular file any more',
    kind: 'not-a-file',
    kept: 'link',
    harm(file, { folder }) {
      const copy = join(folder, 'good-copy');
      copyFileSync(file, copy);
      rmSync(file);
      symlinkSync(copy, file);
    },
  },
  {
    tag: 'fifo',
    does: 'replaced by a FIFO',
    why: 'is no regular file any more',
    kind: 'not-a-file',
    kept: 'fifo',
    harm(file) {
      rmSync(file);
      execFileSync('mkfifo', [file]);
    },
  },
];

describeEachDatabase('a result file that was', (db) => {
  for (const { tag, does, why, kind, kept, harm } of harms) {
    it(`[fault: ${tag}] ${does} is not served, not touched by reads, and made anew by the next run`, async () => {
      const place = await db.fresh();
      const { runner, executions } = countingRunner();
      const store = await openToy(place, runner);
      const victim = await store.run({ n: 1 });
      await store.run({ n: 2 });
      harm(victim.resultFile, place);
      const invalid = heard('cache.invalid');

      const before = { files: snapshot(place.resultsDir), rows: await allRows(place) };
      expect(await store.retrieve({ n: 1 })).toBeNull();
      expect(invalid).toMatchObject([{ id: victim.id, file: victim.resultFile, why }]);
      expect(await store.get(victim.id)).toBeNull();
      expect(await store.sweep({ n: [2, 2] })).toHaveLength(2);
      for await (const outcome of store.sweep([{ n: 2 }])) expect(outcome.status).toBe('cached');
      const found = await store.verify();
      expect(found).toEqual({ checked: 2, problems: [{ kind, id: victim.id, file: victim.resultFile }] });
      expect({ files: snapshot(place.resultsDir), rows: await allRows(place) }).toEqual(before);

      const foreign = before.files.find(([path]) => path === `${victim.id}.dat`);
      expect(foreign?.[1]).toBe(kept);
      const again = await store.runOrRetrieve({ n: 1 });
      expect(executions).toEqual([1, 2, 1]);
      expect(again.resultFile).toBe(victim.resultFile);
      expect(readFileSync(again.resultFile, 'utf8')).toBe('the result of n = 1\n');
      await expectWhole(place, [1, 2]);
      if (foreign) {
        // The very same thing under another name: inode, time of change and content.
        const [moved] = snapshot(quarantine(place)).filter(([path]) => path.startsWith(victim.id));
        expect(moved?.slice(1)).toEqual(foreign.slice(1));
      }
      expect((await store.retrieve({ n: 1 }))?.id).toBe(victim.id);
      expect((await store.verify()).problems).toEqual([]);
      expect(executions).toHaveLength(3);
    });
  }

  it('[fault: touched] only touched is still served, and nothing is written for it', async () => {
    const place = await db.fresh();
    const { runner, executions } = countingRunner();
    await using store = await openToy(place, runner);
    const { resultFile } = await store.run({ n: 1 });
    utimesSync(resultFile, 1_000_000_000, 1_000_000_000);
    const before = { files: snapshot(place.resultsDir), rows: await allRows(place) };
    expect((await store.retrieve({ n: 1 }))?.resultFile).toBe(resultFile);
    expect((await store.runOrRetrieve({ n: 1 })).resultFile).toBe(resultFile);
    expect(await store.sweep({ n: [1] })).toHaveLength(1);
    expect((await store.verify({ readData: true })).problems).toEqual([]);
    expect({ files: snapshot(place.resultsDir), rows: await allRows(place) }).toEqual(before);
    expect(executions).toEqual([1]);
  });
});

describeDatabase('a result file that was changed so that its size and time do not tell', 'sqlite', (db) => {
  it('[fault: edited-at-once] in the millisecond in which it was sealed is not served, 50 times out of 50', async () => {
    const place = await db.fresh();
    const seams = {
      ...realSeams,
      fs: {
        ...realSeams.fs,
        // The moment after the digest was taken and the time of change settled: as near as an edit can come.
        async digest(path: string, settle?: boolean) {
          const taken = await realSeams.fs.digest(path, settle);
          if (settle) rewrite(path, (text) => text.replace('result', 'RESULT'));
          return taken;
        },
      },
    };
    const { runner } = countingRunner();
    const { resultsDir, dbUrl } = place;
    await using store = await openStore({ model: Toy, runner, resultsDir, dbUrl, durability: 'process' }, seams);
    const ns = Array.from({ length: 50 }, (_, n) => n);
    await store.sweep({ n: ns });
    for (const n of ns) expect(await store.retrieve({ n }), `n = ${n}`).toBeNull();
  });

  it('[fault: edited-in-secret] with its old time put back is found by digest: verify({ readData }) and verify: "digest"', async () => {
    const place = await db.fresh();
    await using store = await openToy(place);
    const { id, resultFile } = await store.run({ n: 1 });
    const { mtime } = statSync(resultFile);
    rewrite(resultFile, (text) => text.replace('result', 'RESULT'));
    utimesSync(resultFile, mtime, mtime);
    expect((await store.verify({ readData: true })).problems).toEqual([{ kind: 'edited', id, file: resultFile }]);
    await using careful = await openToy(place, undefined, { verify: 'digest' });
    expect(await careful.retrieve({ n: 1 })).toBeNull();
  });
});

describe('a result file that cannot be read (sqlite)', () => {
  it('[fault: unreadable] is not served, not touched by reads, and made anew by the next run', async () => {
    const { code, stdout, stderr } = await runScript('unreadable.mjs', { timeout: 30_000 });
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      readable: 'EACCES',
      retrieved: null,
      unchanged: true,
      content: 'the result of n = 1\n',
      executions: 2,
      quarantined: ['the SECRET of n = 1\n'],
      after: [],
    });
  });
});
