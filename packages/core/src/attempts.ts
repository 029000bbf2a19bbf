// Failed attempts, remembered: all SQL that writes and lists entropic_attempts. A failure gives its lease back in the same
// transaction. Called by engine.ts.
import { type Database, query, type Row, type Script } from './database/database.js';
import type { WireError } from './errors.js';
import type { Leases } from './leases.js';

/** One try of a run that did not give a result. */
export interface Attempt {
  id: string;
  /** 1 for the first. */
  attempt: number;
  reason: string;
  message: string;
  error: WireError | null;
  exitCode: number | null;
  signal: string | null;
  peakBytes: number | null;
  seconds: number | null;
  host: string | null;
  codeDigest: string | null;
  finishedAt: Date;
}

export class Attempts {
  readonly #db: Database;
  readonly #table: string;
  readonly #leases: Leases;

  constructor(db: Database, table: string, leases: Leases) {
    this.#db = db;
    this.#table = table;
    this.#leases = leases;
  }

  /** Remembers a failure and gives its lease back. */
  async recordFailure(failure: Omit<Attempt, 'finishedAt'> & { fence: number; finishedAt: number }): Promise<void> {
    await this.#db.writeLease(() => this.#recordFailure(failure));
  }

  *#recordFailure(failure: Omit<Attempt, 'finishedAt'> & { fence: number; finishedAt: number }): Script<void> {
    const { dialect } = this.#db;
    yield* this.#leases.releaseScript([failure.id]);
    const [[last]] = (yield* query('SELECT max(attempt) FROM entropic_attempts WHERE table_name = ? AND id = ?', [
      this.#table,
      failure.id,
    ])) as [[number | null]];
    yield* dialect.insert(
      'entropic_attempts',
      [
        { name: 'table_name', type: 'text' },
        { name: 'id', type: 'text' },
        { name: 'attempt', type: 'bigint' },
        { name: 'fence', type: 'bigint' },
        { name: 'reason', type: 'text' },
        { name: 'message', type: 'text' },
        { name: 'error', type: 'json' },
        { name: 'exit_code', type: 'bigint' },
        { name: 'signal', type: 'text' },
        { name: 'peak_bytes', type: 'bigint' },
        { name: 'elapsed_s', type: 'double precision' },
        { name: 'host', type: 'text' },
        { name: 'code_digest', type: 'text' },
        { name: 'finished_at', type: 'timestamptz' },
      ],
      [
        [
          this.#table,
          failure.id,
          Math.max(failure.attempt, Number(last ?? 0) + 1),
          failure.fence,
          failure.reason,
          failure.message,
          dialect.encode('json', failure.error),
          failure.exitCode,
          failure.signal,
          failure.peakBytes,
          failure.seconds,
          failure.host,
          failure.codeDigest,
          dialect.encode('time', failure.finishedAt),
        ],
      ],
      'ON CONFLICT (table_name, id, attempt) DO NOTHING',
    );
  }

  /** Failed attempts of one point, oldest first. */
  async list(id: string): Promise<Attempt[]> {
    const rows = await this.#db.read(
      `SELECT ${COLUMNS} FROM entropic_attempts a WHERE a.table_name = ? AND a.id = ? ORDER BY a.attempt`,
      [this.#table, id],
    );
    return rows.map((row) => this.#toAttempt(row));
  }

  /** The last attempt of each of these points whose last attempt failed: newer than its row, or without one. */
  async lastFailures(ids: readonly string[]): Promise<Attempt[]> {
    const { dialect } = this.#db;
    const rows = await this.#db.read(
      `SELECT ${COLUMNS} FROM entropic_attempts a LEFT JOIN entropic_runs x ON x.table_name = a.table_name AND x.id = a.id
       WHERE a.table_name = ? AND a.fence > COALESCE(x.fence, 0) AND a.id ${dialect.inList} ORDER BY a.attempt`,
      [this.#table, dialect.listParam(ids)],
    );
    return [...new Map(rows.map((row) => [String(row[0]), this.#toAttempt(row)])).values()];
  }

  #toAttempt(row: Row): Attempt {
    const { dialect } = this.#db;
    return {
      id: String(row[0]),
      attempt: Number(row[1]),
      reason: String(row[2]),
      message: String(row[3]),
      error: dialect.decode('json', row[4]) as WireError | null,
      exitCode: row[5] as number | null,
      signal: row[6] as string | null,
      peakBytes: row[7] as number | null,
      seconds: row[8] as number | null,
      host: row[9] as string | null,
      codeDigest: row[10] as string | null,
      finishedAt: dialect.decode('time', row[11]) as Date,
    };
  }
}

const COLUMNS =
  'a.id, a.attempt, a.reason, a.message, a.error, a.exit_code, a.signal, a.peak_bytes, a.elapsed_s, a.host, a.code_digest, a.finished_at';
