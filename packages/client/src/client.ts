// The Dask-client role: slots somewhere, and functions to run in them. Here the slots are threads or processes of this machine. A
// store's sweep takes a client to run in it; `submit` and `map` need no store.
import { availableParallelism } from 'node:os';
import { ClosedError, type Duration, InvalidOptionError, type Isolation, type ModuleRunner } from '@entropic/core';
import {
  asCommandRunner,
  asModuleRunner,
  checkOptionNames,
  integerOption,
  ModuleSource,
  oneOfOption,
  parseDuration,
  show,
} from '@entropic/core/internal';
import type { SweepClient } from '@entropic/scheduler';
import { commandExecutor, type Executor, INSIDE_RUN, moduleExecutor, Pool } from '@entropic/scheduler/internal';
import { Call } from './call.js';
import { RunFuture } from './future.js';

/** Options of `Client.connect()` on this machine. */
export interface ClientOptions {
  /** Runs at once. @defaultValue the cores that this process may use */
  threads?: number;
  /**
   * Where runs are kept apart from your program: in threads, or in child processes, whose crash ends only the run. A runner's own wins.
   * @defaultValue 'thread'
   */
  isolation?: Isolation;
}

/** Options of one submitted run. */
export interface SubmitOptions {
  /** Longest time, from its start. @defaultValue the runner's own, else none */
  timeout?: Duration;
}

/** What `schedulerInfo()` tells. */
export interface SchedulerInfo {
  /** What the slots of this client are. A run with an isolation of its own, or a memory limit, has a slot in its own way. */
  kind: 'threads' | 'processes';
  /** Runs at once. */
  threads: number;
  running: number;
  queued: number;
}

export class Client implements SweepClient, AsyncDisposable {
  readonly #pool: Pool;
  readonly #sources = new Map<string, ModuleSource>();
  readonly #executors = new Map<unknown, Executor>();
  #counter = 0;
  #closed: Promise<void> | undefined;

  private constructor(threads: number, isolation: Isolation) {
    this.#pool = new Pool(threads, isolation);
  }

  /**
   * Threads, or processes, of this machine. They start with the first run.
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
    checkOptionNames(options, ['threads', 'isolation'], 'Client.connect');
    const { threads = availableParallelism(), isolation = 'thread' } = options ?? {};
    return new Client(
      integerOption(threads, 1, 'Client.connect: threads'),
      oneOfOption(isolation, ['thread', 'process'], 'Client.connect: isolation'),
    );
  }

  /** Runs at once. */
  get slots(): number {
    return this.#pool.slots;
  }

  /**
   * Runs a module's function with these params in a free slot, and returns at once.
   * @param params anything that can be sent to a thread or a process (structured clone)
   */
  submit<Params, Value>(
    runner: ModuleRunner<Params, Value> | URL,
    params: NoInfer<Params>,
    options?: SubmitOptions,
  ): RunFuture<Value> {
    return this.map(runner, [params], options)[0] as RunFuture<Value>;
  }

  /**
   * One `submit` for each of the params, in their order. Calls of a tiny function travel in batches, so that a message is not dearer than
   * the work; a call that takes long never makes those behind it wait.
   */
  map<Params, Value>(
    runner: ModuleRunner<Params, Value> | URL,
    params: Iterable<NoInfer<Params>>,
    options?: SubmitOptions,
  ): RunFuture<Value>[] {
    this.#assertOpen();
    checkOptionNames(options, ['timeout'], 'submit');
    const module = toModule(runner);
    const timeout = options?.timeout === undefined ? module.timeout : parseDuration(options.timeout, 'submit: timeout');
    const source = this.#sourceOf(module);
    const kind = { timeout, isolation: module.isolation, memoryLimit: module.memoryLimit };
    const calls = Array.from(params, (one) => new Call<Value>(++this.#counter, one, kind, this.#pool));
    // The threads start while the code is built.
    this.#pool.warm(module.isolation);
    void send(calls, source, module.export);
    return calls.map((call) => new RunFuture(call));
  }

  /** The values of futures, in their order. Rejects with the first failure. */
  async gather<Value>(futures: Iterable<RunFuture<Value>>): Promise<Value[]> {
    const calls = Array.from(futures, (future) => RunFuture.callOf(future));
    await new Promise<void>((resolve, reject) => {
      let left = calls.length;
      if (left === 0) resolve();
      const one = ({ status, error }: Call<Value>) => {
        if (status !== 'finished') reject(error);
        else if (--left === 0) resolve();
      };
      for (const call of calls) call.whenOver(one);
    });
    return calls.map(({ value }) => value as Value);
  }

  /** The futures, each when it is over, in the order in which they end. */
  async *asCompleted<Value>(futures: Iterable<RunFuture<Value>>): AsyncGenerator<RunFuture<Value>, void, undefined> {
    const done: RunFuture<Value>[] = [];
    let wake: (() => void) | undefined;
    let count = 0;
    for (const future of futures) {
      count++;
      RunFuture.callOf(future).whenOver(() => {
        done.push(future);
        wake?.();
      });
    }
    for (let i = 0; i < count; i++) {
      if (i >= done.length) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      yield done[i] as RunFuture<Value>;
    }
  }

  /** Cancels futures; those that are over stay as they are. */
  cancel(futures: RunFuture<unknown> | Iterable<RunFuture<unknown>>): void {
    for (const future of futures instanceof RunFuture ? [futures] : futures) future.cancel();
  }

  schedulerInfo(): SchedulerInfo {
    const { slots: threads, isolation, running, queued } = this.#pool;
    return { kind: isolation === 'process' ? 'processes' : 'threads', threads, running, queued };
  }

  /** What waits is cancelled, what runs is awaited; then threads and processes end. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#pool.close();
    for (const executor of this.#executors.values()) await executor.close();
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
    const command = asCommandRunner(runner);
    const module = command ? undefined : toModule(runner as ModuleRunner | URL);
    const key = module ? keyOf(module) : command;
    let executor = this.#executors.get(key);
    if (!executor) {
      if (command) executor = commandExecutor(command, this.#pool, false);
      else executor = moduleExecutor(module as ModuleRunner, this.#pool, false);
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
  if (asCommandRunner(runner)) {
    throw new InvalidOptionError(
      'runner: a command gives a file and no value, and a submitted run has no place for a file; open a store with the command and sweep with { client }',
    );
  }
  throw new InvalidOptionError(
    `runner: ${show(runner)} cannot be sent to a thread; give new URL('./simulate.ts', import.meta.url) or moduleRunner(url)`,
  );
}

function keyOf(module: ModuleRunner): string {
  const { url, export: name, isolation, timeout, memoryLimit, retries } = module;
  return `${url.href}#${name} ${isolation} ${timeout} ${memoryLimit} ${JSON.stringify(retries)}`;
}

/** Into the pool's queue, when it is known what code they are to run. */
async function send<Value>(calls: readonly Call<Value>[], source: ModuleSource, name: string): Promise<void> {
  try {
    const { file, url } = await source.current();
    const code = { file, url, export: name };
    for (const call of calls) call.send(code);
  } catch (error) {
    // The code does not build.
    for (const call of calls) if (!call.over) call.fail(error);
  }
}
