// What `submit` returns at once: a value to come. Not thenable, or `asCompleted` could not hand it out. Made by client.ts.

export type FutureStatus = 'pending' | 'running' | 'finished' | 'error' | 'cancelled';

/** A run of a function that was submitted to a client. */
export class RunFuture<Value> {
  /** Names it within its client. */
  readonly key: string;
  readonly #value: Promise<Value>;
  readonly #cancel: () => void;
  #status: FutureStatus = 'pending';

  /** @internal */
  constructor(key: string, start: (future: { running(): void; signal: AbortSignal }) => Promise<Value>) {
    const controller = new AbortController();
    this.key = key;
    this.#cancel = () => controller.abort(new DOMException(`${key} was cancelled`, 'AbortError'));
    const running = () => {
      if (this.#status === 'pending') this.#status = 'running';
    };
    this.#value = start({ running, signal: controller.signal }).then(
      (value) => {
        this.#status = 'finished';
        return value;
      },
      (error) => {
        this.#status = isAbort(error) ? 'cancelled' : 'error';
        throw error;
      },
    );
    // Nobody has to ask for a result: a failure then is in `status` and `exception()`.
    this.#value.catch(() => {});
  }

  get status(): FutureStatus {
    return this.#status;
  }

  /** The value that the function returned. @throws RunFailedError; an AbortError if it was cancelled */
  result(): Promise<Value> {
    return this.#value;
  }

  /** The error of a run that failed or was cancelled, else `undefined`. */
  async exception(): Promise<unknown> {
    return this.#value.then(
      () => undefined,
      (error) => error,
    );
  }

  /** A queued run never begins; a running one is asked to stop, and its thread ended after 5 s. Nothing happens to one that is over. */
  cancel(): void {
    this.#cancel();
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
