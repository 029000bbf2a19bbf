// A store of many results, made fast: the files are written directly, the rows by the product's own leases and commits, in chunks.
// Kept in a cache folder and used again. Called by rows/hits-1m.mjs and growth.mjs; alone: node bench/fixture.mjs 1000000
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunStore } from '@entropic/core';
import { Point, pointsOf, storePlace } from './lib/points.mjs';

const NAME = 'filled';
const CHUNK = 250;
/** Counts up when what is made here changes. */
const VERSION = 3;
/** SHA-256 of the one byte that every file holds. */
const SHA256 = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881';

/** Opens the parts of a store, which siblings may have. */
class Maker extends RunStore {
  /** @param {string} folder */
  static openIn(folder) {
    return RunStore.openParts({ model: Point, ...storePlace(folder, NAME), durability: 'process' }, undefined);
  }
}

/** Where fixtures are kept unless told otherwise. */
export const defaultCache = join(tmpdir(), 'entropic-bench-cache');

/**
 * The folder of a store named `filled` with `size` results; made if it is not there or not whole.
 *
 * @param {number} size a multiple of ten
 * @param {string} [cache]
 */
export async function ensureFixture(size, cache = defaultCache) {
  const folder = join(resolve(cache), `hits-${size}-v${VERSION}`);
  const marker = join(folder, 'whole.json');
  if (existsSync(marker) && JSON.parse(readFileSync(marker, 'utf8')).size === size) return folder;
  const making = `${folder}.making`;
  // Left by one that was killed.
  for (const path of [folder, making]) rmSync(path, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  await fill(making, size);
  writeFileSync(join(making, 'whole.json'), JSON.stringify({ size }));
  renameSync(making, folder);
  return folder;
}

/** @param {string} folder @param {number} size */
async function fill(folder, size) {
  const parts = await Maker.openIn(folder);
  const { engine, leases, runs, paths, owner } = parts;
  const host = hostname();
  const points = pointsOf(size);
  const committedAt = Date.now();
  // A whole second, which every way of setting a file's time keeps exactly.
  const seconds = Math.floor(committedAt / 1000);
  for (let from = 0; from < size; from += CHUNK) {
    const chunk = points.slice(from, from + CHUNK).map((params) => engine.resolve(params));
    for (const { id } of chunk) {
      const file = paths.finalFile(id);
      writeFileSync(file, 'x');
      utimesSync(file, seconds, seconds);
    }
    const { claimed } = await leases.claim(chunk.map(({ id }) => id));
    const fences = new Map(claimed.map(({ id, fence }) => [id, fence]));
    const rows = chunk.map(({ id, params, paramsText }) => ({
      id,
      fence: fences.get(id) ?? 0,
      params,
      paramsText,
      resultFile: paths.columnText(id),
      createdAt: committedAt,
      customData: '{"elapsed_seconds":0.0001}',
      sha256: SHA256,
      size: 1,
      mtimeNs: `${seconds}000000000`,
      codeDigest: null,
      elapsedSeconds: 0.0001,
      host,
      attempt: 1,
    }));
    const committed = await runs.commit(rows, { owner, committedAt });
    if (committed.size !== chunk.length) throw new Error(`${committed.size} of ${chunk.length} rows were committed`);
  }
  await engine.close();
  await parts.database.close();
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [size = '1000000', cache] = process.argv.slice(2);
  process.stdout.write(`${await ensureFixture(Number(size), cache)}\n`);
}
