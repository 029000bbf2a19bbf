// The contract of executors, kept by commands: each run is a program of its own, in the slots of a client, and in the store's own.
import { Client } from 'entropic';
import { afterAll, beforeAll, describe } from 'vitest';
import { badCommands } from './executor/bad-commands.js';
import { goodRuns } from './executor/good-runs.js';
import type { Kind } from './executor/kit.js';
import { logs } from './executor/logs.js';
import { stopping } from './executor/stopping.js';
import { tails } from './executor/tails.js';

let client: Client | undefined;
beforeAll(async () => {
  client = await Client.connect({ threads: 2 });
});
afterAll(() => client?.close());

const kind: Kind = { name: 'command', slots: 2, client: () => client };

describe('[S2] [D1] [D8] an executor (command)', () => {
  describe('a good run', () => goodRuns(kind));
  describe('a bad run', () => badCommands(kind));
  describe('a run that is to stop', () => stopping(kind));
  describe('[D9] the log of a run', () => logs(kind));
  describe('[D9] [Q7] the last lines', () => tails(kind));
});

describe("[S2] the store's own slot (command)", () => {
  describe('a good run', () => goodRuns({ name: 'command', slots: 1, client: () => undefined }));
});
