// A bundle's export as a function, in a slot: each bundle is imported once. Called by slot-run.ts.
import { pathToFileURL } from 'node:url';
import type { RunContext } from '@entropic/core';
import type { SlotCode } from './slot-work.js';

export type Runner = (params: unknown, run: RunContext) => unknown;

const runners = new Map<string, Promise<Runner>>();
/** How often a bundle failed to load. */
const failures = new Map<string, number>();

export function loadRunner(code: SlotCode): Promise<Runner> {
  const key = `${code.file}#${code.export}`;
  let runner = runners.get(key);
  if (!runner) {
    runner = importRunner(code);
    runners.set(key, runner);
    // A module that failed to load may load the next time: what it read may be there then.
    runner.catch(() => {
      runners.delete(key);
      failures.set(code.file, (failures.get(code.file) ?? 0) + 1);
    });
  }
  return runner;
}

async function importRunner(code: SlotCode): Promise<Runner> {
  const url = pathToFileURL(code.file);
  url.searchParams.set('runner', code.url);
  // Node remembers a failed import for ever; under another URL it tries again.
  const tried = failures.get(code.file);
  if (tried !== undefined) url.searchParams.set('try', String(tried));
  const module = (await import(url.href)) as Record<string, unknown>;
  // What `module.exports` of a CommonJS runner holds is the default export here; its own exports are in there.
  const inner = (typeof module.default === 'object' && module.default !== null ? module.default : {}) as typeof module;
  const runner = [module[code.export], inner[code.export]].find((value) => typeof value === 'function');
  if (runner !== undefined) return runner as Runner;
  const names = new Set([...functionsOf(module), ...functionsOf(inner)]);
  const has = names.size > 0 ? `it has ${[...names].join(', ')}` : 'it exports no function';
  throw new Error(`${code.url} has no function as export "${code.export}"; ${has}`);
}

function functionsOf(module: Record<string, unknown>): string[] {
  return Object.keys(module).filter((name) => typeof module[name] === 'function');
}
