// The contract of executors, kept by the one warm slot that a store keeps for a module when there is no client.
import { describe } from 'vitest';
import { goodRuns } from './executor/good-runs.js';
import type { Kind } from './executor/kit.js';

const kind: Kind = { name: 'threads', slots: 1, client: () => undefined };

describe("[S2] the store's own slot (threads)", () => {
  describe('a good run', () => goodRuns(kind));
});
