// What the figures were measured on. Used by run.mjs and growth.mjs.
import { cpus, release, totalmem, type } from 'node:os';

export function describeMachine() {
  const processors = cpus();
  return {
    cpu: (processors[0]?.model ?? 'unknown processor').replace(/\s+/g, ' ').trim(),
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()}`,
    node: process.versions.node,
  };
}
