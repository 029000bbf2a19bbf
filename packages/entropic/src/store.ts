// Store = RunStore + sweep + the user's runner. The one class that people open.
import {
  type AnyModel,
  type Exact,
  type FullOf,
  InvalidOptionError,
  type ParamsOf,
  type RunnerFunction,
  RunStore,
  type Source,
  type StoreOptions,
} from '@entropic/core';
import { type OpenedStore, realSeams, type Seams, show } from '@entropic/core/internal';
import { Sweep, type SweepOptions } from '@entropic/scheduler';
import { type AnyFunction, type Executor, inlineExecutor } from '@entropic/scheduler/internal';

/** What `Store.open` takes. */
export interface OpenOptions<M extends AnyModel> extends StoreOptions {
  /** The result model: from `defineResult`, a TypeORM `EntitySchema`, or a decorated class that extends `Base`. */
  model: M;
  /**
   * The simulation: a function that runs in this process. Without a runner the store only answers from what is stored.
   * A URL of a module is understood, but not run yet in this version.
   */
  runner?: RunnerFunction<FullOf<M>> | URL;
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

  private constructor(parts: OpenedStore, executor: Executor | undefined) {
    super(parts, executor !== undefined);
    this.#executor = executor;
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
    const executor = toExecutor(options?.runner, seams);
    const parts = await RunStore.openParts(options, executor && { execute: executor.submit, codeDigest: null }, seams);
    return new Store(parts, executor);
  }

  /**
   * Runs every point of a grid, a list or a generator that has no result yet, and returns the records of all.
   *
   * @param source an object of arrays (all combinations, the last axis fastest), an array of points, or an (async) iterable of points
   * @returns a handle: `await` it for the records in the order of the points, or `for await` it for outcomes as they complete
   * @example
   * const records = await store.sweep({ n: [50, 100], steps: [5000], dt: [0.01, 0.005] });
   */
  sweep<const S extends Source<In>>(source: S & Exact<S, In>, options?: SweepOptions): Sweep<Full> {
    this.engine.assertOpen();
    return new Sweep<Full>(this.engine, source, options, this.#executor?.slots ?? 1, () => this.assertRunnable());
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#executor?.close();
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
  if (runner instanceof URL) {
    throw new InvalidOptionError(
      `runner: the module ${runner.href} cannot be run yet in this version; import its function and pass that: import simulate from '…'; Store.open({ runner: simulate })`,
    );
  }
  throw new InvalidOptionError(`runner: ${show(runner)} is no runner; pass a function (params, run) => …`);
}
