// A failed attempt → an error for the caller and a row that remembers it. Called by engine.ts.
import type { Attempt, Attempts } from './attempts.js';
import type { Claim } from './claims.js';
import { fromWire, RunFailedError } from './errors.js';
import type { EventBus } from './event-bus.js';
import { readLogTail } from './log-tail.js';
import type { Point } from './params.js';
import type { Clock } from './seams.js';
import type { Outcome } from './task.js';

type FailedOutcome = Extract<Outcome, { status: 'failed' }>;

export interface FailuresParts {
  attempts: Attempts;
  events: EventBus;
  clock: Clock;
  host: string;
}

export class Failures {
  readonly #parts: FailuresParts;

  constructor(parts: FailuresParts) {
    this.#parts = parts;
  }

  /**
   * Remembers a failed attempt, gives its lease back, and makes the error that the caller gets. Never rejects.
   * @param more.log of a run that began
   * @param more.cause the error itself, where it came from no slot
   */
  async record(
    claim: Claim,
    outcome: FailedOutcome,
    { codeDigest, log, cause }: { codeDigest: string | null; log?: string | undefined; cause?: unknown },
  ): Promise<{ status: 'failed'; error: RunFailedError }> {
    const { attempts, events, clock, host } = this.#parts;
    const { id, params } = claim.point;
    const { reason, message, elapsedSeconds, exitCode, signal, peakBytes, limit } = outcome;
    try {
      await attempts.recordFailure({
        id,
        attempt: claim.attempt,
        fence: claim.fence,
        outcome: 'failed',
        reason,
        message,
        error: outcome.error ?? null,
        exitCode: exitCode ?? null,
        signal: signal ?? null,
        peakBytes: peakBytes ?? null,
        seconds: elapsedSeconds,
        host,
        codeDigest,
        logTail: log === undefined ? undefined : readLogTail(log),
        finishedAt: clock.now(),
      });
    } catch (error) {
      // The failure itself is what the caller must hear of; the lease runs out, or goes with this process.
      const text = error instanceof Error ? error.message : String(error);
      events.emit({ type: 'store.trouble', what: `recording the failure of ${id}`, message: text });
    }
    events.emit({ type: 'run.failed', id, reason, message, seconds: elapsedSeconds });
    const error = new RunFailedError(
      `run ${id} of ${describeParams(params)} failed (${reason}): ${message}`,
      { id, params, reason, attempts: claim.attempt, exitCode, signal, peakBytes, limit },
      { cause: cause ?? (outcome.error ? fromWire(outcome.error) : undefined) },
    );
    return { status: 'failed', error };
  }

  /** Points whose last attempt failed. */
  async failedBefore(points: readonly Point[]): Promise<Set<string>> {
    const failed = await this.#parts.attempts.lastFailures(points.map((point) => point.id));
    return new Set(failed.map((attempt) => attempt.id));
  }

  /** Failures of points that failed before and would end so again: same code, and no trouble of the machine's. */
  async remembered(points: readonly Point[], codeDigest: string | null): Promise<Map<string, RunFailedError>> {
    const { attempts } = this.#parts;
    const found = new Map<string, RunFailedError>();
    const byId = new Map(points.map((point) => [point.id, point]));
    for (const attempt of await attempts.lastFailures([...byId.keys()])) {
      const point = byId.get(attempt.id);
      if (!point || attempt.codeDigest !== codeDigest || attempt.reason === null || RETRIED_ANYWAY.has(attempt.reason))
        continue;
      found.set(point.id, rememberedError(point, attempt));
    }
    return found;
  }
}

/** Reasons that lie in the machine or in the caller, not in the point. */
const RETRIED_ANYWAY: ReadonlySet<string> = new Set(['worker-lost', 'timeout', 'oom', 'signal', 'cancelled', 'store']);

function rememberedError(point: Point, attempt: Attempt): RunFailedError {
  const { id, params } = point;
  return new RunFailedError(
    `run ${id} of ${describeParams(params)} failed before (${attempt.reason}, attempt ${attempt.attempt}): ${attempt.message}`,
    {
      id,
      params,
      reason: attempt.reason ?? 'exception',
      attempts: attempt.attempt,
      exitCode: attempt.exitCode ?? undefined,
    },
    { cause: attempt.error ? fromWire(attempt.error) : undefined },
  );
}

/** `n=100 dt=0.01`, clipped: enough to find the point again. */
export function describeParams(params: Readonly<Record<string, unknown>>): string {
  const text = Object.entries(params)
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(' ');
  return text.length > 200 ? `${text.slice(0, 199)}…` : text || 'no params';
}
