// RunStore: what a user does with one run. Each method is a few calls on the engine; the façade adds `sweep` and the runner.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attempt } from './attempts.js';
import { show } from './canonical.js';
import { checkCustomData } from './custom-data.js';
import type { Engine, RunRequest } from './engine.js';
import { abortError, InvalidOptionError, InvalidParamsError, type RunFailedError } from './errors.js';
import type { StoreEvent } from './events.js';
import { type Explanation, explainPoint } from './explain.js';
import { readLogTail } from './log-tail.js';
import { type LogOptions, readLog } from './logs.js';
import { type OpenedStore, openParts } from './open.js';
import { checkOptionNames, type Duration, parseDuration, signalOption } from './options.js';
import { type Point, pointFromColumns } from './params.js';
import { type AnyRecord, toRecord } from './record.js';
import { type DeleteOptions, deletePoint, type RegisterOptions, registerFile } from './register.js';
import { judgeFailure, memoryFactorOf, newTally, type Tally } from './retries.js';
import { realSeams, type Seams } from './seams.js';
import type { StoreOptions } from './store-options.js';
import type { TaskRunner } from './task.js';
import type { CustomData, RunRecord } from './types.js';
import { type VerifyOptions, type VerifyReport, verifyStore } from './verify.js';

/** Options of one run. */
export interface RunOptions {
  /** Kept beside the result, as JSON of at most 64 KiB; only by an actual run, a hit returns the record as it is. */
  customData?: CustomData;
  /** Aborts the run; the call then rejects with an AbortError. */
  signal?: AbortSignal;
  /** Longest time of the run itself, without waiting. @defaultValue none */
  timeout?: Duration;
}

const ID = /^[0-9a-f]{16}$/;
/** How often a point that another process runs is looked at, in milliseconds: doubled up to the last. */
const POLL_MS = [20, 250] as const;

/** A store of runs. `In`: the params that users pass; `Full`: all of them, as records have them. */
export class RunStore<In, Full> implements AsyncDisposable {
  readonly #parts: OpenedStore;
  readonly #hasRunner: boolean;
  #closed: Promise<void> | undefined;

  protected constructor(parts: OpenedStore, hasRunner: boolean) {
    this.#parts = parts;
    this.#hasRunner = hasRunner;
  }

  /** For siblings: opens the parts, which a subclass hands to its constructor. */
  protected static openParts(
    options: StoreOptions & { model: unknown },
    runner: TaskRunner | undefined,
    seams: Seams = realSeams,
  ) {
    return openParts(options, runner, seams);
  }

  /** What happens in this store from now on, until it is closed or the loop is left. */
  get events(): AsyncIterable<StoreEvent> {
    return { [Symbol.asyncIterator]: () => this.#parts.events.stream() };
  }

  /**
   * The record of a point that was run before and whose file is whole; `null` otherwise. Changes nothing.
   * @throws InvalidParamsError
   */
  async retrieve(params: In): Promise<RunRecord<Full> | null> {
    const point = this.engine.resolve(params);
    this.engine.assertOpen();
    const [answer] = await this.engine.find([point]);
    if (answer?.kind === 'error') throw answer.error;
    if (answer?.kind !== 'hit') return null;
    this.engine.announceHit(answer.record);
    return answer.record as RunRecord<Full>;
  }

  /** The record of an id (16 hexadecimal digits), or `null`. */
  async get(id: string): Promise<RunRecord<Full> | null> {
    checkId(id);
    this.engine.assertOpen();
    return this.engine.guard(this.#get(id));
  }

  async #get(id: string): Promise<RunRecord<Full> | null> {
    const { runs, finder, paths, schema } = this.#parts;
    const [row] = await runs.findMany([id]);
    const values = row && (await runs.paramsOf([id])).get(id);
    if (!row || !values) return null;
    const point = pointFromColumns(schema, values);
    if ((await finder.checkFile(row, { digest: false })) === undefined)
      return toRecord(row, point.params, paths.locate(row)) as RunRecord<Full>;
    // The look-up by params knows about results that are just being replaced.
    const [answer] = await finder.find([point]);
    return answer?.kind === 'hit' ? (answer.record as RunRecord<Full>) : null;
  }

  /**
   * Returns the stored record, or runs the point and stores it. Whoever asks for the same point meanwhile, in this process or
   * another, waits for that run and gets its record.
   * @throws InvalidParamsError before anything runs; RunFailedError; an AbortError if `signal` aborts
   */
  runOrRetrieve(params: In, options?: RunOptions): Promise<RunRecord<Full>> {
    return this.#obtain(params, options, false);
  }

  /**
   * Runs the point whether or not it was run before: same id, its row and file are replaced when the new ones are whole.
   * @throws as `runOrRetrieve`
   */
  run(params: In, options?: RunOptions): Promise<RunRecord<Full>> {
    return this.#obtain(params, options, true);
  }

  /**
   * Indexes a file that was made elsewhere: it stays where it is, and is never copied, moved or renamed.
   * @param file an existing, non-empty regular file
   * @throws InvalidOptionError if there is no such file, or the point has another result already and `replace` is not set
   */
  async register(params: In, file: string | URL, options?: RegisterOptions): Promise<RunRecord<Full>> {
    const point = this.engine.resolve(params);
    this.#assertWritable('register');
    return this.engine.guard(registerFile(this.#parts, point, file, options)) as Promise<RunRecord<Full>>;
  }

  /**
   * Forgets a point: its row goes, and with `removeFile` its file.
   * @returns whether there was a row
   */
  async delete(params: In | { id: string }, options?: DeleteOptions): Promise<boolean> {
    const id = isIdSelector(params) ? params.id : this.engine.resolve(params).id;
    checkId(id);
    this.#assertWritable('delete');
    return this.engine.guard(deletePoint(this.#parts, id, options));
  }

  /**
   * Attempts of a point, finished and failed, oldest first, each with the last lines that it printed: of one that failed they are kept
   * with it, of one that finished they are read from its log.
   */
  async attempts(id: string): Promise<Attempt[]> {
    checkId(id);
    this.engine.assertOpen();
    const { attempts, paths } = this.#parts;
    const found = await attempts.list(id);
    for (const one of found) one.logTail ??= readLogTail(paths.logFile(id, one.attempt));
    return found;
  }

  /** Why this point is a hit or a miss, and the nearest stored point. Changes nothing. @throws InvalidParamsError */
  async explain(params: In): Promise<Explanation> {
    const point = this.engine.resolve(params);
    this.engine.assertOpen();
    return explainPoint(this.#parts, point);
  }

  /**
   * What a run printed, as text in pieces: live while it runs, and still there after a kill. Of a stored result it is the log of
   * the attempt that made it. Functions, which run in this process, have none.
   */
  log(id: string, options?: LogOptions): AsyncIterable<string> {
    checkId(id);
    this.engine.assertOpen();
    return readLog(this.#parts, id, options);
  }

  /**
   * Compares rows, files and leases, and reports what does not fit; with `repair` sets it right, moving files to
   * `<resultsDir>/.quarantine/` and never deleting one.
   */
  async verify(options?: VerifyOptions): Promise<VerifyReport> {
    this.engine.assertOpen();
    if (options?.repair) this.#assertWritable('verify({ repair: true })');
    return this.engine.guard(verifyStore(this.#parts, options ?? {}));
  }

  /** Waits for what runs, commits it and ends everything that was opened. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** For siblings (the scheduler's sweep). */
  protected get engine(): Engine {
    return this.#parts.engine;
  }

  /** @throws InvalidOptionError if this store cannot run anything */
  protected assertRunnable(): void {
    this.#assertWritable('a run');
    if (!this.#hasRunner)
      throw new InvalidOptionError(
        'this store was opened without a runner, so a miss cannot be run; pass one to Store.open',
      );
  }

  async #close(): Promise<void> {
    try {
      await this.engine.close();
    } finally {
      await this.#parts.database.close();
      this.#parts.events.emit({ type: 'store.closed' });
      this.#parts.events.close();
    }
  }

  #assertWritable(what: string): void {
    this.engine.assertOpen();
    if (this.#parts.options.readOnly)
      throw new InvalidOptionError(`${what}: this store was opened with readOnly: true`);
  }

  async #obtain(params: In, options: RunOptions | undefined, forced: boolean): Promise<RunRecord<Full>> {
    const request = resolveRunOptions(options, forced ? 'run' : 'runOrRetrieve');
    const point = this.engine.resolve(params);
    this.engine.assertOpen();
    return (await this.engine.guard(this.#obtainPoint(point, request, forced))) as RunRecord<Full>;
  }

  async #obtainPoint(point: Point, request: RunRequest, forced: boolean): Promise<AnyRecord> {
    const { engine } = this;
    const { signal } = request;
    const tally = newTally();
    for (let poll: number = POLL_MS[0]; ; poll = Math.min(poll * 2, POLL_MS[1])) {
      if (signal?.aborted) throw abortError(`the run of ${point.id} was aborted`, signal.reason);
      if (!forced) {
        const [answer] = await engine.find([point]);
        if (answer?.kind === 'error') throw answer.error;
        if (answer?.kind === 'hit') {
          engine.announceHit(answer.record);
          return answer.record;
        }
      }
      // A store that is closing still gives what it ran; it only begins nothing.
      this.assertRunnable();
      const { claims, hits, held, errors } = await engine.claim([point], forced);
      if (errors[0]) throw errors[0].error;
      if (hits[0]) {
        engine.announceHit(hits[0].record);
        return hits[0].record;
      }
      if (claims[0]) {
        const result = await engine.run(claims[0], { ...request, memoryFactor: memoryFactorOf(engine.retries, tally) })
          .result;
        if (result.status === 'finished') return result.record;
        if (result.status === 'failed') await this.#awaitRetry(result.error, tally, signal);
        if (result.status === 'cancelled') throw abortError(`the run of ${point.id} was aborted`, signal?.reason);
        continue;
      }
      await engine.untilChanged(held, poll, signal);
      const shared = forced ? undefined : await Promise.race([held[0]?.settled, undefined]);
      // A failure of the run that we waited for is ours too: running it once more would only fail again.
      if (shared?.status === 'failed') throw shared.error;
    }
  }

  /** Before another try of a point that failed. @throws that failure, if there is to be none */
  async #awaitRetry(error: RunFailedError, tally: Tally, signal: AbortSignal | undefined): Promise<void> {
    const { retries, events, closing } = this.engine;
    const { id, reason, attempts: attempt } = error;
    const verdict = judgeFailure(retries, tally, reason, Math.random());
    if (verdict.kind === 'quarantine') events.emit({ type: 'run.quarantined', id, reason, deaths: tally.deaths });
    if (verdict.kind !== 'retry' || closing.aborted) throw error;
    events.emit({ type: 'run.retried', id, attempt, reason, inSeconds: verdict.seconds });
    await pause(verdict.seconds, [signal, closing]);
    if (closing.aborted) throw error;
  }
}

/** Ends early when one of the signals aborts. */
async function pause(seconds: number, signals: (AbortSignal | undefined)[]): Promise<void> {
  const signal = AbortSignal.any(signals.filter((one) => one !== undefined));
  await sleep(seconds * 1000, undefined, { signal }).catch(() => {});
}

/** Checked before anything runs. */
function resolveRunOptions(options: RunOptions | undefined, where: string): RunRequest {
  checkOptionNames(options, ['customData', 'signal', 'timeout'], where);
  const { customData, signal, timeout } = options ?? {};
  return {
    userData: checkCustomData(customData),
    signal: signalOption(signal, `${where}: signal`),
    timeout: timeout === undefined ? undefined : parseDuration(timeout, 'timeout'),
  };
}

function checkId(id: unknown): void {
  if (typeof id !== 'string' || !ID.test(id)) {
    throw new InvalidParamsError(`id: ${show(id)} is no id; an id is 16 hexadecimal digits in lower case`, {
      path: 'id',
    });
  }
}

function isIdSelector(value: unknown): value is { id: string } {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'id') && Object.keys(value).length === 1;
}
