// The pictures of growth.mjs, as SVG by hand: a line for each kind of call over the number of points, both axes logarithmic.

const WIDTH = 800;
const HEIGHT = 480;
const FRAME = { left: 84, right: WIDTH - 168, top: 84, bottom: HEIGHT - 66 };

/** @typedef {'time' | 'memory'} What */

const KINDS = /** @type {const} */ ([
  { kind: 'misses', name: 'misses, no fsync', mark: 's0' },
  { kind: 'hits', name: 'hits, for await', mark: 's1' },
  { kind: 'plan', name: 'plan', mark: 's2' },
]);

const TEXTS = {
  time: { title: 'Time for each point', axis: 'microseconds a point' },
  memory: { title: 'Peak of memory', axis: 'megabytes, the whole process' },
};

// The colours of Okabe and Ito for light, lighter ones of the same hues for dark. Its own background makes it legible on any page.
const STYLE = `
  text { font: 14px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; fill: #24292f }
  .title { font-size: 18px; font-weight: 600 }
  .soft { fill: #57606a; font-size: 13px }
  .back { fill: #ffffff; stroke: #d0d7de }
  .grid { stroke: #eaeef2 }
  .axis { stroke: #57606a; fill: none }
  .line { stroke-width: 2; fill: none }
  .mark { stroke-width: 2; fill: #ffffff }
  .span { stroke-width: 1.5 }
  .s0 { stroke: #d55e00 } .s1 { stroke: #0072b2 } .s2 { stroke: #009e73 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .soft { fill: #9198a1 }
    .back { fill: #0d1117; stroke: #3d444d }
    .grid { stroke: #21262d }
    .axis { stroke: #9198a1 }
    .mark { fill: #0d1117 }
    .s0 { stroke: #ff9248 } .s1 { stroke: #58b4ec } .s2 { stroke: #2fd3a2 }
  }`;

/**
 * @typedef {object} Place one measured size of a kind
 * @property {number} size
 * @property {number} low
 * @property {number} middle
 * @property {number} high
 */

/**
 * @param {import('./growth.mjs').Growth} growth
 * @param {What} what
 * @returns {string} the text of an SVG file
 */
export function drawGrowth(growth, what) {
  const series = KINDS.map((kind) => ({ ...kind, places: placesOf(growth, kind.kind, what) })).filter(
    ({ places }) => places.length > 0,
  );
  const all = series.flatMap(({ places }) => places);
  const x = logScale(decades(all.map(({ size }) => size)), FRAME.left, FRAME.right);
  const y = logScale(decades(all.flatMap(({ low, high }) => [low, high])), FRAME.bottom, FRAME.top);
  const { title, axis } = TEXTS[what];
  const { cpu, cores, node } = growth.machine;
  const loads = growth.samples.map(({ load1 }) => load1);
  const load = `load ${Math.min(...loads)}–${Math.max(...loads)}`;
  const subtitle = `${cpu}, ${cores} cores, Node ${node}, ${growth.date.slice(0, 10)}, ${load}; medians of ${growth.reps} and their span`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title">
<title id="title">${title} over the number of points of a sweep</title>
<style>${STYLE}
</style>
<rect class="back" x="0.5" y="0.5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="8"/>
<text class="title" x="${FRAME.left}" y="36">${title}</text>
<text class="soft" x="${FRAME.left}" y="58">${subtitle}</text>
${drawAxes(x, y, axis)}
${series.map((one) => drawSeries(one, x, y)).join('\n')}
${drawNames(series, y)}
</svg>
`;
}

/** @param {import('./growth.mjs').Growth} growth @param {string} kind @param {What} what @returns {Place[]} */
function placesOf({ samples }, kind, what) {
  const mine = samples.filter((sample) => sample.kind === kind);
  return [...new Set(mine.map(({ size }) => size))].map((size) => {
    const values = mine
      .filter((sample) => sample.size === size)
      .map((sample) => (what === 'time' ? sample.usPerPoint : sample.peakMb))
      .sort((a, b) => a - b);
    const at = (/** @type {number} */ i) => /** @type {number} */ (values[i]);
    return { size, low: at(0), middle: at(Math.floor(values.length / 2)), high: at(values.length - 1) };
  });
}

/**
 * The whole powers of ten around all values, at least one decade.
 *
 * @param {readonly number[]} values
 */
function decades(values) {
  const from = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  return { from, to: Math.max(from + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9)) };
}

/** @param {{ from: number, to: number }} range @param {number} start @param {number} end */
function logScale({ from, to }, start, end) {
  const at = (/** @type {number} */ value) => start + ((Math.log10(value) - from) / (to - from)) * (end - start);
  return { at, from, to };
}

/** @typedef {ReturnType<typeof logScale>} Scale */

/** @param {Scale} x @param {Scale} y @param {string} label */
function drawAxes(x, y, label) {
  const { left, right, top, bottom } = FRAME;
  const lines = [];
  for (let power = y.from; power <= y.to; power++) {
    const line = round(y.at(10 ** power));
    lines.push(`<path class="grid" d="M${left} ${line}H${right}"/>`);
    lines.push(`<text class="soft" x="${left - 10}" y="${line + 4}" text-anchor="end">${number(power)}</text>`);
    if (power === y.to) break;
    for (const step of [2, 5]) {
      const between = round(y.at(step * 10 ** power));
      lines.push(`<path class="axis" d="M${left} ${between}h5"/>`);
      lines.push(
        `<text class="soft" x="${left - 10}" y="${between + 4}" text-anchor="end">${number(power, step)}</text>`,
      );
    }
  }
  for (let power = x.from; power <= x.to; power++) {
    const line = round(x.at(10 ** power));
    lines.push(`<path class="grid" d="M${line} ${top}V${bottom}"/>`);
    lines.push(`<text class="soft" x="${line}" y="${bottom + 22}" text-anchor="middle">${number(power)}</text>`);
  }
  lines.push(`<path class="axis" d="M${left} ${top}V${bottom}H${right}"/>`);
  const middle = (left + right) / 2;
  lines.push(`<text x="${middle}" y="${HEIGHT - 16}" text-anchor="middle">points of the sweep</text>`);
  const turned = `rotate(-90 24 ${(top + bottom) / 2})`;
  lines.push(`<text x="24" y="${(top + bottom) / 2}" text-anchor="middle" transform="${turned}">${label}</text>`);
  return lines.join('\n');
}

/** @param {{ mark: string, places: Place[] }} series @param {Scale} x @param {Scale} y */
function drawSeries({ mark, places }, x, y) {
  const path = places.map(({ size, middle }) => `${round(x.at(size))} ${round(y.at(middle))}`).join('L');
  const spans = places.map(
    ({ size, low, high }) =>
      `<path class="span ${mark}" d="M${round(x.at(size))} ${round(y.at(low))}V${round(y.at(high))}"/>`,
  );
  const marks = places.map(
    ({ size, middle }) =>
      `<circle class="mark ${mark}" cx="${round(x.at(size))}" cy="${round(y.at(middle))}" r="4.5"/>`,
  );
  return [`<path class="line ${mark}" d="M${path}"/>`, ...spans, ...marks].join('\n');
}

/**
 * The names at the right of the frame, at the heights where their lines end, moved apart where two would lie on each other.
 *
 * @param {readonly { name: string, mark: string, places: Place[] }[]} series
 * @param {Scale} y
 */
function drawNames(series, y) {
  const left = FRAME.right + 14;
  let free = 0;
  return series
    .map(({ name, mark, places }) => ({
      name,
      mark,
      end: round(y.at(/** @type {Place} */ (places.at(-1)).middle)) + 5,
    }))
    .sort((a, b) => a.end - b.end)
    .map(({ name, mark, end }) => {
      const base = Math.max(end, free);
      free = base + 18;
      return `<path class="line ${mark}" d="M${left} ${base - 5}h12"/><text x="${left + 17}" y="${base}">${name}</text>`;
    })
    .join('\n');
}

/** @param {number} power @param {number} [times] */
function number(power, times = 1) {
  const value = times * 10 ** power;
  return value < 1 ? String(Number(value.toPrecision(2))) : value.toLocaleString('en-US');
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}
