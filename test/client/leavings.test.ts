// What a client leaves behind: no thread, no handle, no file and no lease, and its program ends. Each in a process of its own, judged by
// Linux and by SQLite.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runProcess } from '../helpers/example.js';
import { answerOf } from '../helpers/program.js';
import { freshFolder } from './kit.js';

const program = fileURLToPath(new URL('./program.mjs', import.meta.url));

async function ask<T>(folder: string, what: string, flags: readonly string[] = []): Promise<T> {
  return answerOf<T>(await runProcess(process.execPath, [...flags, program, folder, what]));
}

const LEASES = `import sqlite3, sys, json
rows = sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM entropic_leases WHERE owner IS NOT NULL").fetchone()
runs = sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM runs").fetchone()
print(json.dumps([rows[0], runs[0]]))`;

describe('[D1] a program with a client (sqlite)', () => {
  it('that closes it in mid-sweep is left without its threads, handles, temporary files and leases', async () => {
    const folder = freshFolder();
    type Left = { told: string[]; more: { threads: number; descriptors: number }; resources: string[] };
    const { told, more, resources } = await ask<Left>(folder, 'closed');
    expect(told).toEqual(['AbortError', 'AbortError']);
    expect(resources).toEqual([]);
    // Of three lives with three threads each; Node itself opens one or another descriptor only late.
    expect(more.threads).toBeLessThan(3);
    expect(more.descriptors).toBeLessThan(3);
    expect(readdirSync(join(folder, 'results', '.tmp'))).toEqual([]);
    const { stdout } = await runProcess('python3', ['-c', LEASES, join(folder, 'db')]);
    // The two that ran were kept.
    expect(JSON.parse(stdout)).toEqual([0, 2]);
    expect(readdirSync(join(folder, 'results')).filter((name) => name.endsWith('.dat'))).toHaveLength(2);
  });

  it('that forgets to close it ends all the same', async () => {
    const folder = freshFolder();
    expect(await ask(folder, 'open')).toEqual({ values: [1, 4, 9], ns: [7, 8] });
  });

  it('lives until the value that it waits for is there', async () => {
    expect(await ask(freshFolder(), 'alone')).toEqual({ value: 'there' });
  });

  it('goes on when a run fills the heap of its thread, which is told as oom', async () => {
    const answer = await ask<{ reasons: string[]; message: string; values: number[] }>(freshFolder(), 'heap', [
      '--max-old-space-size=64',
    ]);
    expect(answer.reasons).toEqual(['oom', 'oom', 'oom']);
    expect(answer.message).toMatch(/the JavaScript heap of its thread is full/);
    expect(answer.values).toEqual([1, 4, 9, 16]);
  });
});
