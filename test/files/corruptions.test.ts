// A thousand damaged results at once: `verify` finds every one, look-ups serve none, a repair deletes nothing.
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeEachDatabase } from '../helpers/databases.js';
import { allRows, countingRunner, expectWhole, idOfToy, openToy, quarantine, snapshot } from '../helpers/lab.js';

/** What is done to the nth file, and what `verify` must call it. */
const harms: { kind: string; harm(file: string): void }[] = [
  { kind: 'missing', harm: (file) => rmSync(file) },
  { kind: 'truncated', harm: (file) => truncateSync(file, 3) },
  { kind: 'truncated', harm: (file) => truncateSync(file, 0) },
  { kind: 'edited', harm: (file) => appendFileSync(file, '!') },
  { kind: 'edited', harm: (file) => writeFileSync(file, 'THE RESULT', { flag: 'r+' }) },
  { kind: 'not-a-file', harm: (file) => replaced(file, () => mkdirSync(file)) },
  { kind: 'not-a-file', harm: (file) => replaced(file, () => symlinkSync('/etc/passwd', file)) },
  // FIFOs are made all at once below.
  { kind: 'not-a-file', harm: (file) => rmSync(file) },
];
const FIFO = harms.length - 1;

function replaced(file: string, make: () => void): void {
  rmSync(file);
  make();
}

describeEachDatabase('many damaged results', (db) => {
  // Each look-up of one point is some round trips to a server, so that a thousand would only cost time there.
  const COUNT = db.kind === 'sqlite' ? 1000 : 160;

  it(`[fault: corruptions] ${COUNT} of ${COUNT} are found by verify, served by no look-up, and set aside by a repair`, async () => {
    const place = await db.fresh();
    const { runner, executions } = countingRunner();
    const ns = Array.from({ length: COUNT }, (_, n) => n);
    const fileOf = (n: number) => join(place.resultsDir, `${idOfToy(n)}.dat`);
    const harmOf = (n: number) => harms[n % harms.length] as (typeof harms)[number];
    {
      await using store = await openToy(place, runner, { durability: 'process' });
      expect(await store.sweep({ n: ns })).toHaveLength(COUNT);
    }
    for (const n of ns) harmOf(n).harm(fileOf(n));
    execFileSync('mkfifo', ns.filter((n) => n % harms.length === FIFO).map(fileOf));

    await using store = await openToy(place, runner, { durability: 'process' });
    const expected = ns.map((n) => ({ kind: harmOf(n).kind, id: idOfToy(n), file: fileOf(n) }));
    expected.sort((a, b) => (a.id < b.id ? -1 : 1));
    const before = { files: snapshot(place.resultsDir), rows: await allRows(place) };
    expect(await store.verify()).toEqual({ checked: COUNT, problems: expected });
    const served = [];
    for (const n of ns) if ((await store.retrieve({ n })) !== null) served.push(n);
    expect(served).toEqual([]);
    expect({ files: snapshot(place.resultsDir), rows: await allRows(place) }).toEqual(before);

    expect(await store.verify({ repair: true })).toEqual({ checked: COUNT, problems: expected });
    expect(await store.verify()).toEqual({ checked: 0, problems: [] });
    const damaged = before.files.filter(([path]) => /^[0-9a-f]{16}\.dat$/.test(path));
    const kept = snapshot(quarantine(place)).filter(([path]) => path !== '.');
    const whatItIs = ([, ...rest]: (typeof kept)[number]) => rest.join(' ');
    expect(kept.map(whatItIs).sort()).toEqual(damaged.map(whatItIs).sort());
    expect(damaged).toHaveLength(COUNT - Math.ceil(COUNT / harms.length));

    expect(executions).toHaveLength(COUNT);
    await store.sweep({ n: [0, 1, 2] });
    await expectWhole(place, [0, 1, 2]);
  });

  it('[Q6] an orphan is found and set aside, and the files of the user beside it are not', async () => {
    const place = await db.fresh();
    await using store = await openToy(place);
    const { resultFile } = await store.run({ n: 1 });
    const orphan = join(place.resultsDir, '00000000000000aa.dat');
    writeFileSync(orphan, 'whose?');
    for (const name of ['notes.txt', '.hidden', 'deadbeef.dat', 'readme.00000000000000aa.dat']) {
      writeFileSync(join(place.resultsDir, name), 'mine');
    }
    const before = snapshot(place.resultsDir);
    const problems = [{ kind: 'orphan', id: '00000000000000aa', file: orphan }];
    expect(await store.verify()).toEqual({ checked: 1, problems });
    expect(snapshot(place.resultsDir)).toEqual(before);
    expect(await store.verify({ repair: true })).toEqual({ checked: 1, problems });
    expect(await store.verify()).toEqual({ checked: 1, problems: [] });
    const names = (entries: typeof before) => entries.map(([path, , inode]) => `${path} ${inode}`);
    const left = names(before).filter((name) => !name.startsWith('00000000000000aa'));
    expect(names(snapshot(place.resultsDir))).toEqual(expect.arrayContaining(left));
    expect((await store.retrieve({ n: 1 }))?.resultFile).toBe(resultFile);
  });
});
