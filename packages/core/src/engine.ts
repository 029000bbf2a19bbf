// One run, from params to record, in the order that docs/journey-of-a-run.md tells: look up, claim, execute, ingest. RunStore calls
// it for single points, the scheduler's sweep for many.
import { setMaxListeners } from 'node:events';
import type { Claim, Claimer, ClaimResult, Held } from './claims.js';
import { ClosedError, type RunFailedError, toWire } from './errors.js';
import type { EventBus } from './event-bus.js';
import type { Failures } from './failures.js';
import type { Heartbeat } from './heartbeat.js';
import type { Ingest } from './ingest.js';
import type { Journals } from './journals.js';
import type { Leases } from './leases.js';
import type { Finder, Lookup } from './lookup.js';
import { type Point, type PointSchema, pointFromColumns, resolvePoint } from './params.js';
import type { StorePaths } from './paths.js';
import { type AnyRecord, toRecord } from './record.js';
import { type RetryPolicy, resolveRetries } from './retries.js';
import { dropLog } from './run-log.js';
import type { RunResult } from './run-result.js';
import type { Runs } from './runs.js';
import type { Seams } from './seams.js';
import { asStoreError } from './store-error.js';
import type { Manifest, Outcome, Task, TaskRunner } from './task.js';

/** What one call asks of a run. */
export interface RunRequest {
  /** JSON text of the caller's customData. */
  userData: string;
  signal?: AbortSignal | undefined;
  /** Aborts it if it has not begun. */
  drain?: AbortSignal | undefined;
  /** Seconds. */
  timeout?: number | undefined;
  /** Bytes. */
  memoryLimit?: number | undefined;
  /** Of the limit, for a run that had too little before. @defaultValue 1 */
  memoryFactor?: number;
  /** Against other runs that wait for the same slots. @defaultValue 0 */
  priority?: number;
  /** Runs it in place of the store's own. */
  runner?: TaskRunner | undefined;
}

/** A run in two steps, so that a sweep can begin the next while this one is committed. */
export interface Running {
  /** The slot is free; the seconds it was in use. */
  executed: Promise<number>;
  result: Promise<RunResult>;
}

export interface EngineParts {
  schema: PointSchema;
  runs: Runs;
  leases: Leases;
  finder: Finder;
  ingest: Ingest;
  journals: Journals;
  claimer: Claimer;
  failures: Failures;
  heartbeat: Heartbeat;
  events: EventBus;
  paths: StorePaths;
  seams: Seams;
  runner: TaskRunner;
}

export class Engine {
  readonly #parts: EngineParts;
  /** What the store's own runner wants of a failed run. */
  readonly retries: RetryPolicy;
  readonly #running = new Set<Promise<unknown>>();
  /** One listener for each sweep and each waiting call. */
  readonly #closing = new AbortController();
  #state: 'open' | 'draining' | 'closed' = 'open';

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.retries = resolveRetries(parts.runner.defaults.retries, 'retries');
    setMaxListeners(0, this.#closing.signal);
  }

  get events(): EventBus {
    return this.#parts.events;
  }

  get seams(): Seams {
    return this.#parts.seams;
  }

  /** Aborts when the store begins to close: whoever has points queued lets go of them. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** @throws ClosedError from the first call of `close` on */
  assertOpen(): void {
    if (this.#state !== 'open') throw new ClosedError('the store is closed; open it again with Store.open');
  }

  /** Params → point. @throws InvalidParamsError */
  resolve(params: unknown): Point {
    return resolvePoint(this.#parts.schema, params);
  }

  /** Hits and misses, one answer a point in their order; changes nothing. */
  async find(points: readonly Point[]): Promise<Lookup[]> {
    try {
      return await this.#parts.finder.find(points);
    } catch (error) {
      throw asStoreError(error, this.#parts.paths.resultsDir);
    }
  }

  /** A hit was served: told to whoever listens. */
  announceHit(record: AnyRecord): void {
    const { events } = this.#parts;
    if (events.wants('run.cached')) events.emit({ type: 'run.cached', id: record.id, file: record.resultFile });
  }

  /** Records by their ids, as the rows have them: their files were looked at when they were found. */
  async recordsOf(ids: readonly string[]): Promise<Map<string, AnyRecord>> {
    this.assertOpen();
    const { runs, paths, schema } = this.#parts;
    const values = await runs.paramsOf(ids);
    const rows = await runs.findMany(ids);
    return new Map(
      rows.map((row) => {
        const { params } = pointFromColumns(schema, values.get(row.id) ?? {});
        return [row.id, toRecord(row, params, paths.locate(row))];
      }),
    );
  }

  /** See claims.ts. */
  claim(points: readonly Point[], forced: boolean): Promise<ClaimResult> {
    return this.#parts.claimer.claim(points, forced);
  }

  held(points: readonly Point[]): Promise<Held[]> {
    return this.#parts.claimer.held(points);
  }

  /** Gives up claims that were not run. */
  release(claims: readonly Claim[]): Promise<void> {
    return this.#parts.claimer.release(claims);
  }

  untilChanged(held: readonly Held[], milliseconds: number, signal?: AbortSignal): Promise<void> {
    return this.#parts.claimer.untilChanged(held, milliseconds, signal);
  }

  /** See failures.ts. */
  async rememberedFailures(
    points: readonly Point[],
    runner = this.#parts.runner,
  ): Promise<Map<string, RunFailedError>> {
    return this.#parts.failures.remembered(points, await runner.codeDigest());
  }

  /** Those of these points whose last attempt failed, whatever the reason. */
  failedBefore(points: readonly Point[]): Promise<Set<string>> {
    return this.#parts.failures.failedBefore(points);
  }

  /** Mean seconds and bytes of the runs in the store; undefined if there is none. */
  pastRuns(): Promise<{ seconds: number; bytes: number } | undefined> {
    return this.#parts.runs.means();
  }

  /** Runs a claimed point and commits its result. Never rejects. */
  run(claim: Claim, request: RunRequest): Running {
    let free!: (seconds: number) => void;
    const executed = new Promise<number>((resolve) => {
      free = resolve;
    });
    const result = this.#run(claim, request, free).then((outcome) => {
      this.#parts.claimer.land(claim.point.id, outcome);
      return outcome;
    });
    this.track(result);
    return { executed, result };
  }

  /** Closing waits for this work. */
  track<T>(work: Promise<T>): Promise<T> {
    const quiet: Promise<void> = work.then(
      () => void this.#running.delete(quiet),
      () => void this.#running.delete(quiet),
    );
    this.#running.add(quiet);
    return work;
  }

  /** The same for a call of a user: what the system says of the folder becomes an error with a code. */
  guard<T>(work: Promise<T>): Promise<T> {
    return this.track(
      work.catch((error) => {
        throw asStoreError(error, this.#parts.paths.resultsDir);
      }),
    );
  }

  /** Waits for what runs, commits it, and leaves nothing behind. */
  async close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'draining';
    const { ingest, leases, heartbeat, journals, events } = this.#parts;
    this.#closing.abort();
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
    await ingest.drain();
    await heartbeat.stop();
    try {
      if (journals.used) await leases.releaseAll();
    } catch (error) {
      // They run out by themselves; what is told at the end must not hide the error that led here.
      events.emit({ type: 'store.trouble', what: 'giving back leases', message: messageOf(error) });
    }
    this.#leaveFolder();
    this.#state = 'closed';
  }

  async #run(claim: Claim, request: RunRequest, free: (seconds: number) => void): Promise<RunResult> {
    const { events, claimer, failures, seams } = this.#parts;
    const { point } = claim;
    const started = seams.clock.elapsed();
    const runner = request.runner ?? this.#parts.runner;
    let codeDigest: string | null = null;
    let task: Task | undefined;
    let outcome: Outcome | undefined;
    if (await claimer.isLost(claim)) {
      free(0);
      return { status: 'stale' };
    }
    try {
      codeDigest = await runner.codeDigest();
    } catch (error) {
      free(0);
      const trouble = { status: 'failed', reason: 'code', message: messageOf(error), error: toWire(error) } as const;
      return failures.record(claim, { ...trouble, elapsedSeconds: 0 }, { codeDigest, cause: error });
    }
    try {
      task = this.#task(claim, request, runner, codeDigest);
      if (events.wants('run.started')) {
        events.emit({ type: 'run.started', id: point.id, attempt: claim.attempt, params: point.params });
      }
      const { signal, drain, priority } = request;
      dropLog(task.log);
      outcome = await runner.submit(task, { signal, drain, priority, listener: this.#listener(point.id) });
    } catch (error) {
      // Not the runner's doing: the folder could not be made, the executor is gone.
      if (task) this.#parts.journals.release(task.journal);
      const trouble = { status: 'failed', reason: 'store', message: messageOf(error), error: toWire(error) } as const;
      return failures.record(claim, { ...trouble, elapsedSeconds: 0 }, { codeDigest, log: task?.log, cause: error });
    } finally {
      // What waited behind others of its kind was not in a slot for so long.
      free(outcome?.slotSeconds ?? seams.clock.elapsed() - started);
    }
    if (outcome.status === 'finished') return this.#commit(claim, task, outcome);
    this.#parts.journals.release(task.journal);
    this.#clear(task);
    if (outcome.status === 'failed') return failures.record(claim, outcome, { codeDigest, log: task.log });
    await claimer.release([claim]).catch(() => {});
    events.emit({ type: 'run.cancelled', id: point.id });
    return { status: 'cancelled' };
  }

  async #commit(claim: Claim, task: Task, outcome: { manifest: Manifest; valueDropped?: string }): Promise<RunResult> {
    const { events, ingest, failures } = this.#parts;
    const { point, fence, claimedAt } = claim;
    const { manifest, valueDropped } = outcome;
    const { id } = point;
    if (valueDropped !== undefined) events.emit({ type: 'run.value-dropped', id, why: valueDropped });
    try {
      const ingested = await ingest.add({
        point,
        fence,
        manifest,
        temp: task.tempFile,
        claimedAt,
        journal: task.journal,
      });
      if (ingested.status === 'stale') return { status: 'stale' };
      const { record } = ingested;
      if (events.wants('run.finished')) {
        const { elapsedSeconds: seconds, size: bytes } = manifest;
        events.emit({ type: 'run.finished', id, seconds, file: record.resultFile, bytes });
      }
      return { status: 'finished', record };
    } catch (error) {
      // The sealed result stays: the next call for this point commits it instead of running again.
      const message = `the run finished but could not be committed: ${messageOf(error)}`;
      const { elapsedSeconds } = manifest;
      return failures.record(
        claim,
        { status: 'failed', reason: 'store', message, elapsedSeconds },
        { codeDigest: task.codeDigest, log: task.log, cause: error },
      );
    }
  }

  #task(claim: Claim, request: RunRequest, runner: TaskRunner, codeDigest: string | null): Task {
    const { paths, journals } = this.#parts;
    const { id, params, paramsText } = claim.point;
    const limit = request.memoryLimit ?? runner.defaults.memoryLimit;
    const journal = journals.next();
    return {
      id,
      params,
      paramsText,
      attempt: claim.attempt,
      fence: claim.fence,
      tempFile: paths.tempFile(id, claim.fence),
      workDir: paths.workDir(id, claim.fence),
      journal,
      log: paths.logFile(id, claim.attempt),
      userData: request.userData,
      codeDigest,
      forced: claim.forced,
      timeout: request.timeout ?? runner.defaults.timeout,
      memoryLimit: limit === undefined ? undefined : Math.floor(limit * (request.memoryFactor ?? 1)),
    };
  }

  #listener(id: string) {
    const { events } = this.#parts;
    return {
      progress: (fraction: number, note?: string) =>
        events.emit({ type: 'run.progress', id, fraction, ...(note === undefined ? {} : { note }) }),
      log: (text: string) => events.emit({ type: 'run.log', id, text }),
    };
  }

  /** Of a run without a result: what it wrote so far. A thread that was ended could not remove its folder itself. */
  #clear({ tempFile, workDir }: Task): void {
    try {
      this.#parts.seams.fs.removeDir(tempFile);
      this.#parts.seams.fs.removeDir(workDir);
    } catch {
      // It goes with the owner's folder.
    }
  }

  #leaveFolder(): void {
    const { ingest, journals, paths, events } = this.#parts;
    try {
      journals.close(ingest.unsettled.size > 0);
    } catch (error) {
      // Whoever opens the store next clears it.
      events.emit({ type: 'store.trouble', what: `leaving ${paths.ownerDir}`, message: messageOf(error) });
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
