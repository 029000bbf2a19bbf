// The Dask-client role: slots somewhere, and functions to run in them. Here the slots are threads of this machine. A store's sweep
// takes a client to run in it; `submit` and `map` need no store.
import { availableParallelism } from 'node:os';
import {
  ClosedError,
  type Duration,
  type FailReason,
  InvalidOptionError,
  type ModuleRunner,
  RunFailedError,
} from '@entropic/core';
import {
  abortError,
  asModuleRunner,
  checkOptionNames,
  fromWire,
  integerOption,
  ModuleSource,
  parseDuration,
  show,
} from '@entropic/core/internal';
import type { SweepClient } from '@entropic/scheduler';
import {
  type Executor,
  INSIDE_RUN,
  moduleExecutor,
  Pool,
  type SlotResult,
  WorkEnded,
} from '@entropic/scheduler/internal';
import { RunFuture } from './future.js';

/** Options of `Client.connect()` on this machine. */
export interface ClientOptions {
  /** Runs at once. @defaultValue the cores that this process may use */
  threads?: number;
}

/** Options of one submitted run. */
export interface SubmitOptions {
  /** Longest time, from its start. @defaultValue the runner's own, else none */
  timeout?: Duration;
}

/** What `schedulerInfo()` tells. */
export interface SchedulerInfo {
  /** `threads` of this machine. */
  kind: 'threads';
  threads: number;
  running: number;
  queued: number;
}

export class Client implements SweepClient, AsyncDisposable {
  readonly #pool: Pool;
  readonly #sources = new Map<string, ModuleSource>();
  readonly #executors = new Map<string, Executor>();
  #counter = 0;
  #closed: Promise<void> | undefined;

  private constructor(threads: number) {
    this.#pool = new Pool(threads);
  }

  /**
   * Threads of this machine. They start with the first run.
   * @throws InvalidOptionError
   */
  static async connect(options?: ClientOptions): Promise<Client> {
    if (typeof options === 'string' || (options instanceof Object && 'address' in options)) {
      throw new InvalidOptionError(
        'Client.connect: a cluster cannot be used yet in this version; Client.connect() runs in threads of this machine',
      );
    }
    if (INSIDE_RUN in globalThis) {
      throw new InvalidOptionError(
        'Client.connect: not inside a run; the runner module is the program itself, or imports it. Move the runner to a file of its own',
      );
    }
    checkOptionNames(options, ['threads'], 'Client.connect');
    const { threads = availableParallelism() } = options ?? {};
    return new Client(integerOption(threads, 1, 'Client.connect: threads'));
  }

  /** Runs at once. */
  get slots(): number {
    return this.#pool.slots;
  }

  /**
   * Runs a module's function with these params in a free slot, and returns at once.
   * @param params anything that can be sent to a thread (structured clone)
   */
  submit<Params, Value>(
    runner: ModuleRunner<Params, Value> | URL,
    params: NoInfer<Params>,
    options?: SubmitOptions,
  ): RunFuture<Value> {
    this.#assertOpen();
    checkOptionNames(options, ['timeout'], 'submit');
    const module = toModule(runner);
    const source = this.#sourceOf(module);
    const timeout = options?.timeout === undefined ? module.timeout : parseDuration(options.timeout, 'submit: timeout');
    const key = `run-${++this.#counter}`;
    return new RunFuture<Value>(key, async ({ running, signal }) => {
      const { file, url } = await source.current();
      const code = { file, url, export: module.export };
      let result: SlotResult;
      try {
        const work = { kind: 'call', name: key, params, code, timeout } as const;
        result = await this.#pool.run(work, { signal, timeout, onStart: running });
      } catch (error) {
        throw callError(key, params, error, timeout);
      }
      if (result.kind === 'value') return result.value as Value;
      if (signal.aborted) throw abortError(`${key} was cancelled`);
      if (result.kind !== 'error') throw new Error(`a slot answered a call with ${result.kind}`);
      if (result.reason === 'timeout') throw timeoutError(key, params, timeout);
      throw failed(key, params, result.reason, result.error.message, fromWire(result.error));
    });
  }

  /** One `submit` for each of the params, in their order. */
  map<Params, Value>(
    runner: ModuleRunner<Params, Value> | URL,
    params: Iterable<NoInfer<Params>>,
    options?: SubmitOptions,
  ): RunFuture<Value>[] {
    return Array.from(params, (one) => this.submit(runner, one, options));
  }

  /** The values of futures, in their order. Rejects with the first failure. */
  gather<Value>(futures: Iterable<RunFuture<Value>>): Promise<Value[]> {
    return Promise.all(Array.from(futures, (future) => future.result()));
  }

  /** The futures, each when it is over, in the order in which they end. */
  async *asCompleted<Value>(futures: Iterable<RunFuture<Value>>): AsyncGenerator<RunFuture<Value>, void, undefined> {
    const done: RunFuture<Value>[] = [];
    let wake: (() => void) | undefined;
    let left = 0;
    for (const future of futures) {
      left++;
      void future.exception().then(() => {
        done.push(future);
        wake?.();
      });
    }
    for (; left > 0; left--) {
      if (done.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      yield done.shift() as RunFuture<Value>;
    }
  }

  /** Cancels futures; those that are over stay as they are. */
  cancel(futures: RunFuture<unknown> | Iterable<RunFuture<unknown>>): void {
    for (const future of futures instanceof RunFuture ? [futures] : futures) future.cancel();
  }

  schedulerInfo(): SchedulerInfo {
    return { kind: 'threads', threads: this.#pool.slots, running: this.#pool.running, queued: this.#pool.queued };
  }

  /** What waits is cancelled, what runs is awaited; then the threads end. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#pool.close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  executorFor(runner: unknown): Executor {
    this.#assertOpen();
    if (typeof runner === 'function') {
      throw new InvalidOptionError(
        "sweep: a function cannot leave this process, so a client cannot run it. Put it into a module of its own:\n  // simulate.ts\n  export default function simulate(params, run) { … }\nand open the store with\n  runner: new URL('./simulate.ts', import.meta.url)",
      );
    }
    const module = toModule(runner as ModuleRunner | URL);
    const key = keyOf(module);
    let executor = this.#executors.get(key);
    if (!executor) {
      executor = moduleExecutor(module, this.#pool, false);
      this.#executors.set(key, executor);
    }
    return executor;
  }

  #sourceOf(module: ModuleRunner): ModuleSource {
    const { href } = module.url;
    let source = this.#sources.get(href);
    if (!source) {
      source = new ModuleSource(module);
      this.#sources.set(href, source);
    }
    return source;
  }

  #assertOpen(): void {
    if (this.#closed) throw new ClosedError('the client is closed; connect again with Client.connect');
  }
}

function toModule(runner: ModuleRunner<never> | URL): ModuleRunner {
  const module = asModuleRunner(runner);
  if (module) return module;
  throw new InvalidOptionError(
    `runner: ${show(runner)} cannot be sent to a thread; give new URL('./simulate.ts', import.meta.url) or moduleRunner(url)`,
  );
}

function keyOf(module: ModuleRunner): string {
  return `${module.url.href}#${module.export} ${module.timeout} ${module.retries}`;
}

/** No answer came → the error of the future. */
function callError(key: string, params: unknown, error: unknown, timeout: number | undefined): unknown {
  if (!(error instanceof WorkEnded)) return failed(key, params, 'exception', (error as Error).message, error);
  if (error.why === 'cancelled' || error.why === 'aborted') return abortError(`${key} was cancelled`);
  if (error.why === 'timeout') return timeoutError(key, params, timeout);
  const { name, message: text } = (error.cause ?? {}) as Partial<Error>;
  if (name === 'DataCloneError') {
    const message = `params or value cannot be sent between threads: ${text}`;
    return failed(key, params, 'exception', message, error.cause);
  }
  const { reason = 'exception', message = error.message, cause, exitCode } = error.death ?? {};
  return failed(key, params, reason, message, cause, exitCode);
}

function timeoutError(key: string, params: unknown, timeout: number | undefined): RunFailedError {
  return failed(key, params, 'timeout', `it took longer than its timeout of ${timeout} s`);
}

function failed(
  key: string,
  params: unknown,
  reason: FailReason,
  message: string,
  cause?: unknown,
  exitCode?: number,
): RunFailedError {
  const shown = typeof params === 'object' && params !== null ? (params as Record<string, unknown>) : { params };
  const facts = { id: key, params: shown, reason, attempts: 1, exitCode };
  return new RunFailedError(`${key} failed (${reason}): ${message}`, facts, { cause });
}
