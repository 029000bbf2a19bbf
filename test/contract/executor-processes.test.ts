// The contract of executors, kept by the processes of a client: one client for all tests, so that what one leaves behind spoils the next.
import type { Client } from 'entropic';
import { afterAll, beforeAll, describe } from 'vitest';
import { badRuns } from './executor/bad-runs.js';
import { goodRuns } from './executor/good-runs.js';
import { connect, type Kind } from './executor/kit.js';
import { logs } from './executor/logs.js';
import { stopping } from './executor/stopping.js';
import { tails } from './executor/tails.js';

let client: Client | undefined;
beforeAll(async () => {
  client = await connect(kind, 2);
});
afterAll(() => client?.close());

const kind: Kind = { name: 'processes', slots: 2, client: () => client };

describe('[S2] [D1] [D2] an executor (processes)', () => {
  describe('a good run', () => goodRuns(kind));
  describe('a bad run', () => badRuns(kind));
  describe('a run that is to stop', () => stopping(kind));
  describe('[D9] the log of a run', () => logs(kind));
  describe('[D9] [Q7] the last lines', () => tails(kind));
});
