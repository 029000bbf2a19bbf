// The protocol of leases and fences against a model of it: random interleavings of what two owners do to two points of one database.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from './database/connection.js';
import type { Database } from './database/database.js';
import { prepareSchema } from './database/migrations.js';
import { Leases } from './leases.js';
import { defineResult, int } from './model.js';
import { type NewRun, Runs } from './runs.js';

const seed = Number(process.env.ENTROPIC_TEST_SEED ?? Date.now() % 1_000_000);
const model = defineResult('results', { n: int() });
const POINTS = 2;

let folder: string;
let db: Database;
let runs: Runs;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'entropic-leases-'));
  const options = { readOnly: false, durability: 'process', allowNetworkFs: false } as const;
  db = await openDatabase({ kind: 'sqlite', path: join(folder, 'runs.sqlite3') }, options);
  await prepareSchema(db, model as never, { readOnly: false, now: 0, newStoreId: 'test' });
  runs = new Runs(db, model as never);
});

afterAll(async () => {
  await db.close();
  rmSync(folder, { recursive: true, force: true });
});

const owner = fc.nat({ max: 1 });
const one = fc.nat({ max: POINTS - 1 });
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('claim' as const), owner, points: fc.uniqueArray(one, { minLength: 1 }) }),
  },
  // The fence of one of its claims, the last or an older one: an owner that was stopped commits late.
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('commit' as const), owner, point: one, back: fc.nat({ max: 2 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), owner, point: one }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('expire' as const), point: one }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), owner }) },
  // On Postgres a claim may draw its fence, be stopped, and insert its lease when a later fence has run and committed.
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drawnEarly' as const), point: one }) },
);

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

interface Owner {
  name: string;
  /** Fences of its claims by point, the latest first. */
  claims: Map<string, number[]>;
}

let cases = 0;

/** Both worlds, told the same steps; throws where they differ. */
class World {
  readonly #ids = Array.from({ length: POINTS }, (_, n) => (cases * POINTS + n).toString(16).padStart(16, '0'));
  readonly #owners: Owner[] = [0, 1].map((n) => ({ name: `owner-${cases}-${n}`, claims: new Map() }));
  readonly #dead = new Set<string>();
  readonly #leases = new Map<string, { owner: string; fence: number; expired: boolean }>();
  readonly #rows = new Map<string, number>();
  readonly #highest = new Map<string, number>();
  /** Every fence that was ever accepted, by point. */
  readonly #accepted = new Map<string, Set<number>>();

  constructor() {
    cases++;
  }

  async perform(one: Step): Promise<void> {
    if (one.do === 'claim') await this.#claim(one.owner, one.points);
    else if (one.do === 'commit') await this.#commit(one.owner, one.point, one.back);
    else if (one.do === 'release') await this.#release(one.owner, one.point);
    else if (one.do === 'expire') await this.#expire(one.point);
    else if (one.do === 'drawnEarly') await this.#drawnEarly(one.point);
    else this.#kill(one.owner);
    await this.#compare();
  }

  #leasesOf(name: string): Leases {
    const stateOf = (other: string) => (this.#dead.has(other) ? 'dead' : 'alive');
    return new Leases(db, { table: 'results', owner: name, leaseMs: 60_000, stateOf });
  }

  async #claim(who: number, points: number[]): Promise<void> {
    const { name, claims } = this.#owners[who] as Owner;
    const ids = points.map((n) => this.#ids[n] as string);
    const { claimed, held } = await this.#leasesOf(name).claim(ids);
    expect([...claimed, ...held].map(({ id }) => id).sort()).toEqual([...ids].sort());
    for (const { id, owner: holder } of held) {
      const lease = this.#leases.get(id);
      expect(lease).toMatchObject({ owner: holder, expired: false });
      expect(this.#dead.has(holder) || holder === name).toBe(false);
    }
    for (const { id, fence, takenFrom } of claimed) {
      const lease = this.#leases.get(id);
      const lost = lease && lease.owner !== name ? lease : undefined;
      if (lost) expect(lost.expired || this.#dead.has(lost.owner)).toBe(true);
      expect(takenFrom).toEqual(lost && { owner: lost.owner, why: lost.expired ? 'expired' : 'dead' });
      expect(fence).toBeGreaterThan(this.#highest.get(id) ?? 0);
      this.#highest.set(id, fence);
      this.#leases.set(id, { owner: name, fence, expired: false });
      claims.set(id, [fence, ...(claims.get(id) ?? [])]);
    }
  }

  async #commit(who: number, point: number, back: number): Promise<void> {
    const { name, claims } = this.#owners[who] as Owner;
    const id = this.#ids[point] as string;
    const fence = claims.get(id)?.[back];
    if (fence === undefined) return;
    const lease = this.#leases.get(id);
    const row = this.#rows.get(id) ?? Number.NEGATIVE_INFINITY;
    const holds = lease?.owner === name && lease.fence === fence;
    const settled: string[] = [];
    const committed = await runs.commit([newRun(id, fence)], {
      owner: name,
      committedAt: 0,
      settle: (one) => settled.push(one),
    });
    // Told a second time when the answer to the first was lost: it stands there already.
    const again = row === fence;
    expect(committed.has(id), `fence ${fence} over row ${row}`).toBe(again || (holds && fence > row));
    // No file is touched for a row that will not be.
    expect(settled).toEqual(holds && fence > row ? [id] : []);
    if (committed.has(id) && !again) {
      const accepted = this.#accepted.get(id) ?? new Set();
      expect(accepted.has(fence)).toBe(false);
      this.#accepted.set(id, accepted.add(fence));
      this.#rows.set(id, fence);
    }
    if (lease?.owner === name) this.#leases.delete(id);
  }

  async #release(who: number, point: number): Promise<void> {
    const { name } = this.#owners[who] as Owner;
    const id = this.#ids[point] as string;
    await this.#leasesOf(name).release([id]);
    if (this.#leases.get(id)?.owner === name) this.#leases.delete(id);
  }

  async #expire(point: number): Promise<void> {
    const id = this.#ids[point] as string;
    await db.writeLease(function* () {
      yield { sql: 'UPDATE entropic_leases SET expires = 0 WHERE id = ?', params: [id] };
    });
    const lease = this.#leases.get(id);
    if (lease) lease.expired = true;
  }

  async #drawnEarly(point: number): Promise<void> {
    const id = this.#ids[point] as string;
    const lease = this.#leases.get(id);
    const row = this.#rows.get(id);
    if (!lease || row === undefined || lease.fence <= row) return;
    const early = row - 1;
    await db.writeLease(function* () {
      yield { sql: 'UPDATE entropic_leases SET fence = ? WHERE id = ?', params: [early, id] };
    });
    lease.fence = early;
    const holder = this.#owners.find(({ name }) => name === lease.owner);
    holder?.claims.set(id, [early, ...(holder.claims.get(id) ?? [])]);
  }

  /** SIGKILL: what it knew is gone, its leases stay, and another process comes in its place. */
  #kill(who: number): void {
    const { name } = this.#owners[who] as Owner;
    this.#dead.add(name);
    this.#owners[who] = { name: `${name}x`, claims: new Map() };
  }

  async #compare(): Promise<void> {
    const ids = db.dialect.listParam(this.#ids);
    const leases = await db.read(`SELECT id, owner, fence FROM entropic_leases WHERE id ${db.dialect.inList}`, [ids]);
    const rows = await db.read(`SELECT id, fence FROM entropic_runs WHERE id ${db.dialect.inList}`, [ids]);
    const users = await db.read(`SELECT id FROM results WHERE id ${db.dialect.inList}`, [ids]);
    const wanted = [...this.#leases].map(([id, lease]) => [id, lease.owner, lease.fence]);
    expect([...leases].sort()).toEqual(wanted.sort());
    expect([...rows].sort()).toEqual([...this.#rows].sort());
    expect(users.map(([id]) => id).sort()).toEqual([...this.#rows.keys()].sort());
  }
}

function newRun(id: string, fence: number): NewRun {
  return {
    ...{ id, fence, params: { n: fence }, paramsText: `{"n":${fence}}`, resultFile: `results/${id}.dat`, createdAt: 0 },
    ...{
      customData: '{}',
      sha256: 'x',
      size: 1,
      mtimeNs: '1',
      codeDigest: null,
      elapsedSeconds: 1,
      host: 'h',
      attempt: null,
    },
  };
}

describe('[D7] leases and fences', () => {
  it('hold for every interleaving of two owners: one commit a fence, rows only grow, what is stale is refused (sqlite)', async () => {
    console.log(`seed ${seed}`);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 40 }), async (steps) => {
        const world = new World();
        for (const one of steps) await world.perform(one);
      }),
      { numRuns: 300, seed },
    );
  });
});
