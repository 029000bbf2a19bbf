// The picture of the demo, as SVG by hand: the points of each size with their error bars, the exact curve, the critical temperature.
import { CRITICAL_TEMPERATURE, exactMagnetization } from './onsager.js';
import type { Summary } from './report.js';

const WIDTH = 800;
const HEIGHT = 500;
const FRAME = { left: 74, right: WIDTH - 28, top: 76, bottom: HEIGHT - 62 };
/** Above 1, so that the points of the coldest lattices are not cut. */
const TOP = 1.05;

/** Told apart by shape and colour, and small enough that points which coincide are seen inside each other. */
const MARKS = [
  (x: number, y: number) => `<circle cx="${at(x)}" cy="${at(y)}" r="5.5"/>`,
  (x: number, y: number) => `<path d="M${at(x - 3.5)} ${at(y - 3.5)}h7v7h-7z"/>`,
  (x: number, y: number) => `<path d="M${at(x)} ${at(y - 3.5)}l3.5 3.5l-3.5 3.5l-3.5 -3.5z"/>`,
  (x: number, y: number) => `<path d="M${at(x)} ${at(y - 3)}l3 5h-6z"/>`,
];

// The colours of Okabe and Ito for light, lighter ones of the same hues for dark. Its own background makes it legible on any page.
const STYLE = `
  text { font: 14px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; fill: #24292f }
  .title { font-size: 18px; font-weight: 600 }
  .soft { fill: #57606a; font-size: 13px }
  .back { fill: #ffffff; stroke: #d0d7de }
  .panel { fill: #ffffff }
  .grid { stroke: #eaeef2 }
  .axis { stroke: #57606a; fill: none }
  .exact { stroke: #24292f; stroke-width: 2; fill: none }
  .critical { stroke: #8c959f; stroke-dasharray: 5 4 }
  .guide { fill: none; stroke-width: 1; opacity: 0.35 }
  .mark { stroke-width: 1.6; fill: #ffffff }
  .bar { stroke-width: 1.5; fill: none }
  .s0 { stroke: #0072b2 } .s1 { stroke: #d55e00 } .s2 { stroke: #009e73 } .s3 { stroke: #cc79a7 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .soft { fill: #9198a1 }
    .back { fill: #0d1117; stroke: #3d444d }
    .panel { fill: #0d1117 }
    .grid { stroke: #21262d }
    .axis { stroke: #9198a1 }
    .exact { stroke: #e6edf3 }
    .critical { stroke: #6e7681 }
    .mark { fill: #0d1117 }
    .s0 { stroke: #58b4ec } .s1 { stroke: #ff9248 } .s2 { stroke: #2fd3a2 } .s3 { stroke: #e8a6c8 }
  }`;

interface Scales {
  x: (temperature: number) => number;
  y: (magnetization: number) => number;
  from: number;
  to: number;
}

/** @returns the text of an SVG file */
export function drawMagnetization(summaries: readonly Summary[], seeds: number): string {
  const temperatures = summaries.map(({ temperature }) => temperature);
  const [from, to] = [Math.min(...temperatures) - 0.1, Math.max(...temperatures) + 0.1];
  const scales: Scales = {
    from,
    to,
    x: (temperature) => FRAME.left + ((temperature - from) / (to - from)) * (FRAME.right - FRAME.left),
    y: (magnetization) => FRAME.bottom - (magnetization / TOP) * (FRAME.bottom - FRAME.top),
  };
  const sizes = [...new Set(summaries.map(({ size }) => size))];
  const series = sizes.map((size, i) =>
    drawSeries(
      summaries.filter((summary) => summary.size === size),
      i,
      scales,
    ),
  );
  const subtitle = `Metropolis, mean of ${seeds} seeds with its standard error, beside Onsager’s solution for the infinite lattice`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title">
<title id="title">Magnetization of the two-dimensional Ising model over its temperature</title>
<style>${STYLE}
</style>
<rect class="back" x="0.5" y="0.5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="8"/>
<text class="title" x="${FRAME.left}" y="34">Magnetization of the 2-D Ising model</text>
<text class="soft" x="${FRAME.left}" y="56">${subtitle}</text>
${drawAxes(scales)}
${drawCritical(scales)}
<path class="exact" d="${exactCurve(scales)}"/>
${series.join('\n')}
${drawLegend(sizes)}
</svg>
`;
}

function drawAxes({ x, y, from, to }: Scales): string {
  const { left, right, top, bottom } = FRAME;
  const lines: string[] = [];
  for (let tick = Math.ceil(from * 4) / 4; tick <= to; tick += 0.25) {
    const major = Number.isInteger(tick * 2);
    lines.push(`<path class="axis" d="M${at(x(tick))} ${bottom}v${major ? 6 : 3}"/>`);
    if (!major) continue;
    lines.push(`<path class="grid" d="M${at(x(tick))} ${top}V${bottom}"/>`);
    lines.push(`<text x="${at(x(tick))}" y="${bottom + 22}" text-anchor="middle">${tick.toFixed(1)}</text>`);
  }
  for (let tenths = 0; tenths <= 10; tenths++) {
    const height = at(y(tenths / 10));
    lines.push(`<path class="axis" d="M${left} ${height}h${tenths % 2 === 0 ? -6 : -3}"/>`);
    if (tenths % 2 !== 0) continue;
    lines.push(`<path class="grid" d="M${left} ${height}H${right}"/>`);
    lines.push(`<text x="${left - 11}" y="${height}" dy="0.35em" text-anchor="end">${(tenths / 10).toFixed(1)}</text>`);
  }
  lines.push(`<path class="axis" d="M${left} ${top}V${bottom}H${right}"/>`);
  const [middleX, middleY] = [(left + right) / 2, (top + bottom) / 2];
  lines.push(
    `<text x="${middleX}" y="${bottom + 46}" text-anchor="middle">temperature T in units of J/k<tspan font-size="10" dy="4">B</tspan></text>`,
  );
  lines.push(
    `<text transform="translate(24 ${middleY}) rotate(-90)" text-anchor="middle">magnetization per spin ⟨|m|⟩</text>`,
  );
  return lines.join('\n');
}

function drawCritical({ x }: Scales): string {
  const place = at(x(CRITICAL_TEMPERATURE));
  const label = `T<tspan font-size="10" dy="4">c</tspan><tspan dx="4" dy="-4">= ${CRITICAL_TEMPERATURE.toFixed(3)}</tspan>`;
  return `<path class="critical" d="M${place} ${FRAME.top}V${FRAME.bottom}"/>
<text class="soft" x="${place + 8}" y="${FRAME.top + 12}">${label}</text>`;
}

/** Crowded towards the critical temperature, where the curve falls straight down. */
function exactCurve({ x, y, from, to }: Scales): string {
  const steps = 160;
  const points = Array.from({ length: steps + 1 }, (_, i) => {
    const temperature = CRITICAL_TEMPERATURE - (CRITICAL_TEMPERATURE - from) * (1 - i / steps) ** 6;
    return `${at(x(temperature))} ${at(y(exactMagnetization(temperature)))}`;
  });
  return `M${points.join('L')}H${at(x(to))}`;
}

function drawSeries(summaries: readonly Summary[], index: number, { x, y }: Scales): string {
  const mark = MARKS[index % MARKS.length] as (typeof MARKS)[0];
  const guide = summaries.map(({ temperature, magnetization }) => `${at(x(temperature))} ${at(y(magnetization.mean))}`);
  const points = summaries.map(({ temperature, size, magnetization: { mean, error } }) => {
    const [middle, high, low] = [x(temperature), at(y(mean + error)), at(y(mean - error))];
    const bar = `M${at(middle - 5)} ${high}h10m-5 0V${low}m-5 0h10`;
    const told = `L = ${size}, T = ${temperature}: ${mean.toFixed(5)} ± ${error.toFixed(5)}`;
    return `<g><title>${told}</title><path class="bar" d="${bar}"/><g class="mark">${mark(middle, y(mean))}</g></g>`;
  });
  return `<g class="s${index % MARKS.length}">
<path class="guide" d="M${guide.join('L')}"/>
${points.join('\n')}
</g>`;
}

function drawLegend(sizes: readonly number[]): string {
  const [x, y] = [FRAME.right - 176, FRAME.top + 36];
  const lines = sizes.map((size, i) => {
    const mark = (MARKS[i % MARKS.length] as (typeof MARKS)[0])(x, y + 26 * i);
    const bar = `<path class="bar" d="M${x - 5} ${y + 26 * i - 10}h10m-5 0v20m-5 0h10"/>`;
    return `<g class="s${i % MARKS.length}">${bar}<g class="mark">${mark}</g></g>
<text x="${x + 22}" y="${y + 26 * i}" dy="0.35em">${size} × ${size} spins</text>`;
  });
  const last = y + 26 * sizes.length;
  lines.push(`<path class="exact" d="M${x - 12} ${last}h24"/>
<text x="${x + 22}" y="${last}" dy="0.35em">exact, infinite lattice</text>`);
  const [left, width] = [x - 24, FRAME.right + 1 - (x - 24)];
  const back = `<rect class="panel" x="${left}" y="${FRAME.top}" width="${width}" height="${last + 20 - FRAME.top}"/>`;
  return [back, ...lines].join('\n');
}

/** Two decimals are less than can be seen. */
function at(value: number): number {
  return Math.round(value * 100) / 100;
}
