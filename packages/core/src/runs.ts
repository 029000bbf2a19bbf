// Rows: all SQL on the user's table and on entropic_runs. Called by lookup.ts (reads) and ingest.ts (the single writer).
import { insertAttempts, type NewAttempt } from './attempts.js';
import { type Database, type InsertColumn, query, type Row, type Script } from './database/database.js';
import type { ColumnKind, Model } from './model.js';

/** A row as a look-up needs it: whether it is the point that was asked for, and what its file must be. */
export interface StoredRun {
  id: string;
  /** As it stands in the table; see record.ts for where the file is. */
  resultFile: string;
  createdAt: Date;
  customData: Record<string, unknown>;
  /** null for a row that entropic did not write (Python's): compare its columns instead. */
  paramsText: string | null;
  sha256: string;
  size: number;
  mtimeNs: string;
  fence: number;
  /** Indexed by `register`: the file is not ours. */
  registered: boolean;
}

/** A row to be written. */
export interface NewRun {
  id: string;
  fence: number;
  params: Readonly<Record<string, unknown>>;
  paramsText: string;
  resultFile: string;
  createdAt: number;
  /** JSON text. */
  customData: string;
  sha256: string;
  size: number;
  mtimeNs: string;
  codeDigest: string | null;
  /** null for a registered file. */
  elapsedSeconds: number | null;
  host: string;
  /** Which try it was; null for a registered file. */
  attempt: number | null;
}

const RUN_COLUMNS: readonly InsertColumn[] = [
  { name: 'table_name', type: 'text' },
  { name: 'id', type: 'text' },
  { name: 'params_text', type: 'text' },
  { name: 'sha256', type: 'text' },
  { name: 'size', type: 'bigint' },
  { name: 'mtime_ns', type: 'bigint' },
  { name: 'fence', type: 'bigint' },
  { name: 'code_digest', type: 'text' },
  { name: 'elapsed_s', type: 'double precision' },
  { name: 'host', type: 'text' },
  { name: 'committed_at', type: 'timestamptz' },
];

const SQL_TYPES: Record<ColumnKind, InsertColumn['type']> = {
  int: 'bigint',
  float: 'double precision',
  text: 'text',
  bool: 'boolean',
  json: 'json',
};

export class Runs {
  readonly #db: Database;
  readonly #model: Model;
  readonly #table: string;
  /** What a look-up reads, and from where. */
  readonly #columns: string;
  readonly #from: string;
  readonly #paramNames: string;

  constructor(db: Database, model: Model) {
    this.#db = db;
    this.#model = model;
    this.#table = db.dialect.quote(model.tableName);
    this.#paramNames = model.columns
      .map(({ name, kind }) => db.dialect.selected(kind, `r.${db.dialect.quote(name)}`))
      .join(', ');
    this.#columns =
      'r.id, r.result_file, r.created_at, r.custom_data, x.params_text, x.sha256, x.size, CAST(x.mtime_ns AS TEXT), x.fence, x.elapsed_s IS NULL';
    this.#from = `FROM ${this.#table} r LEFT JOIN entropic_runs x ON x.table_name = ? AND x.id = r.id`;
  }

  /** The rows of these ids, in one statement, in no order. */
  async findMany(ids: readonly string[]): Promise<StoredRun[]> {
    const { dialect } = this.#db;
    const rows = await this.#db.readMany(this.#columns, `${this.#from} WHERE r.id ${dialect.inList}`, [
      this.#model.tableName,
      dialect.listParam(ids),
    ]);
    return rows.map((row) => this.#toRun(row));
  }

  /** The params of rows as their columns hold them, by id. */
  async paramsOf(ids: readonly string[]): Promise<Map<string, Record<string, unknown>>> {
    const { dialect } = this.#db;
    const names = this.#paramNames === '' ? '' : `, ${this.#paramNames}`;
    const rows = await this.#db.read(`SELECT r.id${names} FROM ${this.#table} r WHERE r.id ${dialect.inList}`, [
      dialect.listParam(ids),
    ]);
    return new Map(
      rows.map(([id, ...values]) => [
        String(id),
        Object.fromEntries(this.#model.columns.map(({ name, kind }, i) => [name, dialect.decode(kind, values[i])])),
      ]),
    );
  }

  /** Ids of all rows after `after` in order of id, a page at a time: for `verify`. */
  async page(after: string, limit: number): Promise<StoredRun[]> {
    const rows = await this.#db.read(
      `SELECT ${this.#columns} ${this.#from} WHERE r.id > ? ORDER BY r.id LIMIT ${limit}`,
      [this.#model.tableName, after],
    );
    return rows.map((row) => this.#toRun(row));
  }

  /** Means over all runs, registered files left out. */
  async means(): Promise<{ seconds: number; bytes: number } | undefined> {
    const [row] = await this.#db.read(
      'SELECT AVG(elapsed_s), AVG(size) FROM entropic_runs WHERE table_name = ? AND elapsed_s IS NOT NULL',
      [this.#model.tableName],
    );
    return row && row[0] !== null ? { seconds: Number(row[0]), bytes: Number(row[1]) } : undefined;
  }

  /**
   * Writes a group of rows and gives back their leases, all in one transaction.
   * @param settle called for each run whose lease is still held, inside the transaction: nobody can take the lease over until it
   * ends, so this is the moment at which a file may replace another. It may be called again if the transaction is repeated. Left out
   * where no file of the group does.
   * @returns ids that are committed; the others lost their lease (their holder was stopped or cut off for too long)
   */
  async commit(
    runs: readonly NewRun[],
    options: { owner: string; committedAt: number; settle?: ((id: string) => void) | undefined },
  ): Promise<Set<string>> {
    // One order everywhere: see leases.ts.
    const sorted = [...runs].sort((a, b) => (a.id < b.id ? -1 : 1));
    return this.#db.write(() => this.#commit(sorted, options));
  }

  *#commit(
    runs: readonly NewRun[],
    options: { owner: string; committedAt: number; settle?: ((id: string) => void) | undefined },
  ): Script<Set<string>> {
    const { dialect } = this.#db;
    const table = this.#model.tableName;
    const list = dialect.listParam(runs.map((run) => run.id));
    const leases = yield* query(
      `DELETE FROM entropic_leases WHERE table_name = ? AND owner = ? AND id ${dialect.inList} RETURNING id, fence`,
      [table, options.owner, list],
    );
    const fences = new Map(leases.map(([id, fence]) => [String(id), Number(fence)]));
    let held = runs.filter((run) => fences.get(run.id) === run.fence);
    const committed = new Set<string>();
    if (held.length < runs.length || options.settle) {
      const rows = new Map(
        (yield* query(`SELECT id, fence FROM entropic_runs WHERE table_name = ? AND id ${dialect.inList}`, [
          table,
          list,
        ])).map(([id, fence]) => [String(id), Number(fence)]),
      );
      // If the answer to the first COMMIT was lost, this is the second time: our own fence stands in the row already.
      for (const { id, fence } of runs) if (rows.get(id) === fence) committed.add(id);
      // The row would refuse it: a claim on Postgres drew its fence, stood still, and took the lease after a later fence was done.
      // So its file must not replace the other's.
      held = held.filter(({ id, fence }) => (rows.get(id) ?? Number.NEGATIVE_INFINITY) < fence);
    }
    if (held.length === 0) return committed;
    for (const run of held) options.settle?.(run.id);

    const at = dialect.encode('time', options.committedAt);
    const accepted = yield* dialect.insert(
      'entropic_runs',
      RUN_COLUMNS,
      held.map((run) => [
        table,
        run.id,
        run.paramsText,
        run.sha256,
        run.size,
        run.mtimeNs,
        run.fence,
        run.codeDigest,
        run.elapsedSeconds,
        run.host,
        at,
      ]),
      `ON CONFLICT (table_name, id) DO UPDATE SET ${updates(dialect.quote, RUN_COLUMNS.slice(2))}
       WHERE entropic_runs.fence < excluded.fence RETURNING id`,
    );
    for (const [id] of accepted) committed.add(String(id));
    const attempts = held.flatMap((run): NewAttempt[] => {
      const { id, fence, attempt, elapsedSeconds: seconds, host, codeDigest, createdAt: finishedAt } = run;
      if (attempt === null || !committed.has(id)) return [];
      return [{ id, attempt, fence, outcome: 'finished', seconds, host, codeDigest, finishedAt }];
    });
    yield* insertAttempts(dialect, table, attempts);
    const columns: InsertColumn[] = [
      { name: 'id', type: 'text' },
      { name: 'result_file', type: 'text' },
      { name: 'created_at', type: 'timestamptz' },
      { name: 'custom_data', type: 'json' },
      ...this.#model.columns.map((column) => ({ name: column.name, type: SQL_TYPES[column.kind] })),
    ];
    yield* dialect.insert(
      table,
      columns,
      held
        .filter((run) => committed.has(run.id))
        .map((run) => [
          run.id,
          run.resultFile,
          dialect.encode('time', run.createdAt),
          run.customData,
          ...this.#model.columns.map(({ name, kind }) => dialect.encode(kind, run.params[name])),
        ]),
      `ON CONFLICT (id) DO UPDATE SET ${updates(dialect.quote, columns.slice(1))}`,
    );
    return committed;
  }

  /** @returns whether a row went */
  remove(id: string): Promise<boolean> {
    const table = this.#model.tableName;
    const removal = function* (quoted: string): Script<boolean> {
      const gone = yield* query(`DELETE FROM ${quoted} WHERE id = ? RETURNING id`, [id]);
      yield* query('DELETE FROM entropic_runs WHERE table_name = ? AND id = ?', [table, id]);
      yield* query('DELETE FROM entropic_attempts WHERE table_name = ? AND id = ?', [table, id]);
      return gone.length > 0;
    };
    return this.#db.write(() => removal(this.#table));
  }

  #toRun(row: Row): StoredRun {
    const { dialect } = this.#db;
    const [id, resultFile, createdAt, customData, paramsText, sha256, size, mtimeNs, fence, noElapsed] = row;
    const mine = paramsText !== null;
    return {
      id: String(id),
      resultFile: String(resultFile),
      createdAt: dialect.decode('time', createdAt) as Date,
      customData: (dialect.decode('json', customData) ?? {}) as Record<string, unknown>,
      paramsText: paramsText as string | null,
      sha256: String(sha256 ?? ''),
      size: Number(size ?? 0),
      mtimeNs: String(mtimeNs ?? ''),
      fence: Number(fence ?? 0),
      registered: mine && Boolean(noElapsed),
    };
  }
}

function updates(quote: (name: string) => string, columns: readonly InsertColumn[]): string {
  return columns.map(({ name }) => `${quote(name)} = excluded.${quote(name)}`).join(', ');
}
