// Single-flight across processes and hosts: at most one live holder a point, each holder with a larger fence than all before.
// All SQL on entropic_leases, but for its release within a commit (runs.ts). Called by engine.ts and lookup.ts.

import { type Database, query, type Script } from './database/database.js';
import type { OwnerState } from './owner.js';

export interface ClaimedLease {
  id: string;
  fence: number;
  /** Attempts recorded before. */
  attempts: number;
  /** Who held it before us and lost it: their manifests may hold a finished run. */
  takenFrom?: { owner: string; why: 'dead' | 'expired' };
}

export interface HeldLease {
  id: string;
  owner: string;
  /** Milliseconds until it expires on the database's clock, unless renewed. */
  expiresIn: number;
}

export class Leases {
  readonly #db: Database;
  readonly #table: string;
  readonly #owner: string;
  readonly #leaseMs: number;
  readonly #stateOf: (owner: string) => OwnerState;

  constructor(
    db: Database,
    options: { table: string; owner: string; leaseMs: number; stateOf: (owner: string) => OwnerState },
  ) {
    this.#db = db;
    this.#table = options.table;
    this.#owner = options.owner;
    this.#leaseMs = options.leaseMs;
    this.#stateOf = options.stateOf;
  }

  /** Claims what is free, expired, or held by a process of this host that is gone. The rest is returned as held. */
  claim(ids: readonly string[]): Promise<{ claimed: ClaimedLease[]; held: HeldLease[] }> {
    return this.#db.writeLease(() => this.#claim(ids));
  }

  /** Gives back leases without a commit. */
  async release(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#db.writeLease(() => this.releaseScript(ids));
  }

  *releaseScript(ids: readonly string[]): Script<void> {
    const { dialect } = this.#db;
    yield* query(`DELETE FROM entropic_leases WHERE table_name = ? AND owner = ? AND id ${dialect.inList}`, [
      this.#table,
      this.#owner,
      dialect.listParam(ids),
    ]);
  }

  /** Everything this store holds, at its end. */
  releaseAll(): Promise<void> {
    return this.forgetOwner(this.#owner);
  }

  /** What a dead owner left. */
  async forgetOwner(owner: string): Promise<void> {
    await this.#db.writeLease(() =>
      query('DELETE FROM entropic_leases WHERE table_name = ? AND owner = ?', [this.#table, owner]),
    );
  }

  /** Which of these points this store still holds. */
  async mine(ids: readonly string[]): Promise<Set<string>> {
    const { dialect } = this.#db;
    const rows = await this.#db.read(
      `SELECT id FROM entropic_leases WHERE table_name = ? AND owner = ? AND id ${dialect.inList}`,
      [this.#table, this.#owner, dialect.listParam(ids)],
    );
    return new Set(rows.map(([id]) => String(id)));
  }

  /** Which of these points somebody (perhaps this store) is running now: not expired, and not of a dead process. */
  async live(ids: readonly string[]): Promise<Set<string>> {
    const { dialect } = this.#db;
    const rows = await this.#db.read(
      `SELECT id, owner FROM entropic_leases WHERE table_name = ? AND expires > ${dialect.nowMs} AND id ${dialect.inList}`,
      [this.#table, dialect.listParam(ids)],
    );
    return new Set(rows.filter(([, owner]) => this.#stateOf(String(owner)) !== 'dead').map(([id]) => String(id)));
  }

  /** Owners that hold anything now. */
  async liveOwners(): Promise<Set<string>> {
    const rows = await this.#db.read(
      `SELECT DISTINCT owner FROM entropic_leases WHERE expires > ${this.#db.dialect.nowMs}`,
    );
    return new Set(rows.map(([owner]) => String(owner)));
  }

  *#claim(ids: readonly string[]): Script<{ claimed: ClaimedLease[]; held: HeldLease[] }> {
    const { dialect } = this.#db;
    const list = dialect.listParam(ids);
    // Locked in one order everywhere, so that two claims of overlapping groups cannot deadlock.
    const lock = dialect.name === 'postgres' ? ' ORDER BY id FOR UPDATE' : '';
    const present = yield* query(
      `SELECT id, owner, expires - ${dialect.nowMs} FROM entropic_leases WHERE table_name = ? AND id ${dialect.inList}${lock}`,
      [this.#table, list],
    );
    const held: HeldLease[] = [];
    const taken = new Map<string, ClaimedLease['takenFrom']>();
    const busy = new Set<string>();
    for (const [id, owner, left] of present as [string, string, number][]) {
      // `ours`: the answer to an earlier claim was lost, or a commit failed and is tried again.
      if (owner === this.#owner) taken.set(id, undefined);
      else if (Number(left) <= 0) taken.set(id, { owner, why: 'expired' });
      else if (this.#stateOf(owner) === 'dead') taken.set(id, { owner, why: 'dead' });
      else {
        busy.add(id);
        held.push({ id, owner, expiresIn: Number(left) });
      }
    }
    const wanted = ids.filter((id) => !busy.has(id)).sort();
    if (wanted.length === 0) return { claimed: [], held };
    if (taken.size > 0) {
      yield* query(`DELETE FROM entropic_leases WHERE table_name = ? AND id ${dialect.inList}`, [
        this.#table,
        dialect.listParam([...taken.keys()]),
      ]);
    }
    const [[now]] = (yield* query(`SELECT ${dialect.nowMs}`)) as [[number]];
    const inserted = yield* dialect.takeLeases(wanted, {
      table: this.#table,
      owner: this.#owner,
      nonce: this.#owner.slice(this.#owner.lastIndexOf('-') + 1),
      expires: Number(now) + this.#leaseMs,
    });
    const tried = new Map(
      (yield* query(
        `SELECT id, max(attempt) FROM entropic_attempts WHERE table_name = ? AND id ${dialect.inList} GROUP BY id`,
        [this.#table, list],
      )).map(([id, count]) => [String(id), Number(count)]),
    );
    const claimed = inserted.map(([id, fence]) => {
      const lease: ClaimedLease = { id: String(id), fence: Number(fence), attempts: tried.get(String(id)) ?? 0 };
      const from = taken.get(lease.id);
      if (from) lease.takenFrom = from;
      return lease;
    });
    // On Postgres somebody may have been first between the two statements.
    const got = new Set(claimed.map((lease) => lease.id));
    for (const id of wanted) if (!got.has(id)) held.push({ id, owner: '', expiresIn: 0 });
    return { claimed, held };
  }
}

/** The heartbeat: one statement renews all that an owner holds. */
export const RENEW_SQL = (nowMs: string) => `UPDATE entropic_leases SET expires = ${nowMs} + ? WHERE owner = ?`;
