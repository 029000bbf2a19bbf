// Who may run a point: single-flight, first within this process, then by leases across processes and hosts. What was finished before
// and only not committed is committed here instead of run again. Called by engine.ts.
import { dirname } from 'node:path';
import { type EntropicError, StoreBusyError } from './errors.js';
import type { EventBus } from './event-bus.js';
import type { Heartbeat } from './heartbeat.js';
import type { Ingest, Sealed } from './ingest.js';
import type { ClaimedLease, Leases } from './leases.js';
import type { Finder, Lookup } from './lookup.js';
import type { Point } from './params.js';
import type { StorePaths } from './paths.js';
import type { AnyRecord } from './record.js';
import type { Recovery } from './recover.js';
import type { RunResult } from './run-result.js';
import type { Clock } from './seams.js';
import { asStoreError } from './store-error.js';

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

interface Flight {
  /** What the run came to; undefined if it was not run after all. */
  settled: Promise<RunResult | undefined>;
  settle(result: RunResult | undefined): void;
}

export interface ClaimerParts {
  leases: Leases;
  finder: Finder;
  ingest: Ingest;
  recovery: Recovery;
  heartbeat: Heartbeat;
  events: EventBus;
  paths: StorePaths;
  clock: Clock;
  leaseSeconds: number;
}

export class Claimer {
  readonly #parts: ClaimerParts;
  readonly #flights = new Map<string, Flight>();

  constructor(parts: ClaimerParts) {
    this.#parts = parts;
  }

  /** Points that are claimed and not settled yet. */
  get inFlight(): number {
    return this.#flights.size;
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
      for (const point of free) this.land(point.id);
      // What was claimed before the trouble must not stay locked for others. Nothing was, where the database gave no lock: to ask
      // again would only wait as long again.
      if (!(error instanceof StoreBusyError)) {
        await this.#parts.leases.release(free.map((point) => point.id)).catch(() => {});
      }
      throw asStoreError(error, this.#parts.paths.resultsDir);
    }
    const claimed = new Set(result.claims.map((claim) => claim.point.id));
    for (const point of free) if (!claimed.has(point.id)) this.land(point.id);
    return result;
  }

  async #claimFree(free: readonly Point[], forced: boolean, result: ClaimResult): Promise<void> {
    const { leases, finder, clock, events } = this.#parts;
    const claimedAt = clock.now();
    const byId = new Map(free.map((point) => [point.id, point]));
    const { claimed, held } = await leases.claim(free.map((point) => point.id));
    // Leases are taken in the order of ids; points run in the order in which they were asked for.
    const order = new Map(free.map((point, i) => [point.id, i]));
    claimed.sort((a, b) => (order.get(a.id) as number) - (order.get(b.id) as number));
    for (const { id, owner } of held) {
      result.held.push({ point: byId.get(id) as Point, owner });
      events.emit({ type: 'run.waiting', id, owner });
    }
    const { lost, committed } = await this.#commitUnfinished(claimed);
    const points = claimed.map((lease) => byId.get(lease.id) as Point);
    const answers: Lookup[] = forced ? [] : await finder.find(points, { holding: true });
    const unused: string[] = [];
    claimed.forEach((lease, i) => {
      const point = points[i] as Point;
      const answer = answers[i];
      // A forced run comes after what was finished before it; its lease went with that commit, so it is claimed once more.
      if (lost.has(lease.id) || (forced && committed.has(lease.id))) result.held.push({ point, owner: '' });
      else if (answer?.kind === 'hit') result.hits.push({ point, record: answer.record });
      else if (answer?.kind === 'error') result.errors.push({ point, error: answer.error });
      else {
        result.claims.push({ point, fence: lease.fence, attempt: lease.attempts + 1, forced, claimedAt });
        return;
      }
      unused.push(lease.id);
    });
    await leases.release(unused);
  }

  /**
   * What was finished before and only not committed: by an owner that is gone, or by this store when the disk was full.
   * @returns points that were committed, and those whose lease was lost meanwhile
   */
  async #commitUnfinished(claimed: readonly ClaimedLease[]): Promise<{ lost: Set<string>; committed: Set<string> }> {
    const lost = new Set<string>();
    const committed = new Set<string>();
    const { ingest, recovery, paths, events } = this.#parts;
    const before = claimed.flatMap(({ id, takenFrom }) => {
      const owner = takenFrom?.owner ?? recovery.leftBy(id);
      return owner === undefined ? [] : [[id, owner] as const];
    });
    const finished = await recovery.find(new Map(before));
    for (const { id, fence, takenFrom } of claimed) {
      let sealed: Sealed | undefined;
      const kept = ingest.unsettled.get(id);
      if (kept) {
        // A recovered one still lies in the folder of the owner that made it.
        const folder = kept.temp === undefined ? paths.ownerDir : dirname(kept.temp);
        sealed = await recovery.toSealed(kept.manifest, folder, fence);
      }
      if (kept && sealed) sealed = { ...sealed, journal: kept.journal };
      else ingest.unsettled.delete(id);
      if (takenFrom) events.emit({ type: 'lease.taken-over', id, ...takenFrom });
      const found = sealed ? undefined : finished.get(id);
      if (found) sealed = await recovery.toSealed(found.manifest, found.folder, fence);
      recovery.settled(id);
      if (!sealed) continue;
      const { status } = await ingest.add(sealed);
      if (status === 'committed') {
        committed.add(id);
        events.emit({
          type: 'run.recovered',
          id,
          file: paths.finalFile(id),
          owner: takenFrom?.owner ?? 'this process',
        });
      } else lost.add(id);
    }
    return { lost, committed };
  }

  /** Those of these points that somebody runs now. A look: nothing is claimed. */
  async held(points: readonly Point[]): Promise<Held[]> {
    const live = await this.#parts.leases.live(points.map((point) => point.id));
    return points.flatMap((point) => {
      const flight = this.#flights.get(point.id);
      if (flight) return [{ point, owner: 'this process', settled: flight.settled }];
      return live.has(point.id) ? [{ point, owner: '' }] : [];
    });
  }

  /** A process that was stopped for longer than its lease finds out here, before it runs what others have run meanwhile. */
  async isLost({ point, claimedAt }: Claim): Promise<boolean> {
    const { leases, clock, leaseSeconds } = this.#parts;
    if (Math.abs(clock.now() - claimedAt) < leaseSeconds * 900) return false;
    // Whoever cannot ask runs it: the commit asks again.
    const mine = await leases.mine([point.id]).catch(() => undefined);
    return mine?.has(point.id) === false;
  }

  /** Gives up claims that were not run. */
  async release(claims: readonly Claim[]): Promise<void> {
    const ids = claims.map((claim) => claim.point.id);
    try {
      await this.#parts.leases.release(ids);
    } finally {
      for (const id of ids) this.land(id);
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

  #takeOff(id: string): void {
    let settle!: Flight['settle'];
    const settled = new Promise<RunResult | undefined>((resolve) => {
      settle = resolve;
    });
    this.#flights.set(id, { settled, settle });
  }

  /** The point is free again in this process; whoever waited hears what its run came to. */
  land(id: string, result?: RunResult): void {
    const flight = this.#flights.get(id);
    this.#flights.delete(id);
    flight?.settle(result);
  }
}
