// One submitted call on its way: queued, run in a slot, answered. A million may wait, so there is nothing in it that nobody asked for.
// Made by client.ts, seen by users through future.ts.
import { RunFailedError } from '@entropic/core';
import { abortError, fromWire, type RunFailure } from '@entropic/core/internal';
import {
  Flight,
  type FlightKind,
  type Pool,
  type SlotCode,
  type SlotResult,
  type SlotWork,
  type WorkEnded,
} from '@entropic/scheduler/internal';

export type FutureStatus = 'pending' | 'running' | 'finished' | 'error' | 'cancelled';

export class Call<Value> extends Flight {
  readonly number: number;
  readonly params: unknown;
  readonly kind: FlightKind;
  status: FutureStatus = 'pending';
  value: Value | undefined;
  error: unknown;
  readonly #pool: Pool;
  #code: SlotCode | undefined;
  #cancelled = false;
  #waiting: ((call: Call<Value>) => void)[] | undefined;

  constructor(number: number, params: unknown, kind: FlightKind, pool: Pool) {
    super();
    this.number = number;
    this.params = params;
    this.kind = kind;
    this.#pool = pool;
  }

  get name(): string {
    return `run-${this.number}`;
  }

  get code(): SlotCode {
    return this.#code as SlotCode;
  }

  override get call(): this {
    return this;
  }

  get over(): boolean {
    return this.status !== 'pending' && this.status !== 'running';
  }

  /** Into the queue, once its code is known. */
  send(code: SlotCode): void {
    if (this.over) return;
    this.#code = code;
    this.#pool.add(this);
  }

  work(key: number): SlotWork {
    const { name, params, code } = this;
    const { timeout } = this.kind;
    return { kind: 'call', key, announce: timeout !== undefined, name, params, code, timeout };
  }

  cancel(): void {
    if (this.over) return;
    this.#cancelled = true;
    if (this.state === 'new') this.fail(this.#abortError());
    else this.#pool.cancel(this, `${this.name} was cancelled`);
  }

  /** At once if it is over. */
  whenOver(listener: (call: Call<Value>) => void): void {
    if (this.over) listener(this);
    else {
      this.#waiting ??= [];
      this.#waiting.push(listener);
    }
  }

  override started(): void {
    this.status = 'running';
  }

  protected answered(result: SlotResult): void {
    if (result.kind === 'value') {
      this.value = result.value as Value;
      this.#end('finished');
    } else if (this.#cancelled) this.fail(this.#abortError());
    else if (result.kind === 'task') this.fail(new Error('a slot answered a call with a task'));
    else if (result.reason === 'timeout') this.fail(this.#timeoutError());
    else if (result.error.name === 'DataCloneError') this.fail(this.#notSent(fromWire(result.error)));
    else this.fail(this.#failed(result.reason, result.error.message, fromWire(result.error)));
  }

  protected ended({ why, cause, death, message }: WorkEnded): void {
    if (why === 'cancelled' || why === 'aborted') this.fail(this.#abortError());
    else if (why === 'timeout') this.fail(this.#timeoutError());
    else if ((cause as Partial<Error> | undefined)?.name === 'DataCloneError') this.fail(this.#notSent(cause as Error));
    else {
      const { reason = 'exception', message: text = message, cause: thrown, ...facts } = death ?? {};
      this.fail(this.#failed(reason, text, thrown, facts));
    }
  }

  fail(error: unknown): void {
    this.error = error;
    this.#end(error instanceof DOMException && error.name === 'AbortError' ? 'cancelled' : 'error');
  }

  #end(status: FutureStatus): void {
    this.status = status;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) for (const listener of waiting) listener(this);
  }

  #abortError(): unknown {
    return abortError(`${this.name} was cancelled`);
  }

  #timeoutError(): RunFailedError {
    const limit = this.kind.timeout as number;
    return this.#failed('timeout', `it took longer than its timeout of ${limit} s`, undefined, { limit });
  }

  #notSent(cause: unknown): RunFailedError {
    const message = `params or value cannot be sent between threads or processes: ${(cause as Error).message}`;
    return this.#failed('exception', message, cause);
  }

  #failed(
    reason: RunFailure['reason'],
    message: string,
    cause?: unknown,
    more: Partial<RunFailure> = {},
  ): RunFailedError {
    const { name, params } = this;
    const shown = typeof params === 'object' && params !== null ? (params as Record<string, unknown>) : { params };
    const facts = { ...more, id: name, params: shown, reason, attempts: 1 };
    return new RunFailedError(`${name} failed (${reason}): ${message}`, facts, { cause });
  }
}
