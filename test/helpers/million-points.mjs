// A grid of a million points is counted and walked in a process of its own. Prints what it cost as JSON.
import { grid, linspace, range } from 'entropic';

// Collected first: what the modules left is not the grid's.
const collect = () => globalThis.gc();
const rss = () => process.memoryUsage.rss() / 2 ** 20;

collect();
const before = rss();
let highest = before;
const base = grid({ seed: range(1000), n: range(10) });
const million = base.times({ dt: linspace(0, 1, 100) });
const count = million.count();
let walked = 0;
let sum = 0;
let last;
for await (const point of million) {
  walked++;
  sum += point.seed * 1000 + point.n + point.dt;
  last = point;
  if (walked % 50_000 === 0) highest = Math.max(highest, rss());
}
const filtered = million.where(({ n }) => n === 3).count();
console.log(JSON.stringify({ count, walked, sum, last, filtered, megabytes: Math.max(highest, rss()) - before }));
