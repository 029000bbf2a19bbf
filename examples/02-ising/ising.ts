// The simulation, a module runner: entropic bundles this file and calls its default export in a thread, for a miss only.
import { writeFile } from 'node:fs/promises';
import type { RunContext } from 'entropic';
import { dump } from 'npyjs';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { CRITICAL_TEMPERATURE } from './onsager.js';

export interface IsingParams {
  /** In units of J/k_B. */
  readonly temperature: number;
  /** Spins on each side of the lattice, whose edges are joined. */
  readonly size: number;
  /** Numbers the repetitions. */
  readonly seed: number;
  /** How often every spin is visited and the lattice measured; a quarter as often before, unmeasured, for the equilibrium. */
  readonly sweeps: number;
}

/** Writes the time series, and returns its means, which entropic keeps in the row as `customData.value`. */
export default async function ising(params: IsingParams, run: RunContext) {
  // `run.seed` follows from the id, so from all params: each point has its own random numbers, the same in every run.
  const series = simulate(params, run.seed);
  await writeFile(run.resultFile, new Uint8Array(dump(series, [params.sweeps, 2])));
  return means(series);
}

/** Metropolis: rows of (magnetization, energy) per spin, one a sweep. */
export function simulate({ temperature, size, sweeps }: IsingParams, seed: number): Float32Array {
  const random = xoroshiro128plus(seed);
  const count = size * size;
  const spins = new Int8Array(count);
  // From disorder a cold lattice may freeze in stripes; from order a hot one takes longer.
  const ordered = temperature < CRITICAL_TEMPERATURE;
  for (let i = 0; i < count; i++) spins[i] = ordered || random.next() < 0 ? 1 : -1;
  let magnetization = spins.reduce((sum, spin) => sum + spin, 0);
  let energy = latticeEnergy(spins, size);

  // Of 2^32 equally likely numbers, so many let a spin turn against two or four of its neighbours more than are for it.
  const againstTwo = 2 ** 32 * Math.exp(-4 / temperature);
  const againstFour = 2 ** 32 * Math.exp(-8 / temperature);
  const series = new Float32Array(2 * sweeps);
  for (let sweep = -Math.ceil(sweeps / 4); sweep < sweeps; sweep++) {
    for (let row = 0; row < count; row += size) {
      const above = (row + count - size) % count;
      const below = (row + size) % count;
      for (let x = 0; x < size; x++) {
        const spin = spins[row + x] as number;
        const left = spins[row + (x === 0 ? size - 1 : x - 1)] as number;
        const right = spins[row + (x === size - 1 ? 0 : x + 1)] as number;
        const field = spin * ((spins[above + x] as number) + (spins[below + x] as number) + left + right);
        if (field > 0 && random.next() >>> 0 >= (field === 2 ? againstTwo : againstFour)) continue;
        spins[row + x] = -spin;
        magnetization -= 2 * spin;
        energy += 2 * field;
      }
    }
    if (sweep >= 0) series.set([magnetization / count, energy / count], 2 * sweep);
  }
  return series;
}

function latticeEnergy(spins: Int8Array, size: number): number {
  return spins.reduce((sum, spin, i) => {
    const right = spins[i % size === size - 1 ? i + 1 - size : i + 1] as number;
    const below = spins[(i + size) % spins.length] as number;
    return sum - spin * (right + below);
  }, 0);
}

/** ⟨|m|⟩ and ⟨e⟩: without the absolute value a finite lattice, which turns over now and then, has no magnetization at all. */
function means(series: Float32Array) {
  let magnetization = 0;
  let energy = 0;
  for (let i = 0; i < series.length; i += 2) {
    magnetization += Math.abs(series[i] as number);
    energy += series[i + 1] as number;
  }
  const sweeps = series.length / 2;
  return { magnetization: magnetization / sweeps, energy: energy / sweeps };
}
