// From records to numbers: means over the seeds, and the table of them beside the exact values.
import type { RunRecord } from 'entropic';
import type { IsingParams } from './ising.js';
import { exactEnergy, exactMagnetization } from './onsager.js';

/** What the seeds of one temperature and size say together. */
export interface Summary {
  temperature: number;
  size: number;
  magnetization: Estimate;
  energy: Estimate;
}

/** A mean over seeds and its standard error (0 for a single seed, which tells of none). */
export interface Estimate {
  mean: number;
  error: number;
}

/** One summary a temperature and size, in the order of the records. */
export function summarize(records: readonly RunRecord<IsingParams>[]): Summary[] {
  const groups = new Map<string, RunRecord<IsingParams>[]>();
  for (const record of records) {
    const key = `${record.temperature} ${record.size}`;
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  return [...groups.values()].map((group) => {
    const { temperature, size } = group[0] as RunRecord<IsingParams>;
    // What the runner returned is in the record: no file needs to be opened.
    const values = group.map(({ customData }) => customData.value as { magnetization: number; energy: number });
    const magnetization = estimate(values.map((value) => value.magnetization));
    return { temperature, size, magnetization, energy: estimate(values.map((value) => value.energy)) };
  });
}

function estimate(values: readonly number[]): Estimate {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, error: count > 1 ? Math.sqrt(squares / (count - 1) / count) : 0 };
}

/** A line a temperature: both means for every size, each beside Onsager's value for the infinite lattice. */
export function printTable(summaries: readonly Summary[]): void {
  const temperatures = [...new Set(summaries.map(({ temperature }) => temperature))];
  const sizes = [...new Set(summaries.map(({ size }) => size))];
  const cells = (texts: readonly string[]) => texts.map((text) => text.padStart(10)).join('');
  const heads = cells([...sizes.map((size) => `L = ${size}`), 'Onsager']);
  console.log(`\n        ${'⟨|m|⟩'.padEnd(heads.length)}  energy per spin`);
  console.log(`     T${heads}    ${heads}`);
  for (const temperature of temperatures) {
    const line = summaries.filter((summary) => summary.temperature === temperature);
    const m = [...line.map(({ magnetization }) => magnetization.mean), exactMagnetization(temperature)];
    const e = [...line.map(({ energy }) => energy.mean), exactEnergy(temperature)];
    const [left, right] = [m, e].map((values) => cells(values.map((value) => value.toFixed(5))));
    console.log(`${temperature.toFixed(2).padStart(6)}${left}    ${right}`);
  }
}

/**
 * How far the means of one temperature are from the infinite lattice at most, for sizes of 32 and more: far from the critical
 * temperature a lattice of that size is as good as infinite.
 */
export function distanceFromExact(summaries: readonly Summary[], temperature: number) {
  const large = summaries.filter((summary) => summary.temperature === temperature && summary.size >= 32);
  const furthest = (means: readonly number[], exact: number) =>
    Math.max(...means.map((mean) => Math.abs(mean - exact)));
  return {
    magnetization: furthest(
      large.map(({ magnetization }) => magnetization.mean),
      exactMagnetization(temperature),
    ),
    energy: furthest(
      large.map(({ energy }) => energy.mean),
      exactEnergy(temperature),
    ),
    sizes: large.map(({ size }) => size),
  };
}
