// The contract seen from other processes: other time zones, other working folders, and a script that prints nothing.
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { askChild, runChild } from '../../helpers/child.js';
import type { Place, TestDatabase } from '../../helpers/databases.js';

const SCRIPT = './write-and-read.mjs';
const ZONES = { UTC: 12, 'America/New_York': 7, 'Asia/Kolkata': 17 } as const;

interface Seen {
  id: string;
  n: number;
  dt: number;
  createdAt: string;
  resultFile: string;
}
interface Answer {
  written: Seen;
  read: Seen[];
  swept: Seen[];
  executed: number;
  before: number;
  after: number;
  hour: number;
}

const at = ({ dbUrl, resultsDir }: Place) => ({ dbUrl, resultsDir });

export function processes(db: TestDatabase): void {
  it('[S5] processes in three time zones write and read the same moments', async () => {
    const place = await db.fresh();
    const rows: Seen[] = [];
    for (const [i, [zone, hour]] of Object.entries(ZONES).entries()) {
      const argument = { ...at(place), run: i, get: rows.map((row) => row.id) };
      const answer = await askChild<Answer>(SCRIPT, argument, { env: { TZ: zone } });
      expect(answer.hour, zone).toBe(hour);
      const time = Date.parse(answer.written.createdAt);
      expect(time).toBeGreaterThanOrEqual(answer.before);
      expect(time).toBeLessThanOrEqual(answer.after);
      expect(answer.read).toEqual(rows);
      rows.push(answer.written);
    }
    const again = await askChild<Answer>(
      SCRIPT,
      { ...at(place), get: rows.map((row) => row.id) },
      { env: { TZ: 'UTC' } },
    );
    expect(again.read).toEqual(rows);
    if (db.kind === 'sqlite') {
      const stored = (await place.sql('SELECT created_at, typeof(created_at) FROM clocks ORDER BY n')) as [
        string,
        string,
      ][];
      const texts = rows.map(({ createdAt }) => `${createdAt.replace('T', ' ').slice(0, 23)}000`);
      expect(stored).toEqual(texts.map((text) => [text, 'text']));
      for (const text of texts) expect(text).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/);
    } else {
      const stored = await place.sql(
        `SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') FROM clocks ORDER BY n`,
      );
      expect(stored).toEqual(rows.map(({ createdAt }) => [createdAt]));
    }
  });

  it('[S3] a store is the same from another working folder, whether its paths are absolute or relative', async () => {
    const place = await db.fresh();
    const [home, elsewhere] = [join(place.folder, 'home'), join(place.folder, 'elsewhere')];
    for (const folder of [home, elsewhere]) mkdirSync(folder);
    const relative = {
      dbUrl: db.kind === 'sqlite' ? 'sqlite:///./data/runs.sqlite3' : place.dbUrl,
      resultsDir: './results',
    };
    const first = await askChild<Answer>(SCRIPT, { ...relative, sweep: [1, 2] }, { cwd: home });
    expect(first.executed).toBe(2);
    expect(first.swept[0]?.resultFile).toBe(join(home, 'results', `${first.swept[0]?.id}.dat`));
    const absolute = {
      dbUrl: db.kind === 'sqlite' ? `sqlite:////${join(home, 'data', 'runs.sqlite3').slice(1)}` : place.dbUrl,
      resultsDir: join(home, 'results'),
    };
    const second = await askChild<Answer>(SCRIPT, { ...absolute, sweep: [1, 2, 3] }, { cwd: elsewhere });
    expect(second.executed).toBe(1);
    expect(second.swept.slice(0, 2)).toEqual(first.swept);

    // And moved as a whole.
    const moved = join(place.folder, 'moved');
    renameSync(home, moved);
    const third = await askChild<Answer>(SCRIPT, { ...relative, sweep: [1, 2, 3] }, { cwd: moved });
    expect(third.executed).toBe(0);
    for (const { resultFile, n } of third.swept) {
      expect(resultFile.startsWith(moved)).toBe(true);
      expect(readFileSync(resultFile, 'utf8')).toBe(`n=${n}`);
    }
  });

  it('[S13] the library prints nothing, and a script that closes its store ends by itself', async () => {
    const place = await db.fresh();
    const result = await runChild('./quickstart.mjs', at(place));
    expect(result).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await place.sql('SELECT n, dt FROM results WHERE n < 3 ORDER BY n, dt')).toHaveLength(3);
  });

  it('[S13] no signal handler of ours is left in the process', async () => {
    const place = await db.fresh();
    const before = process.eventNames().map((name) => [name, process.listenerCount(name as string)]);
    const { openStore, POINT } = await import('./kit.js');
    const store = await openStore(place);
    await store.run(POINT);
    expect(process.eventNames().map((name) => [name, process.listenerCount(name as string)])).toEqual(before);
    await store.close();
  });
}
