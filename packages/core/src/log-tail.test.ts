import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readLogTail } from './log-tail.js';

const MOST = 16 * 1024;

function logOf(content: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'entropic-tail-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'log');
  writeFileSync(file, content);
  return file;
}

const tailOf = (content: string | Uint8Array) => readLogTail(logOf(content));
const lines = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `line ${from + i}\n`).join('');

describe('[D9] the tail of a log', () => {
  it('is nothing where there is no log, or nothing in it, or no file', () => {
    expect(readLogTail('/no/such/log')).toBeUndefined();
    expect(tailOf('')).toBeUndefined();
    expect(readLogTail(tmpdir())).toBeUndefined();
  });

  it('is the whole of a short one, as it was printed', () => {
    for (const text of ['x', '\n', 'one\n', 'one\ntwo', '\n\nthree\r\n\n', 'é ✓ 😀\n', lines(50)])
      expect(tailOf(text)).toBe(text);
  });

  it('is its last 50 lines, and says nothing of those before them', () => {
    expect(tailOf(lines(51))).toBe(lines(50, 1));
    expect(tailOf(lines(1_000))).toBe(lines(50, 950));
    expect(tailOf(`${lines(70)}the rest`)).toBe(`${lines(49, 21)}the rest`);
    // More than the bytes that are read, though not in its last lines.
    expect(tailOf(lines(100_000))).toBe(lines(50, 99_950));
  });

  it('is cut with a mark where 50 lines are too long', () => {
    const one = tailOf(`begin${'x'.repeat(100_000)}end\n`) as string;
    expect(one).toMatch(/^\[…\]x+end\n$/);
    expect(Buffer.byteLength(one)).toBe(MOST);
    const many = tailOf(`${'y'.repeat(1_000)}\n`.repeat(60)) as string;
    expect(many).toMatch(/^\[…\]y+\n(y{1000}\n){16}$/);
    expect(Buffer.byteLength(many)).toBe(MOST);
    // One byte more than may be.
    expect(tailOf('z'.repeat(MOST))).toBe('z'.repeat(MOST));
    expect(tailOf('z'.repeat(MOST + 1))).toMatch(/^\[…\]z+$/);
  });

  it('is whole characters, wherever it is cut', () => {
    for (const character of ['é', '✓', '😀']) {
      for (let shift = 0; shift < 5; shift++) {
        const text = tailOf(`${character.repeat(20_000)}${'x'.repeat(shift)}\n`) as string;
        expect(text.slice(0, 3)).toBe('[…]');
        expect(text.slice(3).replaceAll(character, '')).toBe(`${'x'.repeat(shift)}\n`);
        expect(Buffer.byteLength(text)).toBeGreaterThan(MOST - 8);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MOST);
      }
    }
  });

  it('is text that every database takes, of any bytes', () => {
    expect(tailOf(Buffer.from([65, 0, 66, 0xff, 67]))).toBe('A\ufffdB\ufffdC');
    const bytes = fc
      .uint8Array({ maxLength: 300 })
      .chain((part) => fc.constantFrom(1, 40, 90).map((n) => [part, n] as const));
    fc.assert(
      fc.property(bytes, ([part, times]) => {
        const content = Buffer.concat(Array(times).fill(Buffer.from(part)));
        const text = tailOf(content) ?? '';
        // No half of a pair: it would not come back.
        expect(Buffer.from(text).toString()).toBe(text);
        expect(text).not.toContain('\0');
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MOST);
        expect(text.replace(/\n$/, '').split('\n').length).toBeLessThanOrEqual(50);
        const shown = text.startsWith('[…]') ? text.slice(3) : text;
        expect(content.toString('utf8').replaceAll('\0', '\ufffd').endsWith(shown)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
