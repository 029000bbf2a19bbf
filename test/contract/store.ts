// The contract of a store, chapter by chapter: what every database must keep. Run by store-sqlite.test.ts and store-postgres.test.ts.
import { describe } from 'vitest';
import type { TestDatabase } from '../helpers/databases.js';
import { asking } from './store/asking.js';
import { failingSweeps } from './store/failing-sweeps.js';
import { folders } from './store/folders.js';
import { models } from './store/models.js';
import { names } from './store/names.js';
import { planning } from './store/planning.js';
import { processes } from './store/processes.js';
import { registering } from './store/registering.js';
import { runners } from './store/runner.js';
import { singleRuns } from './store/runs.js';
import { schemas } from './store/schema.js';
import { sharing } from './store/sharing.js';
import { sweepLoops } from './store/sweep-loops.js';
import { sweeps } from './store/sweeps.js';
import { tables } from './store/tables.js';
import { telling } from './store/telling.js';

const chapters: Readonly<Record<string, (db: TestDatabase) => void>> = {
  'one run': singleRuns,
  'a runner': runners,
  'what it tells': telling,
  'a registered file': registering,
  'asking and ending': asking,
  'a plan': planning,
  'at the same time': sharing,
  'other processes': processes,
  'a model': models,
  'the tables': tables,
  'a name': names,
  'a table that changes': schemas,
  'a results folder': folders,
  'a sweep': sweeps,
  'a sweep with failures': failingSweeps,
  'a loop over a sweep': sweepLoops,
};

export function storeContract(db: TestDatabase): void {
  for (const [name, chapter] of Object.entries(chapters)) describe(name, () => chapter(db));
}
