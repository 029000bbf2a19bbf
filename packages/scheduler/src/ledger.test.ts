import { RunFailedError } from '@entropic/core';
import type { AnyRecord, Point } from '@entropic/core/internal';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnyOutcome, Ledger, type SweepStatus } from './ledger.js';

const idOf = (n: number) => n.toString(16).padStart(16, '0');
const point = (n: number) => ({ id: idOf(n), params: { n } }) as unknown as Point;

function outcome(n: number, status: SweepStatus): AnyOutcome {
  const base = { status, id: idOf(n), params: { n } };
  if (status === 'failed') {
    const error = new RunFailedError('it failed', { id: idOf(n), params: { n }, reason: 'exception', attempts: 1 });
    return { ...base, error };
  }
  if (status === 'cancelled') return base;
  const record = { id: idOf(n), resultFile: `/r/${idOf(n)}`, createdAt: new Date(0), customData: {}, n };
  return { ...base, record: record as unknown as AnyRecord };
}

const statuses = ['cached', 'finished', 'failed', 'cancelled'] as const;

describe('the ledger of a sweep', () => {
  it('[I6] counts every place once, whatever the order of places, copies and completions', () => {
    const steps = fc.array(
      fc.record({ n: fc.nat({ max: 20 }), complete: fc.boolean(), status: fc.constantFrom(...statuses) }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(steps, fc.boolean(), (list, keep) => {
        const ledger = new Ledger(true);
        if (keep) ledger.keepRecords();
        const places: number[] = [];
        const done = new Map<number, SweepStatus>();
        const order: number[] = [];
        for (const { n, complete, status } of list) {
          const isNew = !places.includes(n);
          places.push(n);
          expect(ledger.place(point(n)) !== undefined).toBe(isNew);
          if (!complete || done.has(n)) continue;
          done.set(n, status);
          order.push(n);
          ledger.complete(ledger.indexOf(idOf(n)), outcome(n, status));
        }
        const counts = { cached: 0, finished: 0, failed: 0, cancelled: 0 };
        places.forEach((n, place) => {
          const status = done.get(n);
          if (status === undefined) return;
          const first = places.indexOf(n) === place;
          counts[status === 'finished' && !first ? 'cached' : status]++;
        });
        expect(ledger.counts).toEqual(counts);
        expect(ledger.placeCount).toBe(places.length);
        expect(ledger.distinctCount).toBe(new Set(places).size);
        expect(ledger.completedCount).toBe(order.length);
        expect(ledger.failures).toHaveLength([...done.values()].filter((status) => status === 'failed').length);
        order.forEach((n, position) => {
          const index = ledger.indexCompletedAt(position);
          expect(ledger.idAt(index)).toBe(idOf(n));
          expect(ledger.statusOf(index)).toBe(done.get(n));
          const known = ledger.outcomeAt(index);
          if (known) expect(known.params).toEqual({ n });
          if (done.get(n) === 'cached' || done.get(n) === 'finished')
            expect(ledger.recordAt(index)).toMatchObject({ n });
        });
        places.forEach((n, place) => {
          expect(ledger.idAt(ledger.indexAtPlace(place))).toBe(idOf(n));
        });
      }),
      { numRuns: 300 },
    );
  });

  it('[S10] keeps of cached outcomes that nobody took only the latest, and of failed ones all', () => {
    const ledger = new Ledger(true);
    const count = 20_000;
    for (let n = 0; n < count; n++) {
      ledger.complete(ledger.place(point(n)) as number, outcome(n, n % 1000 === 0 ? 'failed' : 'cached'));
    }
    const kept = Array.from({ length: count }, (_, n) => n).filter((n) => ledger.outcomeAt(n) !== undefined);
    expect(kept.filter((n) => n < 10_000)).toEqual(Array.from({ length: 10 }, (_, k) => k * 1000));
    expect(kept.length).toBeLessThan(5000);
    expect(ledger.outcomeAt(count - 1)?.record).toMatchObject({ n: count - 1 });
    ledger.taken(count - 1);
    expect(ledger.outcomeAt(count - 1)).toBeUndefined();
    expect(ledger.outcomeAt(1000)?.error).toBeInstanceOf(RunFailedError);
    ledger.taken(1000);
    expect(ledger.outcomeAt(1000)?.error).toBeInstanceOf(RunFailedError);
    for (let n = 0; n < count; n++) expect(ledger.statusOf(n)).toBe(n % 1000 === 0 ? 'failed' : 'cached');
  });

  it('wakes whoever waits, at each completion and at the end', async () => {
    const ledger = new Ledger(true);
    const woken: string[] = [];
    const wait = (name: string) => ledger.untilMore().then(() => woken.push(name));
    const waits = [wait('a'), wait('b')];
    ledger.complete(ledger.place(point(1)) as number, outcome(1, 'cached'));
    await Promise.all(waits);
    const last = wait('c');
    ledger.end();
    await last;
    expect(woken).toEqual(['a', 'b', 'c']);
    expect(ledger.ended).toBe(true);
  });
});
