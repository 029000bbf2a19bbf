// What `submit` returns at once: a value to come. Not thenable, or `asCompleted` could not hand it out. Made by client.ts.
import type { Call, FutureStatus } from './call.js';

export type { FutureStatus } from './call.js';

/** A run of a function that was submitted to a client. */
export class RunFuture<Value> {
  readonly #call: Call<Value>;
  #result: Promise<Value> | undefined;

  /** @internal */
  constructor(call: Call<Value>) {
    this.#call = call;
  }

  /** @internal */
  static callOf<Value>(future: RunFuture<Value>): Call<Value> {
    return future.#call;
  }

  /** Names it within its client. */
  get key(): string {
    return this.#call.name;
  }

  get status(): FutureStatus {
    return this.#call.status;
  }

  /** The value that the function returned. @throws RunFailedError; an AbortError if it was cancelled */
  result(): Promise<Value> {
    if (!this.#result) {
      this.#result = new Promise<Value>((resolve, reject) => {
        this.#call.whenOver(({ status, value, error }) =>
          status === 'finished' ? resolve(value as Value) : reject(error),
        );
      });
      // Nobody has to wait for it: a failure is also in `status` and `exception()`.
      this.#result.catch(() => {});
    }
    return this.#result;
  }

  /** The error of a run that failed or was cancelled, else `undefined`. */
  exception(): Promise<unknown> {
    return new Promise((resolve) => {
      this.#call.whenOver(({ status, error }) => resolve(status === 'finished' ? undefined : error));
    });
  }

  /** A queued run never begins; a running one is asked to stop, and its thread ended after 5 s. Nothing happens to one that is over. */
  cancel(): void {
    this.#call.cancel();
  }
}
