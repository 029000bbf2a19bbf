// The simulation: hares and lynx by Lotka–Volterra, integrated by Runge–Kutta of order 4. entropic calls `simulate` for a miss only.
import { writeFile } from 'node:fs/promises';
import type { RunContext } from 'entropic';
import { dump } from 'npyjs';

/**
 * dx/dt = alpha x − beta x y (hares), dy/dt = delta x y − gamma y (lynx). Rates are per year; `dt` is the step in years;
 * `n` is how many samples are kept, five a year.
 */
export interface OrbitParams {
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
  readonly delta: number;
  readonly dt: number;
  readonly n: number;
}

const SAMPLES_A_YEAR = 5;
const START = { x: 30, y: 4 };

/** The runner: writes one file, and returns a few numbers that entropic keeps beside it as `customData.value`. */
export async function simulate(params: OrbitParams, run: RunContext) {
  const rows = integrate(params);
  await writeFile(run.resultFile, toNpy(rows, params));
  return summary(rows, params);
}

/** n + 1 rows of (time, hares, lynx). */
export function integrate({ alpha, beta, gamma, delta, dt, n }: OrbitParams): Float64Array {
  const steps = Math.round(1 / SAMPLES_A_YEAR / dt);
  if (steps < 1 || Math.abs(steps * dt * SAMPLES_A_YEAR - 1) > 1e-9) {
    throw new Error(`dt = ${dt} does not divide a sample of ${1 / SAMPLES_A_YEAR} years into whole steps`);
  }
  const rows = new Float64Array(3 * (n + 1));
  let { x, y } = START;
  for (let sample = 0; ; sample++) {
    rows.set([sample / SAMPLES_A_YEAR, x, y], 3 * sample);
    if (sample === n) return rows;
    for (let step = 0; step < steps; step++) {
      const ax = x * (alpha - beta * y);
      const ay = y * (delta * x - gamma);
      const [bx0, by0] = [x + (dt / 2) * ax, y + (dt / 2) * ay];
      const bx = bx0 * (alpha - beta * by0);
      const by = by0 * (delta * bx0 - gamma);
      const [cx0, cy0] = [x + (dt / 2) * bx, y + (dt / 2) * by];
      const cx = cx0 * (alpha - beta * cy0);
      const cy = cy0 * (delta * cx0 - gamma);
      const [dx0, dy0] = [x + dt * cx, y + dt * cy];
      x += (dt / 6) * (ax + 2 * bx + 2 * cx + dx0 * (alpha - beta * dy0));
      y += (dt / 6) * (ay + 2 * by + 2 * cy + dy0 * (delta * dx0 - gamma));
    }
  }
}

/** As NumPy reads it: an array of shape (n + 1, 3), C order, 64-bit floats. */
export function toNpy(rows: Float64Array, { n }: OrbitParams): Uint8Array {
  return new Uint8Array(dump(rows, [n + 1, 3]));
}

/** An orbit never leaves its level of V, so what V drifts by is the error of the method: it falls with dt⁴. */
function invariant(x: number, y: number, { alpha, beta, gamma, delta }: OrbitParams): number {
  return delta * x - gamma * Math.log(x) + beta * y - alpha * Math.log(y);
}

function summary(rows: Float64Array, params: OrbitParams) {
  const at = (sample: number) => [rows[3 * sample + 1] as number, rows[3 * sample + 2] as number] as const;
  const start = invariant(...at(0), params);
  const peaks: number[] = [];
  let drift = 0;
  let hares = 0;
  let lynx = 0;
  for (let sample = 0; sample <= params.n; sample++) {
    const [x, y] = at(sample);
    drift = Math.max(drift, Math.abs(invariant(x, y, params) - start));
    hares = Math.max(hares, x);
    lynx = Math.max(lynx, y);
    if (sample > 0 && sample < params.n && at(sample - 1)[0] < x && x >= at(sample + 1)[0]) peaks.push(sample);
  }
  const years = ((peaks.at(-1) ?? 0) - (peaks[0] ?? 0)) / SAMPLES_A_YEAR;
  return { drift, hares, lynx, period: peaks.length > 1 ? years / (peaks.length - 1) : null };
}
