// Loaded before the quickstart (`node --import`): logs every execution by the file that the runner writes, and, when told to,
// ends the process by SIGKILL right behind the Nth result that got its final name: after the link, before the row.
import fs from 'node:fs';
import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';

const killAt = Number(process.env.KILL_AT_LINK ?? 0);
const { linkSync } = fs;
const { writeFile } = fsp;
let links = 0;

fsp.writeFile = (path, ...rest) => {
  const id = /^([0-9a-f]{16})\.\d+\.npy$/.exec(basename(String(path)))?.[1];
  if (id !== undefined) fs.appendFileSync(process.env.EXECUTIONS_LOG, `${id}\n`);
  return writeFile(path, ...rest);
};

fs.linkSync = (from, to) => {
  linkSync(from, to);
  if (!String(to).endsWith('.npy')) return;
  links += 1;
  if (links === killAt) process.kill(process.pid, 'SIGKILL');
};

syncBuiltinESMExports();
