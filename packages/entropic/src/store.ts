// Store = RunStore + sweep + the user's runner. The one class that people open.
import {
  type AnyModel,
  type CommandRunner,
  type Exact,
  type Flat,
  type FullOf,
  InvalidOptionError,
  type ModuleRunner,
  type ParamsOf,
  type RunnerFunction,
  type RunnerParams,
  RunStore,
  type Source,
  type StoreOptions,
} from '@entropic/core';
import {
  asCommandRunner,
  asModuleRunner,
  type OpenedStore,
  realSeams,
  type Seams,
  show,
} from '@entropic/core/internal';
import { Sweep, type SweepClient, type SweepOptions, type SweepPlan } from '@entropic/scheduler';
import {
  type AnyFunction,
  commandExecutor,
  type Executor,
  INSIDE_RUN,
  inlineExecutor,
  moduleExecutor,
  Pool,
  planSweep,
} from '@entropic/scheduler/internal';

/** What `Store.open` takes. */
export interface OpenOptions<M extends AnyModel> extends StoreOptions {
  /** The result model: from `defineResult`, a TypeORM `EntitySchema`, or a decorated class that extends `Base`. */
  model: M;
  /**
   * The simulation: the URL of a module, or `moduleRunner(url, options)`, whose function runs in threads; `commandRunner(argv)`, which
   * starts a program for each run; or a function, which runs in this process. Without a runner the store only answers from what is stored.
   */
  runner?: RunnerFunction<FullOf<M>> | ModuleRunner<RunnerParams<FullOf<M>>, unknown> | CommandRunner | URL;
}

/**
 * A durable cache of runs, keyed by their params: each distinct point runs once, its file and its row are kept.
 *
 * @example
 * await using store = await Store.open({ model: SimResult, runner: simulate, resultsDir: './results', fileSuffix: '.npy' });
 * const record = await store.runOrRetrieve({ n: 100, steps: 5000, dt: 0.01 });
 */
export class Store<In, Full> extends RunStore<In, Full> {
  readonly #executor: Executor | undefined;
  readonly #runner: unknown;

  private constructor(parts: OpenedStore, executor: Executor | undefined, runner: unknown) {
    super(parts, executor !== undefined);
    this.#executor = executor;
    this.#runner = runner;
  }

  /**
   * Opens a store, making the database, the table and the folder if they are not there. What a killed process had finished is
   * recovered first.
   * @throws InvalidOptionError, SchemaDriftError, ConnectionError, StoreCorruptError, StoreFullError
   */
  static open<M extends AnyModel>(options: OpenOptions<M>): Promise<Store<ParamsOf<M>, FullOf<M>>> {
    return openStore(options, realSeams);
  }

  /** @internal */
  static async openWith<M extends AnyModel>(
    options: OpenOptions<M>,
    seams: Seams,
  ): Promise<Store<ParamsOf<M>, FullOf<M>>> {
    assertOutsideRun();
    const executor = toExecutor(options?.runner, seams);
    const parts = await RunStore.openParts(options, executor, seams);
    return new Store(parts, executor, options.runner);
  }

  /**
   * Runs every point of a grid, a list or a generator that has no result yet, and returns the records of all.
   *
   * @param source an object of arrays (all combinations, the last axis fastest), an array of points, or an (async) iterable of points
   * @returns a handle: `await` it for the records in the order of the points, or `for await` it for outcomes as they complete
   * @example
   * const records = await store.sweep({ n: [50, 100], steps: [5000], dt: [0.01, 0.005] });
   */
  sweep<const S extends Source<In>>(source: S & Exact<S, In>, options?: SweepOptions<Flat<Full>>): Sweep<Full> {
    this.engine.assertOpen();
    const executor = options?.client === undefined ? this.#executor : this.#clientExecutor(options.client);
    return new Sweep<Full>(this.engine, source, options as SweepOptions | undefined, executor, () =>
      this.assertRunnable(),
    );
  }

  /**
   * What a sweep of this source would do: hits, misses, points that failed before, and a forecast from past runs. Writes nothing.
   *
   * @param source as of `sweep`
   */
  plan<const S extends Source<In>>(source: S & Exact<S, In>): Promise<SweepPlan> {
    this.engine.assertOpen();
    return this.engine.track(planSweep(this.engine, source));
  }

  override async close(): Promise<void> {
    try {
      await super.close();
    } finally {
      await this.#executor?.close();
    }
  }

  #clientExecutor(client: SweepClient): Executor | undefined {
    if (typeof client?.executorFor !== 'function') {
      throw new InvalidOptionError('sweep: client must be a Client: const client = await Client.connect()');
    }
    return this.#runner === undefined ? undefined : client.executorFor(this.#runner);
  }
}

/** `Store.open` with the world outside replaced: for tests of what happens when it fails. */
export function openStore<M extends AnyModel>(
  options: OpenOptions<M>,
  seams: Seams,
): Promise<Store<ParamsOf<M>, FullOf<M>>> {
  return Store.openWith(options, seams);
}

function toExecutor(runner: unknown, seams: Seams): Executor | undefined {
  if (runner === undefined) return undefined;
  if (typeof runner === 'function') return inlineExecutor(runner as AnyFunction, seams);
  const module = asModuleRunner(runner);
  // One warm slot, started with the first miss.
  if (module) return moduleExecutor(module, new Pool(1), true);
  const command = asCommandRunner(runner);
  if (command) return commandExecutor(command, new Pool(1), true, seams);
  throw new InvalidOptionError(
    `runner: ${show(runner)} is no runner; pass a function, a URL of a module, moduleRunner(url), or commandRunner(argv)`,
  );
}

/** A runner module that is the program itself would open its store, and sweep, in every thread again. */
function assertOutsideRun(): void {
  if (!(INSIDE_RUN in globalThis)) return;
  throw new InvalidOptionError(
    'a store cannot be opened inside a run: the runner module is the program itself, or imports it. Move the runner to a file of its own, which does not open a store',
  );
}
