// One run, from params to record, in the order that docs/journey-of-a-run.md tells: look up, claim, execute, ingest. RunStore calls
// it for single points, the scheduler's sweep for many. It owns what is in flight in this process.
import type { Attempt, Attempts } from './attempts.js';
import { ClosedError, type EntropicError, type FailReason, fromWire, RunFailedError, toWire } from './errors.js';
import type { EventBus } from './events.js';
import type { Heartbeat } from './heartbeat.js';
import { asStoreError, type Ingest, type Sealed } from './ingest.js';
import { CLOSED_MARK, JournalWriter, journalFile } from './journal.js';
import type { ClaimedLease, Leases } from './leases.js';
import type { Finder, Lookup } from './lookup.js';
import { type Point, type PointSchema, pointFromColumns, resolvePoint } from './params.js';
import type { StorePaths } from './paths.js';
import { type AnyRecord, toRecord } from './record.js';
import type { Recovery } from './recover.js';
import type { Runs } from './runs.js';
import type { Seams } from './seams.js';
import type { Execute, Outcome, Task } from './task.js';

/** A point that this store may run now. Ends by `run` or by `release`. */
export interface Claim {
  point: Point;
  fence: number;
  attempt: number;
  forced: boolean;
  claimedAt: number;
}

/** A point that somebody else runs: `settled` where that is this process. */
export interface Held {
  point: Point;
  owner: string;
  settled?: Promise<RunResult | undefined>;
}

export interface ClaimResult {
  claims: Claim[];
  /** Found finished after all: by another process meanwhile, or recovered from a killed one. */
  hits: { point: Point; record: AnyRecord }[];
  held: Held[];
  errors: { point: Point; error: EntropicError }[];
}

/** What became of one claimed point. */
export type RunResult =
  | { status: 'finished'; record: AnyRecord }
  | { status: 'failed'; error: RunFailedError }
  | { status: 'cancelled' }
  /** The lease was lost while it ran; somebody newer has it. Look again. */
  | { status: 'stale' };

export interface RunRequest {
  /** JSON text of the caller's customData. */
  userData: string;
  signal?: AbortSignal | undefined;
  /** Seconds. */
  timeout?: number | undefined;
}

/** A run in two steps, so that a sweep can begin the next while this one is committed. */
export interface Running {
  /** The slot is free; the seconds it was in use. */
  executed: Promise<number>;
  result: Promise<RunResult>;
}

interface Flight {
  /** What the run came to; undefined if it was not run after all. */
  settled: Promise<RunResult | undefined>;
  settle(result: RunResult | undefined): void;
}

export interface EngineParts {
  schema: PointSchema;
  runs: Runs;
  leases: Leases;
  attempts: Attempts;
  finder: Finder;
  ingest: Ingest;
  recovery: Recovery;
  heartbeat: Heartbeat;
  events: EventBus;
  paths: StorePaths;
  seams: Seams;
  execute: Execute;
  codeDigest: string | null;
  host: string;
}

export class Engine {
  readonly #parts: EngineParts;
  readonly #flights = new Map<string, Flight>();
  #journal: JournalWriter | undefined;
  #state: 'open' | 'draining' | 'closed' = 'open';
  readonly #running = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  get events(): EventBus {
    return this.#parts.events;
  }

  /** Aborts when the store begins to close: whoever has points queued lets go of them. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  get seams(): Seams {
    return this.#parts.seams;
  }

  /** Params → point. @throws InvalidParamsError */
  resolve(params: unknown): Point {
    return resolvePoint(this.#parts.schema, params);
  }

  assertOpen(): void {
    if (this.#state !== 'open') throw new ClosedError('the store is closed; open it again with Store.open');
  }

  /** Hits and misses, one answer a point in their order; changes nothing. */
  async find(points: readonly Point[]): Promise<Lookup[]> {
    return this.#parts.finder.find(points);
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
      rows.map((row) => [
        row.id,
        toRecord(row, pointFromColumns(schema, values.get(row.id) ?? {}).params, paths.locate(row)),
      ]),
    );
  }

  /** Failures of points that failed before and would end so again: same code, and no trouble of the machine's. */
  async rememberedFailures(points: readonly Point[]): Promise<Map<string, RunFailedError>> {
    const { attempts, codeDigest } = this.#parts;
    const found = new Map<string, RunFailedError>();
    const byId = new Map(points.map((point) => [point.id, point]));
    for (const attempt of await attempts.lastFailures([...byId.keys()])) {
      const point = byId.get(attempt.id);
      if (!point || attempt.codeDigest !== codeDigest || RETRIED_ANYWAY.has(attempt.reason)) continue;
      found.set(point.id, rememberedError(point, attempt));
    }
    return found;
  }

  /** Closing waits for this work. */
  track<T>(work: Promise<T>): Promise<T> {
    const quiet = work.then(
      () => {},
      () => {},
    );
    this.#running.add(quiet);
    quiet.then(() => this.#running.delete(quiet));
    return work;
  }

  /**
   * Takes the leases of what is free, then looks again: between the look-up and the claim somebody may have finished it, or a
   * killed process had and never committed.
   */
  async claim(points: readonly Point[], forced: boolean): Promise<ClaimResult> {
    const result: ClaimResult = { claims: [], hits: [], held: [], errors: [] };
    const free: Point[] = [];
    for (const point of points) {
      const flight = this.#flights.get(point.id);
      if (flight) result.held.push({ point, owner: 'this process', settled: flight.settled });
      else {
        this.#takeOff(point.id);
        free.push(point);
      }
    }
    if (free.length === 0) return result;
    try {
      this.#parts.heartbeat.start();
      await this.#claimFree(free, forced, result);
    } catch (error) {
      for (const point of free) this.#land(point.id);
      // What was claimed before the trouble must not stay locked for others.
      await this.#parts.leases.release(free.map((point) => point.id)).catch(() => {});
      throw asStoreError(error, this.#parts.paths.resultsDir);
    }
    const claimed = new Set(result.claims.map((claim) => claim.point.id));
    for (const point of free) if (!claimed.has(point.id)) this.#land(point.id);
    return result;
  }

  async #claimFree(free: readonly Point[], forced: boolean, result: ClaimResult): Promise<void> {
    const { leases, finder, seams } = this.#parts;
    const claimedAt = seams.clock.elapsed();
    const byId = new Map(free.map((point) => [point.id, point]));
    const { claimed, held } = await leases.claim(free.map((point) => point.id));
    for (const { id, owner } of held) {
      result.held.push({ point: byId.get(id) as Point, owner });
      this.events.emit({ type: 'run.waiting', id, owner });
    }
    const lost = forced ? new Set<string>() : await this.#commitUnfinished(claimed);
    const points = claimed.map((lease) => byId.get(lease.id) as Point);
    const answers: Lookup[] = forced ? [] : await finder.find(points);
    const unused: string[] = [];
    claimed.forEach((lease, i) => {
      const point = points[i] as Point;
      const answer = answers[i];
      if (lost.has(lease.id)) result.held.push({ point, owner: '' });
      else if (answer?.kind === 'hit') result.hits.push({ point, record: answer.record });
      else if (answer?.kind === 'error') result.errors.push({ point, error: answer.error });
      else {
        result.claims.push({ point, fence: lease.fence, attempt: lease.failedAttempts + 1, forced, claimedAt });
        return;
      }
      unused.push(lease.id);
    });
    await leases.release(unused);
  }

  /**
   * What was finished before and only not committed: by an owner that is gone, or by this store when the disk was full.
   * @returns points whose lease was lost meanwhile
   */
  async #commitUnfinished(claimed: readonly ClaimedLease[]): Promise<Set<string>> {
    const lost = new Set<string>();
    const { ingest, recovery, paths, events } = this.#parts;
    for (const { id, fence, takenFrom } of claimed) {
      let sealed: Sealed | undefined;
      const kept = ingest.unsettled.get(id);
      if (kept) sealed = await recovery.toSealed(kept.manifest, paths.ownerDir, fence);
      if (kept && sealed) sealed = { ...sealed, recovered: kept.recovered };
      else ingest.unsettled.delete(id);
      if (takenFrom) {
        events.emit({ type: 'lease.taken-over', id, ...takenFrom });
        const manifest = sealed ? undefined : await recovery.find(takenFrom.owner, id);
        if (manifest) sealed = await recovery.toSealed(manifest, `${paths.tmpDir}/${takenFrom.owner}`, fence);
      }
      if (!sealed) continue;
      const { status } = await ingest.add(sealed);
      if (status === 'committed') {
        events.emit({
          type: 'run.recovered',
          id,
          file: paths.finalFile(id),
          owner: takenFrom?.owner ?? 'this process',
        });
      } else lost.add(id);
    }
    return lost;
  }

  /** Runs a claimed point and commits its result. Never rejects. */
  run(claim: Claim, request: RunRequest): Running {
    let free!: (seconds: number) => void;
    const executed = new Promise<number>((resolve) => {
      free = resolve;
    });
    const result = this.#run(claim, request, free).then((outcome) => {
      this.#land(claim.point.id, outcome);
      this.#running.delete(result);
      return outcome;
    });
    this.#running.add(result);
    return { executed, result };
  }

  async #run(claim: Claim, request: RunRequest, free: (seconds: number) => void): Promise<RunResult> {
    const { events, ingest, seams } = this.#parts;
    const { point } = claim;
    const started = seams.clock.elapsed();
    let outcome: Outcome;
    let task: Task;
    try {
      task = this.#task(claim, request);
      if (events.wants('run.started'))
        events.emit({ type: 'run.started', id: point.id, attempt: claim.attempt, params: point.params });
      outcome = await this.#parts.execute(task, {
        signal: request.signal,
        listener: {
          progress: (fraction, note) =>
            events.emit({ type: 'run.progress', id: point.id, fraction, ...(note === undefined ? {} : { note }) }),
          log: (text) => events.emit({ type: 'run.log', id: point.id, text }),
        },
      });
    } catch (error) {
      return this.#failed(
        claim,
        { status: 'failed', reason: 'store', message: messageOf(error), error: toWire(error), elapsedSeconds: 0 },
        error,
      );
    } finally {
      free(seams.clock.elapsed() - started);
    }
    if (outcome.status === 'cancelled') {
      await this.release([claim]);
      events.emit({ type: 'run.cancelled', id: point.id });
      return { status: 'cancelled' };
    }
    if (outcome.status === 'failed') return this.#failed(claim, outcome);
    if (outcome.valueDropped !== undefined)
      events.emit({ type: 'run.value-dropped', id: point.id, why: outcome.valueDropped });
    try {
      const { manifest } = outcome;
      const sealed: Sealed = {
        point,
        fence: claim.fence,
        manifest,
        temp: task.tempFile,
        claimedAt: claim.claimedAt,
        recovered: false,
      };
      const ingested = await ingest.add(sealed);
      if (ingested.status === 'stale') return { status: 'stale' };
      const { record } = ingested;
      if (events.wants('run.finished')) {
        events.emit({
          type: 'run.finished',
          id: point.id,
          seconds: manifest.elapsedSeconds,
          file: record.resultFile,
          bytes: manifest.size,
        });
      }
      return { status: 'finished', record };
    } catch (error) {
      const message = `the run finished but could not be committed: ${messageOf(error)}`;
      return this.#failed(
        claim,
        { status: 'failed', reason: 'store', message, elapsedSeconds: outcome.manifest.elapsedSeconds },
        error,
        true,
      );
    }
  }

  #task(claim: Claim, request: RunRequest): Task {
    const { paths, codeDigest } = this.#parts;
    const { id, params, paramsText } = claim.point;
    this.#openJournal();
    return {
      id,
      params,
      paramsText,
      attempt: claim.attempt,
      fence: claim.fence,
      tempFile: paths.tempFile(id, claim.fence),
      workDir: paths.workDir(id, claim.fence),
      journal: journalFile(paths.ownerDir, 0),
      userData: request.userData,
      codeDigest,
      forced: claim.forced,
      timeout: request.timeout,
    };
  }

  /** @param sealed the result is whole and waits for the next call to commit it: its file stays */
  async #failed(
    claim: Claim,
    outcome: Outcome & { status: 'failed' },
    cause?: unknown,
    sealed = false,
  ): Promise<RunResult> {
    const { attempts, events, seams, host, codeDigest, paths } = this.#parts;
    const { id, params } = claim.point;
    const { reason, message, elapsedSeconds } = outcome;
    if (!sealed) this.#clear(paths.tempFile(id, claim.fence));
    try {
      await attempts.recordFailure({
        id,
        attempt: claim.attempt,
        fence: claim.fence,
        reason,
        message,
        error: outcome.error ?? null,
        exitCode: outcome.exitCode ?? null,
        signal: outcome.signal ?? null,
        peakBytes: outcome.peakBytes ?? null,
        seconds: elapsedSeconds,
        host,
        codeDigest,
        finishedAt: seams.clock.now(),
      });
    } catch (error) {
      // The failure itself is what the caller must hear of; the lease runs out, or goes with this process.
      events.emit({ type: 'store.trouble', what: `recording the failure of ${id}`, message: messageOf(error) });
    }
    events.emit({ type: 'run.failed', id, reason, message, seconds: elapsedSeconds });
    const { exitCode, signal, peakBytes, limit } = outcome;
    const facts = { exitCode, signal, peakBytes, limit };
    const error = new RunFailedError(
      `run ${id} of ${describeParams(params)} failed (${reason}): ${message}`,
      { id, params, reason, attempts: claim.attempt, ...(facts as object) },
      { cause: cause ?? (outcome.error ? fromWire(outcome.error) : undefined) },
    );
    return { status: 'failed', error };
  }

  /** Gives up claims that were not run. */
  async release(claims: readonly Claim[]): Promise<void> {
    const ids = claims.map((claim) => claim.point.id);
    try {
      await this.#parts.leases.release(ids);
    } finally {
      for (const id of ids) this.#land(id);
    }
  }

  /** Until one of the held points may be free: something of ours settled, or some time has passed for what others hold. */
  async untilChanged(held: readonly Held[], milliseconds: number, signal?: AbortSignal): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    let stop: (() => void) | undefined;
    const foreign = held.some((one) => one.settled === undefined);
    const waits: Promise<unknown>[] = held.flatMap((one) => (one.settled ? [one.settled] : []));
    waits.push(
      new Promise<void>((resolve) => {
        stop = resolve;
        if (foreign) timer = setTimeout(resolve, milliseconds);
        signal?.addEventListener('abort', resolve as () => void, { once: true });
      }),
    );
    try {
      if (!signal?.aborted) await Promise.race(waits);
    } finally {
      clearTimeout(timer);
      if (stop) signal?.removeEventListener('abort', stop);
    }
  }

  /** Waits for what runs, commits it, and leaves nothing behind. */
  async close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'draining';
    const { ingest, leases, heartbeat, seams, paths } = this.#parts;
    this.#closing.abort();
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
    await ingest.drain();
    await heartbeat.stop();
    if (this.#journal) {
      try {
        await leases.releaseAll();
      } finally {
        this.#journal.close();
        // What could not be committed is recovered by whoever opens the store next, this process included.
        if (ingest.unsettled.size > 0) seams.fs.writeNew(`${paths.ownerDir}/${CLOSED_MARK}`, '');
        else seams.fs.removeDir(paths.ownerDir);
      }
    }
    this.#state = 'closed';
  }

  /** The journal of this store, its folder made at the first use: a store that only reads leaves no trace. */
  #openJournal(): JournalWriter {
    if (!this.#journal) {
      const { seams, paths } = this.#parts;
      seams.fs.makeDir(paths.ownerDir, 0o700);
      this.#journal = new JournalWriter(seams.fs, journalFile(paths.ownerDir, 0));
    }
    return this.#journal;
  }

  /** For ingest.ts: settled manifests are marked in the same folder. */
  get journal(): JournalWriter {
    return this.#openJournal();
  }

  #takeOff(id: string): void {
    let settle!: Flight['settle'];
    const settled = new Promise<RunResult | undefined>((resolve) => {
      settle = resolve;
    });
    this.#flights.set(id, { settled, settle });
  }

  #land(id: string, result?: RunResult): void {
    const flight = this.#flights.get(id);
    this.#flights.delete(id);
    flight?.settle(result);
  }

  #clear(path: string): void {
    try {
      this.#parts.seams.fs.removeDir(path);
    } catch {
      // It goes with the owner's folder.
    }
  }
}

/** Reasons that lie in the machine or in the caller, not in the point. */
const RETRIED_ANYWAY: ReadonlySet<string> = new Set(['worker-lost', 'timeout', 'oom', 'signal', 'cancelled', 'store']);

function rememberedError(point: Point, attempt: Attempt): RunFailedError {
  const { id, params } = point;
  return new RunFailedError(
    `run ${id} of ${describeParams(params)} failed before (${attempt.reason}, attempt ${attempt.attempt}): ${attempt.message}`,
    { id, params, reason: attempt.reason as FailReason, attempts: attempt.attempt },
    { cause: attempt.error ? fromWire(attempt.error) : undefined },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `n=100 dt=0.01`, clipped: enough to find the point again. */
export function describeParams(params: Readonly<Record<string, unknown>>): string {
  const text = Object.entries(params)
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(' ');
  return text.length > 200 ? `${text.slice(0, 199)}…` : text || 'no params';
}
