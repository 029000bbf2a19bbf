// The executor contract: what a run prints is in its log at once, and stays there. Not for functions, which print where their program
// prints.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Store } from 'entropic';
import { expect, it, onTestFinished } from 'vitest';
import { runProcess } from '../../helpers/example.js';
import { idOf } from '../../helpers/ids.js';
import { answerOf } from '../../helpers/program.js';
import { textOf } from '../../helpers/text.js';
import { type Kind, Model, openLab, until } from './kit.js';

const PRINTED = 'to stdout: fine\nto stderr\nbytes ✓\nhex!\nby log\n';
const program = fileURLToPath(new URL('./killed.mjs', import.meta.url));

export function logs(kind: Kind): void {
  // Two pipes keep no order between them.
  const ordered = (text: string) => (kind.name === 'command' ? text.split('\n').sort().join('\n') : text);

  /** Node itself says why a program failed. */
  const own = (text: string) => (kind.name === 'command' ? text.slice(0, text.indexOf('\n') + 1) : text);

  it('is in the file while the run goes on, may be followed, and is shown again on a hit', async () => {
    const lab = await openLab(kind, 'prints');
    const point = lab.point(1);
    const id = idOf(point);
    const file = join(lab.resultsDir, '.entropic', 'logs', `${id}.1.log`);
    const sweep = lab.sweep([point]);
    await until('what it prints', () => existsSync(file) && ordered(readFileSync(file, 'utf8')) === ordered(PRINTED));
    const followed = textOf(lab.store.log(id, { follow: true }));
    expect(ordered(await textOf(lab.store.log(id)))).toBe(ordered(PRINTED));
    writeFileSync(join(lab.folder, 'go on'), '');
    expect(await sweep).toMatchObject([{ status: 'finished' }]);
    const whole = `${PRINTED}the last line\n`;
    // Complete when the outcome is delivered.
    expect(ordered(readFileSync(file, 'utf8'))).toBe(ordered(whole));
    expect(ordered(await followed)).toBe(ordered(whole));
    expect(await lab.sweep([point])).toMatchObject([{ status: 'cached' }]);
    expect(ordered(await textOf(lab.store.log(id)))).toBe(ordered(whole));
  });

  it('is each attempt its own; of a hit the log of the attempt that made it, of a failure the last', async () => {
    const lab = await openLab(kind, 'third');
    const id = idOf(lab.point(1));
    await lab.sweep([lab.point(1)], { retries: 1 });
    expect(own(await textOf(lab.store.log(id)))).toBe('this is attempt 2\n');
    await lab.sweep([lab.point(1)]);
    for (const attempt of [1, 2, 3]) {
      expect(own(await textOf(lab.store.log(id, { attempt })))).toBe(`this is attempt ${attempt}\n`);
    }
    expect(await textOf(lab.store.log(id))).toBe('this is attempt 3\n');
    await lab.store.run(lab.point(1));
    expect(await textOf(lab.store.log(id))).toBe('this is attempt 4\n');
  });

  it('is none for a run that printed nothing', async () => {
    const lab = await openLab(kind, 'simple');
    await lab.sweep([lab.point(1)]);
    expect(await textOf(lab.store.log(idOf(lab.point(1))))).toBe('');
    expect(existsSync(join(lab.resultsDir, '.entropic', 'logs'))).toBe(false);
  });

  it('of 30 MB keeps the head and the tail, and says what is missing', async () => {
    const lab = await openLab(kind, 'talks');
    const id = idOf(lab.point(30));
    expect(await lab.sweep([lab.point(30)], { timeout: 50 })).toMatchObject([{ status: 'finished' }]);
    const file = join(lab.resultsDir, '.entropic', 'logs', `${id}.1.log`);
    expect(statSync(file).size).toBeLessThan(10_001_000);
    expect(statSync(file).size).toBeGreaterThan(9_000_000);
    const text = await textOf(lab.store.log(id));
    const lines = text.split('\n');
    // Lines of 100 bytes, numbered from 0.
    expect(lines.slice(0, 50_000).every((line, i) => Number(line) === i)).toBe(true);
    const [note] = /^\[… about \d+ bytes of the log are left out here …\]$/m.exec(text) ?? [];
    const missing = Number(/\d+/.exec(note ?? '')?.[0]);
    expect(Math.abs(missing - 20_000_000)).toBeLessThan(1_000_000);
    expect(lines.slice(-2)).toEqual(['the very end', '']);
    expect(Number(lines.at(-3))).toBe(299_999);
    expect(lines.slice(-40_000, -2).every((line, i) => Number(line) === 260_002 + i)).toBe(true);
  });

  // A program's are in test/command/killed.test.ts.
  if (kind.name === 'command') return;

  it('survives SIGKILL of the whole process; who follows it from another one hears all and then the end, and the next life has its own', async () => {
    const folder = freshFolder();
    const id = idOf({ n: 1, folder, how: 'prints' });
    const file = (attempt: number) => join(folder, 'results', '.entropic', 'logs', `${id}.${attempt}.log`);
    const printed = PRINTED.replace('fine', 'prints');
    const { spawn } = await import('node:child_process');
    const child = spawn(process.execPath, [program, folder, 'prints', 'never', kind.name], { stdio: 'ignore' });
    await until('what it prints', () => existsSync(file(1)) && readFileSync(file(1), 'utf8') === printed);
    const other = await Store.open({
      ...{
        model: Model,
        resultsDir: join(folder, 'results'),
        dbUrl: `sqlite:///${join(folder, 'db')}`,
        readOnly: true,
      },
    });
    const pieces: string[] = [];
    const following = (async () => {
      for await (const piece of other.log(id, { follow: true })) pieces.push(piece);
    })();
    await until('what was printed so far', () => pieces.join('') === printed);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    // The lease of a process that is gone is void at once.
    await following;
    expect(pieces.join('')).toBe(printed);
    expect(await textOf(other.log(id))).toBe(printed);
    await other.close();
    expect(readFileSync(file(1), 'utf8')).toBe(printed);
    writeFileSync(join(folder, 'go on'), '');
    const { statuses } = answerOf<{ statuses: string[] }>(
      await runProcess(process.execPath, [program, folder, 'prints', 'never', kind.name]),
    );
    // A process outlives its owner for a moment: it may have ended its run, which is then recovered.
    expect(kind.name === 'processes' ? ['finished', 'cached'] : ['finished']).toContain(statuses[0]);
    expect(readFileSync(file(1), 'utf8')).toBe(`${printed}the last line\n`);
  });

  it('a finished run is recovered after SIGKILL between its manifest and its row, without a second execution', async () => {
    const folder = freshFolder();
    const killed = await runProcess(process.execPath, [program, folder, 'simple', 'manifest', kind.name]);
    expect(killed).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(readFileSync(join(folder, 'executions'), 'utf8')).toBe('1\n');
    const second = answerOf<{ pid: number; statuses: string[]; customData: Record<string, unknown> }>(
      await runProcess(process.execPath, [program, folder, 'simple', 'never', kind.name]),
    );
    expect(second.statuses).toEqual(['cached']);
    expect(second.customData.value).toMatchObject({ twice: 2 });
    // The caller's of the first life.
    expect(second.customData.by).not.toBe(second.pid);
    expect(readFileSync(join(folder, 'executions'), 'utf8')).toBe('1\n');
  });
}

function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'entropic-executor-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
