// What a program writes into a page that people wrote: only what stands between two comments. Used by run.mjs and growth.mjs.
import { readFileSync, writeFileSync } from 'node:fs';

/**
 * @param {string} file
 * @param {string} name of the comments `<!-- name: begin -->` and `<!-- name: end -->`
 * @param {string} text
 */
export function writeBetweenMarkers(file, name, text) {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const page = readFileSync(file, 'utf8');
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has no ${begin} … ${end}`);
  writeFileSync(file, `${page.slice(0, from + begin.length)}\n${text}${page.slice(to)}`);
}
