// The contract of executors, kept by the one that runs a function in this process.
import { describe } from 'vitest';
import { badRuns } from './executor/bad-runs.js';
import { goodRuns } from './executor/good-runs.js';
import type { Kind } from './executor/kit.js';
import { stopping } from './executor/stopping.js';

const kind: Kind = { name: 'inline', slots: 1, client: () => undefined };

describe('[S2] an executor (inline)', () => {
  describe('a good run', () => goodRuns(kind));
  describe('a bad run', () => badRuns(kind));
  describe('a run that is to stop', () => stopping(kind));
});
