// Figures → the summary of each case, what became of each target, and the table in Markdown. Pure; called by run.mjs.

/** @typedef {import('./lib/process.mjs').Figure} Figure */
/** @typedef {import('./targets.mjs').Target} Target */

/**
 * @typedef {object} Summary
 * @property {string} peer
 * @property {string} case
 * @property {string} unit
 * @property {number} median
 * @property {number} min
 * @property {number} max
 * @property {number} count
 * @property {[number, number]} load1 smallest and largest load of the machine
 */

/**
 * @typedef {object} Result
 * @property {string} row
 * @property {string} title
 * @property {string} ours
 * @property {string} theirs
 * @property {string} ratio
 * @property {string} target
 * @property {'met' | 'missed' | 'not run' | ''} verdict empty: no target
 */

/** @type {ReadonlyMap<string, { of: string, factor: number }>} */
const UNITS = new Map([
  ['us', { of: 'time', factor: 1e-6 }],
  ['ms', { of: 'time', factor: 1e-3 }],
  ['s', { of: 'time', factor: 1 }],
  ['MB', { of: 'memory', factor: 1e6 }],
  ['MiB', { of: 'memory', factor: 2 ** 20 }],
]);

/** @param {number} value @param {string} from @param {string} to */
function convert(value, from, to) {
  if (from === to) return value;
  const [a, b] = [UNITS.get(from), UNITS.get(to)];
  if (a === undefined || a.of !== b?.of) throw new Error(`bench: ${from} cannot be shown in ${to}`);
  return (value * a.factor) / b.factor;
}

/** @param {readonly Figure[]} figures @returns {Summary[]} */
export function summarize(figures) {
  /** @type {Map<string, Figure[]>} */
  const groups = new Map();
  for (const figure of figures) {
    const key = `${figure.peer} ${figure.case}`;
    groups.set(key, [...(groups.get(key) ?? []), figure]);
  }
  return [...groups.values()].map((group) => {
    const first = /** @type {Figure} */ (group[0]);
    const values = group.map(({ value }) => value).sort((a, b) => a - b);
    const loads = group.map(({ load1 }) => load1);
    const at = (/** @type {number} */ i) => values[i] ?? Number.NaN;
    const half = (values.length - 1) / 2;
    return {
      peer: first.peer,
      case: first.case,
      unit: first.unit,
      median: (at(Math.floor(half)) + at(Math.ceil(half))) / 2,
      min: at(0),
      max: at(values.length - 1),
      count: values.length,
      load1: [Math.min(...loads), Math.max(...loads)],
    };
  });
}

/**
 * @param {Target} target
 * @param {readonly Summary[]} summaries
 * @returns {Result}
 */
export function judge(target, summaries) {
  const { row, title, peer, better } = target;
  const find = (/** @type {string} */ by, /** @type {string} */ name) =>
    summaries.find((summary) => summary.peer === by && summary.case === name);
  const mine = find('entropic', target.ours);
  const unit = target.unit ?? mine?.unit ?? '';
  const stat = (/** @type {Summary} */ summary) => {
    const value = target.stat === 'best' ? (better === 'lower' ? summary.min : summary.max) : summary.median;
    return convert(value, summary.unit, unit);
  };
  const show = (/** @type {Summary} */ summary) => `${shown(stat(summary))} ${unitText(unit)}`.trim();
  const sign = better === 'lower' ? '≤' : '≥';
  const ours = mine ? show(mine) : 'not run';
  if (peer === undefined) {
    const goal = target.target === undefined ? '' : `${sign} ${shown(target.target)} ${unitText(unit)}`.trim();
    return { row, title, ours, theirs: '', ratio: '', target: goal, verdict: verdictOf(target, mine && stat(mine)) };
  }
  const other = find(peer.peer, peer.case);
  const ratio = mine && other ? stat(mine) / stat(other) : undefined;
  return {
    row,
    title,
    ours,
    theirs: `${peer.name}: ${other ? show(other) : 'not run'}`,
    ratio: ratio === undefined ? '' : shown(ratio),
    target: target.target === undefined ? '' : `${sign} ${target.target}`,
    verdict: verdictOf(target, ratio),
  };
}

/** @param {Target} target @param {number | undefined} value @returns {Result['verdict']} */
function verdictOf({ target, better }, value) {
  if (target === undefined) return '';
  if (value === undefined) return 'not run';
  return (better === 'lower' ? value <= target : value >= target) ? 'met' : 'missed';
}

/** @param {readonly Result[]} results */
export function toMarkdown(results) {
  const lines = [
    '| row | measured | entropic | peer | ours / theirs | target | |',
    '|---|---|---:|---|---:|---:|---|',
    ...results.map(({ row, title, ours, theirs, ratio, target, verdict }) => {
      const cells = [row, title, ours, theirs, ratio, target, verdict === 'missed' ? '**missed**' : verdict];
      return `| ${cells.join(' | ')} |`;
    }),
  ];
  return lines.join('\n');
}

/** Three digits that mean something. @param {number} value */
export function shown(value) {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

/** @param {string} unit */
function unitText(unit) {
  return unit === 'ratio' ? '' : unit.replace(/^us$/, 'µs');
}
