// Attempts, remembered, finished ones and failed ones: all SQL on entropic_attempts. A failure gives its lease back in the same
// transaction; a finished attempt is written with its row. Called by failures.ts and runs.ts.
import type { Database, Dialect, InsertColumn, Row, Script } from './database/database.js';
import type { FailReason, WireError } from './errors.js';
import type { Leases } from './leases.js';

/** One try of a run. */
export interface Attempt {
  id: string;
  /** 1 for the first; counts on over all calls. */
  attempt: number;
  outcome: 'finished' | 'failed';
  /** Why it failed; null if it finished. */
  reason: FailReason | null;
  message: string | null;
  /** The original error as plain data. */
  error: WireError | null;
  exitCode: number | null;
  signal: string | null;
  peakBytes: number | null;
  /** Seconds that it ran. */
  seconds: number | null;
  host: string | null;
  codeDigest: string | null;
  /**
   * The end of what it printed: at most 50 lines and 16 KiB; `[…]` in front says that a line was cut. Undefined if it printed nothing,
   * and for functions, which have no log. All there is: `store.log(id, { attempt })`.
   */
  logTail?: string | undefined;
  finishedAt: Date;
}

/** An attempt to be written. */
export type NewAttempt = Pick<Attempt, 'id' | 'attempt' | 'outcome'> &
  Partial<Omit<Attempt, 'finishedAt'>> & { fence: number; finishedAt: number };

const WRITTEN: readonly InsertColumn[] = [
  { name: 'table_name', type: 'text' },
  { name: 'id', type: 'text' },
  { name: 'attempt', type: 'bigint' },
  { name: 'fence', type: 'bigint' },
  { name: 'outcome', type: 'text' },
  { name: 'reason', type: 'text' },
  { name: 'message', type: 'text' },
  { name: 'error', type: 'json' },
  { name: 'exit_code', type: 'bigint' },
  { name: 'signal', type: 'text' },
  { name: 'peak_bytes', type: 'bigint' },
  { name: 'elapsed_s', type: 'double precision' },
  { name: 'host', type: 'text' },
  { name: 'code_digest', type: 'text' },
  { name: 'log_tail', type: 'text' },
  { name: 'finished_at', type: 'timestamptz' },
];

/** Inserts attempts; a finished one overrules what was written of the same try (a commit that failed first). */
export function* insertAttempts(dialect: Dialect, table: string, attempts: readonly NewAttempt[]): Script<void> {
  if (attempts.length === 0) return;
  const rows = attempts.map((a) => [
    table,
    a.id,
    a.attempt,
    a.fence,
    a.outcome,
    a.reason ?? null,
    // Postgres stores no NUL, and a failure is not lost over a letter of its message.
    a.message?.replaceAll('\0', '\ufffd') ?? null,
    dialect.encode('json', a.error ?? null),
    a.exitCode ?? null,
    a.signal ?? null,
    a.peakBytes ?? null,
    a.seconds ?? null,
    a.host ?? null,
    a.codeDigest ?? null,
    a.logTail ?? null,
    dialect.encode('time', a.finishedAt),
  ]);
  const updates = WRITTEN.slice(3).map(({ name }) => `${name} = excluded.${name}`);
  yield* dialect.insert(
    'entropic_attempts',
    WRITTEN,
    rows,
    `ON CONFLICT (table_name, id, attempt) DO UPDATE SET ${updates.join(', ')} WHERE excluded.outcome = 'finished'`,
  );
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
  async recordFailure(failure: NewAttempt): Promise<void> {
    await this.#db.writeLease(() => this.#recordFailure(failure));
  }

  *#recordFailure(failure: NewAttempt): Script<void> {
    yield* this.#leases.releaseScript([failure.id]);
    yield* insertAttempts(this.#db.dialect, this.#table, [failure]);
  }

  /** Attempts of one point, oldest first. */
  async list(id: string): Promise<Attempt[]> {
    const rows = await this.#db.read(
      `SELECT ${READ}, a.log_tail FROM entropic_attempts a WHERE a.table_name = ? AND a.id = ? ORDER BY a.attempt`,
      [this.#table, id],
    );
    return rows.map((row) => this.#toAttempt(row));
  }

  /** The numbers of its attempts, from the first. */
  async numbers(id: string): Promise<number[]> {
    const rows = await this.#db.read(
      'SELECT attempt FROM entropic_attempts WHERE table_name = ? AND id = ? ORDER BY attempt',
      [this.#table, id],
    );
    return rows.map(([attempt]) => Number(attempt));
  }

  /** Which try made the stored result; undefined if there is none, or it was registered. */
  async ofResult(id: string): Promise<number | undefined> {
    const [row] = await this.#db.read(
      `SELECT a.attempt FROM entropic_attempts a JOIN entropic_runs x
         ON x.table_name = a.table_name AND x.id = a.id AND x.fence = a.fence WHERE a.table_name = ? AND a.id = ?`,
      [this.#table, id],
    );
    return row && Number(row[0]);
  }

  /** The last attempt of each of these points whose last attempt failed, without what it printed. */
  async lastFailures(ids: readonly string[]): Promise<Attempt[]> {
    const { dialect } = this.#db;
    const rows = await this.#db.read(
      `SELECT ${READ} FROM entropic_attempts a WHERE a.table_name = ? AND a.id ${dialect.inList} AND a.outcome = 'failed'
       AND NOT EXISTS (SELECT 1 FROM entropic_attempts b
         WHERE b.table_name = a.table_name AND b.id = a.id AND b.attempt > a.attempt)`,
      [this.#table, dialect.listParam(ids)],
    );
    return rows.map((row) => this.#toAttempt(row));
  }

  #toAttempt(row: Row): Attempt {
    const { dialect } = this.#db;
    return {
      id: String(row[0]),
      attempt: Number(row[1]),
      outcome: row[2] as Attempt['outcome'],
      reason: row[3] as FailReason | null,
      message: row[4] as string | null,
      error: dialect.decode('json', row[5]) as WireError | null,
      exitCode: row[6] as number | null,
      signal: row[7] as string | null,
      peakBytes: row[8] as number | null,
      seconds: row[9] as number | null,
      host: row[10] as string | null,
      codeDigest: row[11] as string | null,
      finishedAt: dialect.decode('time', row[12]) as Date,
      logTail: (row[13] as string | null | undefined) ?? undefined,
    };
  }
}

const READ =
  'a.id, a.attempt, a.outcome, a.reason, a.message, a.error, a.exit_code, a.signal, a.peak_bytes, a.elapsed_s, a.host, ' +
  'a.code_digest, a.finished_at';
