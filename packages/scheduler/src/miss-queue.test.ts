import { describe, expect, it } from 'vitest';
import { MissQueue } from './miss-queue.js';
import { Wakeup } from './wakeup.js';

const never = new AbortController().signal;
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

/** Whether a promise is settled once everything that is ready has had its turn. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const done = () => {
    settled = true;
  };
  promise.then(done, done);
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

describe('the queue of misses', () => {
  it('gives what was pushed, in its order, what was put back first', async () => {
    const queue = new MissQueue<number>(new Wakeup());
    await queue.push(numbers(5), never);
    expect(queue.take(2)).toEqual([0, 1]);
    queue.putBack([0, 1]);
    await queue.push([5], never);
    expect(queue.length).toBe(6);
    expect(queue.take(100)).toEqual(numbers(6));
    expect(queue.take(1)).toEqual([]);
    expect(queue.ended).toBe(false);
    queue.end();
    expect(queue.ended).toBe(true);
    expect(await queue.rest()).toEqual([]);
  });

  it('lets whoever pushes wait until there is room', async () => {
    const queue = new MissQueue<number>(new Wakeup());
    const pushed = queue.push(numbers(5000), never);
    expect(await isSettled(pushed)).toBe(false);
    queue.take(2000);
    expect(await isSettled(pushed)).toBe(false);
    queue.take(2000);
    expect(await isSettled(pushed)).toBe(true);
    expect(queue.take(1)).toEqual([4000]);
  });

  it('lets go of whoever waits for room when the sweep is stopped, and keeps what was pushed', async () => {
    const changed = new Wakeup();
    const queue = new MissQueue<number>(changed);
    const stop = new AbortController();
    stop.signal.addEventListener('abort', () => changed.notify());
    const pushed = queue.push(numbers(5000), stop.signal);
    stop.abort();
    await pushed;
    const rest = queue.rest();
    expect(await isSettled(rest)).toBe(false);
    await queue.push([5000], stop.signal);
    queue.end();
    expect(await rest).toEqual(numbers(5001));
  });

  it('takes a push of any size', async () => {
    const queue = new MissQueue<number>(new Wakeup());
    void queue.push(numbers(300_000), never);
    expect(queue.take(300_000)).toHaveLength(300_000);
  });

  it('tells of every change to whoever waits', async () => {
    const changed = new Wakeup();
    const queue = new MissQueue<number>(changed);
    for (const change of [() => void queue.push([1], never), () => queue.take(1), () => queue.end()]) {
      const waiting = changed.wait();
      change();
      await waiting;
    }
  });
});
