// The handle of a sweep: await it for the records in the order of the points, or iterate it for outcomes as they complete. It runs
// whether or not anybody looks. Made by the façade's Store.sweep; the work itself is in sweep.ts.
import { ClosedError, type Flat, type RunFailedError, type RunRecord, SweepError } from '@entropic/core';
import { type AnyRecord, abortError, type Engine } from '@entropic/core/internal';
import type { Executor } from './executor.js';
import { type AnyOutcome, Ledger, type SweepProgress } from './ledger.js';
import { toSource } from './source.js';
import { runSweep } from './sweep.js';
import { resolveSweepOptions, type SweepOptions } from './sweep-options.js';
import type { SweepRun } from './sweep-steps.js';

/** What became of one point. */
export type SweepOutcome<Full> = Flat<{ id: string; params: Flat<Full> }> &
  (
    | { status: 'cached' | 'finished'; record: RunRecord<Full>; error?: undefined }
    | { status: 'failed'; error: RunFailedError; record?: undefined }
    | { status: 'cancelled'; record?: undefined; error?: undefined }
  );

/** Records read again at once. */
const PAGE = 500;

/**
 * A running sweep.
 *
 * - `await sweep`: the records in the order of the points, after everything that could run has run. Rejects with a
 *   {@link SweepError} if any failed (what finished is stored), with an `AbortError` if it was cancelled.
 * - `for await (const outcome of sweep)`: each distinct point once, in the order of completion; may begin at any time. Leaving the
 *   loop early cancels what has not started and waits for what runs.
 *
 * It is thenable: do not return it from an async function, which would await it; return `{ sweep }`.
 */
export class Sweep<Full> implements PromiseLike<RunRecord<Full>[]>, AsyncIterable<SweepOutcome<Full>> {
  /** Names this sweep in events. */
  readonly id: string;
  readonly #run: SweepRun;
  readonly #cancel = new AbortController();
  readonly #done: Promise<void>;
  #cancelled: DOMException | undefined;
  #records: Promise<RunRecord<Full>[]> | undefined;
  #keep = false;

  /** @internal */
  constructor(
    engine: Engine,
    source: unknown,
    raw: SweepOptions | undefined,
    executor: Executor | undefined,
    assertRunnable: () => void,
  ) {
    const options = resolveSweepOptions(raw, executor);
    const points = toSource(source);
    this.id = options.name ?? engine.seams.ids.nonce();
    this.#run = {
      id: this.id,
      engine,
      executor,
      assertRunnable,
      source: points,
      options,
      ledger: new Ledger(points.at === undefined),
      stop: new AbortController(),
      cancel: this.#cancel.signal,
      running: 0,
      abandoned: false,
    };
    // It starts on the next turn: by then it is known whether somebody awaits the records, who would else be read twice.
    this.#done = engine.track(this.#start());
    // A sweep nobody awaits must not end the process; whoever awaits it hears of the failure.
    this.#done.catch(() => {});
  }

  /** Counts so far; all statuses together are `total` at the end. */
  progress(): SweepProgress {
    const { ledger, source, running } = this.#run;
    const { cached, finished, failed, cancelled } = ledger.counts;
    const known = source.count ?? ledger.placeCount;
    const queued = Math.max(0, known - cached - finished - failed - cancelled - running);
    return { total: source.count, cached, finished, failed, cancelled, running, queued };
  }

  /** Cancels what is queued and aborts what runs. Resolves when nothing runs any more; what finished is stored. */
  async cancel(reason?: unknown): Promise<void> {
    // What is over cannot be cancelled.
    if (!this.#run.ledger.ended) this.#stop(abortError('the sweep was cancelled', reason));
    await this.#done.catch(() => {});
  }

  // biome-ignore lint/suspicious/noThenProperty: awaiting a sweep is its main use
  then<A = RunRecord<Full>[], B = never>(
    onFulfilled?: ((records: RunRecord<Full>[]) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#collect().then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<RunRecord<Full>[] | B> {
    return this.#collect().catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<RunRecord<Full>[]> {
    return this.#collect().finally(onFinally);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SweepOutcome<Full>, void, undefined> {
    const { ledger } = this.#run;
    let whole = false;
    try {
      for (let position = 0; ; ) {
        if (position < ledger.completedCount) {
          const end = Math.min(ledger.completedCount, position + PAGE);
          for (const outcome of await this.#outcomes(position, end)) {
            position++;
            yield outcome as SweepOutcome<Full>;
          }
        } else if (ledger.ended) break;
        else await ledger.untilMore();
      }
      whole = true;
      await this.#done;
    } finally {
      if (!whole) {
        // Left early: what runs may finish, its result is kept. Nobody will ask for the points that are not known yet.
        this.#run.abandoned = true;
        this.#run.stop.abort(abortError('the loop over the sweep was left'));
        await this.#done.catch(() => {});
      }
    }
  }

  async #start(): Promise<void> {
    const { engine, options, stop } = this.#run;
    await new Promise((resolve) => setImmediate(resolve));
    const { signal } = options;
    const onAbort = () => this.#stop(abortError('the sweep was aborted', signal?.reason));
    const onClose = () => stop.abort(abortError('the store was closed'));
    signal?.addEventListener('abort', onAbort, { once: true });
    engine.closing.addEventListener('abort', onClose, { once: true });
    if (this.#keep) this.#run.ledger.keepRecords();
    try {
      if (signal?.aborted) onAbort();
      if (engine.closing.aborted) throw new ClosedError('the store was closed before the sweep began');
      await runSweep(this.#run);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      engine.closing.removeEventListener('abort', onClose);
      this.#run.ledger.end();
    }
  }

  #stop(reason: DOMException): void {
    this.#cancelled ??= reason;
    this.#run.stop.abort(reason);
    this.#cancel.abort(reason);
  }

  #collect(): Promise<RunRecord<Full>[]> {
    this.#keep = true;
    this.#records ??= this.#gather();
    return this.#records;
  }

  async #gather(): Promise<RunRecord<Full>[]> {
    await this.#done;
    const { ledger, stop } = this.#run;
    const records = await this.#allRecords();
    const { failures, counts } = ledger;
    if (this.#cancelled || (counts.cancelled > 0 && failures.length === 0)) {
      const error = this.#cancelled ?? (stop.signal.reason as DOMException);
      throw Object.assign(abortError(error.message, error.cause), { records, failures: [...failures] });
    }
    if (failures.length > 0) {
      const first = (failures[0] as RunFailedError).message;
      const rest = counts.cancelled > 0 ? `, ${counts.cancelled} cancelled` : '';
      const done = counts.cached + counts.finished;
      throw new SweepError(
        `${failures.length} of ${ledger.placeCount} points failed${rest}; ${done} have results, which are stored: the same sweep runs only the rest. First: ${first}`,
        records,
        [...failures],
      );
    }
    return records as RunRecord<Full>[];
  }

  /** In the order of places; null where there is none. */
  async #allRecords(): Promise<(RunRecord<Full> | null)[]> {
    const { ledger } = this.#run;
    const missing: number[] = [];
    const byIndex = new Map<number, AnyRecord>();
    for (let index = 0; index < ledger.distinctCount; index++) {
      const status = ledger.statusOf(index);
      if ((status === 'cached' || status === 'finished') && ledger.recordAt(index) === undefined) missing.push(index);
    }
    for (let i = 0; i < missing.length; i += PAGE) {
      const page = missing.slice(i, i + PAGE);
      const found = await this.#run.engine.recordsOf(page.map((index) => ledger.idAt(index)));
      for (const index of page) {
        const record = found.get(ledger.idAt(index));
        if (record) byIndex.set(index, record);
      }
    }
    const length = Math.max(ledger.placeCount, this.#run.source.count ?? 0);
    return Array.from({ length }, (_, place) => {
      if (place >= ledger.placeCount) return null;
      const index = ledger.indexAtPlace(place);
      return ((ledger.recordAt(index) ?? byIndex.get(index)) as RunRecord<Full> | undefined) ?? null;
    });
  }

  /** Outcomes by their position in the order of completion; those that are not in memory any more are read from the store. */
  async #outcomes(from: number, to: number): Promise<AnyOutcome[]> {
    const { ledger, engine } = this.#run;
    const indexes = Array.from({ length: to - from }, (_, i) => ledger.indexCompletedAt(from + i));
    const absent = indexes.filter(
      (index) => ledger.statusOf(index) !== 'cancelled' && !ledger.outcomeAt(index) && !ledger.recordAt(index),
    );
    const found =
      absent.length > 0
        ? await engine.recordsOf(absent.map((index) => ledger.idAt(index)))
        : new Map<string, AnyRecord>();
    return indexes.map((index) => {
      const known = ledger.outcomeAt(index);
      if (known) {
        ledger.taken(index);
        return known;
      }
      const id = ledger.idAt(index);
      const record = ledger.recordAt(index) ?? found.get(id);
      if (!record)
        return { status: ledger.statusOf(index) as AnyOutcome['status'], id, params: this.#paramsAgain(index) };
      return {
        status: ledger.statusOf(index) as AnyOutcome['status'],
        id,
        params: paramsOf(record),
        record,
      };
    });
  }

  /** The params of a cancelled point, from the place where it came from. */
  #paramsAgain(index: number): Readonly<Record<string, unknown>> {
    const { engine, source, ledger } = this.#run;
    return source.at ? engine.resolve(source.at(ledger.firstPlaceOf(index))).params : {};
  }
}

function paramsOf(record: AnyRecord): Record<string, unknown> {
  const { id: _id, resultFile: _file, createdAt: _time, customData: _data, ...params } = record;
  return params;
}
