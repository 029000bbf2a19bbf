// The rules of dispatch.ts one by one, as they read; dispatch-property.test.ts has them all at once.
import type { FailReason, Retries } from '@entropic/core';
import { resolveRetries } from '@entropic/core/internal';
import { describe, expect, it } from 'vitest';
import { Dispatch } from './dispatch.js';
import type { DispatchCommand, DispatchEvent } from './dispatch-messages.js';

interface Point {
  readonly id: string;
}

interface Setting {
  slots?: number;
  maxFailures?: number;
  inline?: boolean;
  batches?: boolean;
  retries?: Retries;
}

/** A dispatch at a time of its own; commands come back as `start a`, `claim a b`. */
function begin({
  slots = 1,
  maxFailures = Number.POSITIVE_INFINITY,
  inline = true,
  batches = false,
  retries,
}: Setting = {}) {
  const dispatch = new Dispatch<Point>({ slots, batches, maxFailures, inline }, resolveRetries(retries, 'retries'));
  const points = new Map<string, Point>();
  const named = (names: string): Point[] =>
    names.split(' ').flatMap((id) => {
      if (id === '') return [];
      if (!points.has(id)) points.set(id, { id });
      return [points.get(id) as Point];
    });
  const one = (name: string) => named(name)[0] as Point;
  const self = {
    dispatch,
    now: 0,
    tell: (event: DispatchEvent<Point>): string[] => dispatch.step(event, self.now).map(shown),
    queue: (names: string, ...priorities: number[]) => self.tell({ type: 'queued', points: named(names), priorities }),
    ended: () => self.tell({ type: 'ended' }),
    claimed: (claims: string, held = '', local = '') =>
      self.tell({ type: 'claimed', claims: named(claims), held: named(held), local: named(local) }),
    scouted: (free: string, held = '', local = '') =>
      self.tell({ type: 'scouted', free: named(free), held: named(held), local: named(local) }),
    revisited: (wanted: string) => self.tell({ type: 'revisited', wanted: named(wanted) }),
    freed: (name: string) => self.tell({ type: 'freed', point: one(name) }),
    executed: (name: string, seconds = 0.001) => self.tell({ type: 'executed', point: one(name), seconds }),
    settled: (name: string, how: 'finished' | 'stale' | 'cancelled' = 'finished') =>
      self.tell({ type: 'settled', point: one(name), how }),
    finish: (name: string, seconds?: number) => [...self.executed(name, seconds), ...self.settled(name)],
    fail: (name: string, reason: FailReason = 'exception', random = 0.5) => [
      ...self.executed(name),
      ...self.tell({ type: 'failed', point: one(name), reason, random }),
    ],
    tick: (now: number) => {
      self.now = now;
      return self.tell({ type: 'tick' });
    },
  };
  return self;
}

function shown(command: DispatchCommand<Point>): string {
  if (command.do === 'retry') return `retry ${command.point.id} in ${Math.round(command.seconds * 1000)} ms`;
  if (command.do === 'fail') return `${command.quarantined > 0 ? 'quarantine' : 'fail'} ${command.point.id}`;
  if (command.do === 'stop') return `stop: ${command.why}`;
  if (command.do === 'drop') {
    const claimed = command.claimed.length > 0 ? ` (claimed ${ids(command.claimed)})` : '';
    return `drop ${ids(command.points)}${claimed}`;
  }
  if ('points' in command) return `${command.do} ${ids(command.points)}`;
  return 'point' in command ? `${command.do} ${command.point.id}` : command.do;
}

const ids = (points: readonly Point[]) => points.map(({ id }) => id).join(' ');

describe('[D5] a point', () => {
  it('is claimed, started, and over; after the last of them all is over', () => {
    const sweep = begin();
    expect(sweep.queue('a b')).toEqual(['claim a']);
    expect(sweep.claimed('a')).toEqual(['start a']);
    expect(sweep.executed('a', 0.03)).toEqual(['claim b']);
    expect(sweep.claimed('b')).toEqual(['start b']);
    expect(sweep.settled('a')).toEqual([]);
    expect(sweep.ended()).toEqual([]);
    expect(sweep.finish('b', 0.03)).toEqual(['end']);
  });

  it('is started ahead of its turn where runs are tiny and travel together, and in its turn when they are not', () => {
    const begun = (batches: boolean, seconds: number) => {
      const sweep = begin({ inline: false, batches });
      const names = Array.from({ length: 600 }, (_, i) => `p${i}`);
      let question = sweep.queue(names.join(' '));
      const started: string[] = [];
      const take = (commands: string[]) => {
        question = commands.filter((command) => command.startsWith('claim'));
        for (const command of commands) if (command.startsWith('start ')) started.push(command.slice(6));
      };
      for (let round = 0; round < 8; round++) {
        while (question.length > 0) take(sweep.claimed(question[0]?.slice('claim '.length) ?? ''));
        take(sweep.finish(started.shift() as string, seconds));
      }
      expect(sweep.dispatch.running).toBe(1);
      return started.length;
    };
    expect(begun(true, 0.0001)).toBeGreaterThan(10);
    expect(begun(false, 0.0001)).toBe(1);
    expect(begun(true, 0.1)).toBe(1);
  });

  it('starts as soon as one of its slots is free, which is before the commit of the one in front of it', () => {
    const sweep = begin({ slots: 2, inline: false });
    expect(sweep.queue('a b c')).toEqual(['claim a b']);
    expect(sweep.claimed('a b')).toEqual(['start a', 'start b', 'claim c']);
    expect(sweep.claimed('c')).toEqual([]);
    expect(sweep.dispatch.running).toBe(2);
    expect(sweep.executed('b')).toEqual(['start c']);
    expect(sweep.dispatch.running).toBe(2);
  });

  it('is claimed with as many others as run in 20 ms, and beforehand only where runs are short', () => {
    /** The sizes of its claims, where each run takes so long. */
    const sizes = (seconds: number) => {
      const sweep = begin({ inline: false });
      const asked: number[] = [];
      const waiting: string[] = [];
      let answer = sweep.queue(Array.from({ length: 200 }, (_, i) => `p${i}`).join(' '));
      while (answer.length > 0) {
        const [what, ...names] = (answer[0] as string).split(' ');
        waiting.push(...answer.slice(1));
        if (what === 'claim') asked.push(names.length);
        answer = what === 'claim' ? sweep.claimed(names.join(' ')) : sweep.finish(names[0] as string, seconds);
        answer = [...waiting.splice(0), ...answer];
      }
      return asked;
    };
    expect(sizes(0.0001)).toEqual([1, 1, 2, 4, 8, 32, 128, 24]);
    expect(sizes(0.005).slice(2, 7)).toEqual([2, 4, 4, 4, 4]);
    expect(new Set(sizes(0.1))).toEqual(new Set([1]));
    const long = begin({ inline: false });
    long.queue('a b c');
    long.claimed('a');
    long.claimed('b');
    // Runs of 2 s: the next is claimed when its slot is free, and not before.
    expect(long.executed('a', 2)).toEqual(['start b']);
    expect(long.executed('b', 2)).toEqual(['claim c']);
  });

  it('of a larger priority is claimed and started before the others, in the order of the source where it is the same', () => {
    const sweep = begin({ slots: 2 });
    expect(sweep.queue('a b c d e', 0, 1, 2, 1, 0)).toEqual(['claim c b']);
    expect(sweep.queue('f', 7)).toEqual([]);
    expect(sweep.claimed('b c')).toEqual(['start c', 'start b']);
    expect(sweep.executed('c', 0.03)).toEqual(['claim f']);
    expect(sweep.claimed('f')).toEqual(['start f']);
    expect(sweep.executed('b', 0.03)).toEqual(['claim d']);
  });

  it('that others run is looked at when nothing else is to be done, later and later, and tried when they left it', () => {
    const sweep = begin({ slots: 2 });
    sweep.queue('a b c');
    expect(sweep.claimed('', 'a b')).toEqual(['scout c']);
    expect(sweep.scouted('c')).toEqual(['claim c']);
    expect(sweep.claimed('c')).toEqual(['start c']);
    expect(sweep.dispatch.wakeAt).toBe(0.025);
    expect(sweep.tick(0.025)).toEqual(['revisit a b']);
    expect(sweep.revisited('b')).toEqual(['claim b']);
    expect(sweep.claimed('', 'b')).toEqual([]);
    expect(sweep.dispatch.wakeAt).toBeCloseTo(0.025 + 0.0375, 9);
    for (let i = 0; i < 20; i++) {
      expect(sweep.tick(sweep.dispatch.wakeAt as number)).toEqual(['revisit b']);
      sweep.revisited('b');
      sweep.claimed('', 'b');
    }
    expect((sweep.dispatch.wakeAt as number) - sweep.now).toBeCloseTo(0.25, 9);
    sweep.ended();
    expect(sweep.finish('c')).toEqual([]);
    sweep.tick(sweep.dispatch.wakeAt as number);
    expect(sweep.revisited('')).toEqual(['end']);
  });

  it('that this very process runs is looked at when that is over, without a timer', () => {
    const sweep = begin();
    sweep.queue('a');
    expect(sweep.claimed('', '', 'a')).toEqual([]);
    expect(sweep.dispatch.wakeAt).toBeUndefined();
    expect(sweep.freed('a')).toEqual(['revisit a']);
    expect(sweep.revisited('a')).toEqual(['claim a']);
  });

  it('whose lease was lost while it ran is looked at again', () => {
    const sweep = begin();
    sweep.queue('a');
    sweep.claimed('a');
    sweep.executed('a');
    expect(sweep.settled('a', 'stale')).toEqual([]);
    expect(sweep.tick(sweep.dispatch.wakeAt as number)).toEqual(['revisit a']);
  });
});

describe('[D5] a point that failed', () => {
  it('is tried again after its time, behind what came meanwhile, and its slot is free till then', () => {
    const sweep = begin({ retries: 1 });
    sweep.queue('a b');
    sweep.claimed('a');
    expect(sweep.fail('a')).toEqual(['claim b', 'retry a in 50 ms']);
    expect(sweep.claimed('b')).toEqual(['start b']);
    expect(sweep.dispatch.wakeAt).toBe(0.05);
    sweep.queue('c');
    expect(sweep.tick(0.05)).toEqual([]);
    expect(sweep.finish('b', 1)).toEqual(['claim c']);
    sweep.claimed('c');
    expect(sweep.finish('c', 1)).toEqual(['claim a']);
    sweep.claimed('a');
    expect(sweep.fail('a')).toEqual(['fail a']);
    expect(sweep.ended()).toEqual(['end']);
  });

  it('is in quarantine when it took its executor along a second time', () => {
    const sweep = begin();
    sweep.queue('a b');
    sweep.claimed('a');
    expect(sweep.fail('a', 'worker-lost', 0)).toEqual(['claim b', 'retry a in 0 ms']);
    expect(sweep.claimed('b')).toEqual(['start b']);
    expect(sweep.finish('b')).toEqual(['claim a']);
    expect(sweep.claimed('a')).toEqual(['start a']);
    expect(sweep.fail('a', 'signal')).toEqual(['quarantine a']);
  });

  it('for lack of memory gets more, if that is wanted', () => {
    const sweep = begin({ retries: { oom: 2, memoryFactor: 2 } });
    sweep.queue('a');
    for (const memoryFactor of [1, 2, 4]) {
      const claims = [{ id: 'a' }];
      const started = sweep.dispatch.step({ type: 'claimed', claims, held: [], local: [] }, sweep.now);
      expect(started).toEqual([{ do: 'start', point: { id: 'a' }, priority: 0, memoryFactor }]);
      sweep.fail('a', 'oom');
      sweep.tick(sweep.now + 1);
    }
  });

  it('ends the sweep if it was the last that is allowed to', () => {
    const sweep = begin({ slots: 2, maxFailures: 2, inline: false });
    sweep.queue('a b c d');
    expect(sweep.claimed('a b')).toEqual(['start a', 'start b', 'claim c']);
    sweep.claimed('c');
    // No slot is free before it is known what came of the run; the next may be claimed all the same.
    expect(sweep.executed('a')).toEqual(['claim d']);
    const failed = { type: 'failed', point: { id: 'a' }, reason: 'exit', random: 0 } as const;
    expect(sweep.tell(failed)).toEqual(['fail a', 'start c']);
    expect(sweep.fail('b')).toEqual(['fail b', 'stop: failures']);
    expect(sweep.claimed('d')).toEqual(['drop d (claimed d)']);
    expect(sweep.finish('c')).toEqual([]);
    expect(sweep.ended()).toEqual(['end']);
  });

  it('where it was looked up counts as well', () => {
    const sweep = begin({ maxFailures: 1 });
    sweep.queue('a b');
    sweep.claimed('a');
    expect(sweep.tell({ type: 'failures', count: 1 })).toEqual(['stop: failures', 'drop b']);
  });
});

describe('[D5] a sweep that ends early', () => {
  it('drops what waits, what is claimed, what is to be tried again and what others run, and awaits what runs', () => {
    const sweep = begin({ slots: 2, retries: 1, inline: false });
    sweep.queue('a b c d e f');
    expect(sweep.claimed('a b')).toEqual(['start a', 'start b', 'claim c']);
    sweep.fail('a');
    sweep.claimed('c');
    sweep.finish('c');
    expect(sweep.tell({ type: 'drain' })).toEqual(['drop a f']);
    // A question was open.
    expect(sweep.claimed('d', 'e')).toEqual(['drop d e (claimed d)']);
    expect(sweep.queue('g')).toEqual(['drop g']);
    expect(sweep.fail('b')).toEqual(['fail b']);
    expect(sweep.ended()).toEqual(['end']);
  });

  it('by being cancelled aborts what runs, once', () => {
    const sweep = begin();
    sweep.queue('a b');
    sweep.claimed('a');
    expect(sweep.tell({ type: 'cancel' })).toEqual(['drop b', 'abort']);
    expect(sweep.tell({ type: 'cancel' })).toEqual([]);
    sweep.ended();
    sweep.executed('a');
    expect(sweep.settled('a', 'cancelled')).toEqual(['drop a', 'end']);
  });

  it('is also one whose client was closed: a run came back that nobody had cancelled', () => {
    const sweep = begin();
    sweep.queue('a b');
    sweep.claimed('a');
    sweep.executed('a', 0.03);
    expect(sweep.claimed('b')).toEqual(['start b']);
    expect(sweep.settled('a', 'cancelled')).toEqual(['stop: closed', 'drop a']);
  });
});
