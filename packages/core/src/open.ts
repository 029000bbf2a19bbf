// Opens everything that a store is made of, in order, and closes it again if a later step fails. The seams are the world outside:
// a test puts its own in. Called by RunStore.open.
import { hostname } from 'node:os';
import { Attempts } from './attempts.js';
import { Claimer } from './claims.js';
import { openDatabase } from './database/connection.js';
import type { Database } from './database/database.js';
import { prepareSchema } from './database/migrations.js';
import { Engine } from './engine.js';
import { toModel } from './entity-model.js';
import { InvalidOptionError } from './errors.js';
import { EventBus } from './event-bus.js';
import { Failures } from './failures.js';
import { Heartbeat } from './heartbeat.js';
import { Ingest } from './ingest.js';
import { Journals } from './journals.js';
import { Leases } from './leases.js';
import { Finder } from './lookup.js';
import { makeOwner, ownerState } from './owner.js';
import { compileSchema, type PointSchema } from './params.js';
import { StorePaths } from './paths.js';
import { Publisher } from './publish.js';
import { Recovery } from './recover.js';
import { checkResultsDir, claimResultsDir } from './results-dir.js';
import { Runs } from './runs.js';
import type { Seams } from './seams.js';
import { asStoreError } from './store-error.js';
import { type ResolvedOptions, resolveStoreOptions, type StoreOptions } from './store-options.js';
import type { TaskRunner } from './task.js';

/** A store's parts, for run-store.ts and for what asks about many runs. */
export interface OpenedStore {
  options: ResolvedOptions;
  schema: PointSchema;
  engine: Engine;
  database: Database;
  runs: Runs;
  leases: Leases;
  attempts: Attempts;
  finder: Finder;
  recovery: Recovery;
  publisher: Publisher;
  ingest: Ingest;
  journals: Journals;
  heartbeat: Heartbeat;
  paths: StorePaths;
  events: EventBus;
  seams: Seams;
  host: string;
  owner: string;
}

export async function openParts(
  raw: StoreOptions & { model: unknown },
  runner: TaskRunner | undefined,
  seams: Seams,
): Promise<OpenedStore> {
  const options = resolveStoreOptions(raw);
  const owner = makeOwner(seams.ids.nonce());
  const paths = new StorePaths({ resultsDir: options.resultsDir, fileSuffix: options.fileSuffix, owner });
  const { getMetadataArgsStorage } = await import('typeorm');
  const model = toModel(raw.model, getMetadataArgsStorage() as Parameters<typeof toModel>[1]);
  runner?.check?.(model.columns.map(({ name }) => name));
  const events = new EventBus(model.tableName, seams.clock.now, options.logger);
  const database = await openDatabase(options.target, options);
  try {
    const { readOnly } = options;
    const prepared = await prepareSchema(database, model, {
      readOnly,
      now: seams.clock.now(),
      newStoreId: seams.ids.nonce(),
    });
    const folderOwner = { table: model.tableName, storeId: prepared.storeId, database: database.address };
    if (readOnly) checkResultsDir(paths, folderOwner, seams);
    else claimResultsDir(paths, folderOwner, seams, events);
    const schema = compileSchema(model, prepared.frozenDefaults);
    const store = assemble({ options, schema, database, paths, events, seams, owner, runner });
    if (!readOnly) await store.recovery.atOpen();
    events.emit({ type: 'store.opened', database: database.address, resultsDir: paths.resultsDir });
    return store;
  } catch (error) {
    await database.close();
    throw asStoreError(error, paths.resultsDir);
  }
}

function assemble(given: {
  options: ResolvedOptions;
  schema: PointSchema;
  database: Database;
  paths: StorePaths;
  events: EventBus;
  seams: Seams;
  owner: string;
  runner: TaskRunner | undefined;
}): OpenedStore {
  const { options, schema, database, paths, events, seams, owner, runner } = given;
  const table = schema.model.tableName;
  const host = hostname();
  const { now, elapsed } = seams.clock;
  const leaseMs = options.leaseSeconds * 1000;
  const runs = new Runs(database, schema.model);
  const leases = new Leases(database, { table, owner, leaseMs, stateOf: ownerState });
  const attempts = new Attempts(database, table, leases);
  const finder = new Finder({ runs, leases, fs: seams.fs, paths, schema, events, verify: options.verify });
  const publisher = new Publisher({ fs: seams.fs, paths, events, now, nonce: seams.ids.nonce });
  const journals = new Journals(seams.fs, paths.ownerDir);
  const ingest = new Ingest({
    runs,
    fs: seams.fs,
    paths,
    events,
    publisher,
    finder,
    journals,
    owner,
    host,
    durable: options.durability === 'full',
    leaseSeconds: options.leaseSeconds,
    now,
    elapsed,
    stillMine: (ids) => leases.mine(ids),
    inFlight: () => claimer.inFlight,
  });
  const recovery = new Recovery({
    fs: seams.fs,
    paths,
    schema,
    runs,
    leases,
    ingest,
    events,
    owner,
    stateOf: ownerState,
    now,
  });
  const heartbeat = new Heartbeat({ target: options.target, owner, leaseMs }, (error) =>
    events.emit({ type: 'store.trouble', what: 'the heartbeat', message: error.message }),
  );
  const { leaseSeconds } = options;
  const claimer: Claimer = new Claimer({
    ...{ leases, finder, ingest, recovery, heartbeat, events, paths, clock: seams.clock, leaseSeconds },
  });
  const failures = new Failures({ attempts, events, clock: seams.clock, host });
  const engine = new Engine({
    ...{
      schema,
      runs,
      leases,
      finder,
      ingest,
      journals,
      claimer,
      failures,
      heartbeat,
      events,
      paths,
      seams,
      runner: runner ?? NO_RUNNER,
    },
  });
  return {
    options,
    schema,
    engine,
    database,
    runs,
    leases,
    attempts,
    finder,
    recovery,
    publisher,
    ingest,
    journals,
    heartbeat,
    paths,
    events,
    seams,
    host,
    owner,
  };
}

/** The public calls say so earlier and better; this is for a path that forgot to ask. */
const NO_RUNNER: TaskRunner = {
  defaults: {},
  codeDigest: async () => null,
  submit: () => Promise.reject(new InvalidOptionError('this store has no runner')),
};
