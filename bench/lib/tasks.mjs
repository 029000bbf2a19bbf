// The client of the rows that measure single tasks, and its runners.
import { Client, moduleRunner } from 'entropic';

const url = new URL('./work.mjs', import.meta.url);

/**
 * A function of work.mjs; the constants say its types.
 *
 * @param {'noop' | 'sleep10' | 'work'} name
 * @returns {any}
 */
const runnerOf = (name) => moduleRunner(url, { export: name });

/** @type {import('entropic').ModuleRunner<number, number>} */
export const noop = runnerOf('noop');
/** @type {import('entropic').ModuleRunner<number, void>} */
export const sleep10 = runnerOf('sleep10');
/** @type {import('entropic').ModuleRunner<number, number>} */
export const work = runnerOf('work');
/** Writes one byte: the runner of sweeps. */
export const oneByteModule = url;

/**
 * Two threads, or processes, both up: as the peers' clusters are before their clocks start.
 *
 * @param {import('entropic').ClientOptions['isolation']} [isolation]
 */
export async function connectWarm(isolation = 'thread') {
  const client = await Client.connect({ threads: 2, isolation });
  await inWindow(client, 200, 16);
  return client;
}

/**
 * `count` no-ops with at most `width` under way.
 *
 * @param {Client} client @param {number} count @param {number} width
 */
export async function inWindow(client, count, width) {
  let next = 0;
  const lane = async () => {
    while (next < count) await client.submit(noop, next++).result();
  };
  await Promise.all(Array.from({ length: width }, lane));
}
