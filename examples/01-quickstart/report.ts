// What the quickstart prints: plain lines, and a table that is filled from records.
import type { RunRecord } from 'entropic';
import type { OrbitParams } from './simulate.js';

type OrbitRecord = RunRecord<OrbitParams>;

export function say(what: string, ...values: unknown[]): void {
  console.log(`  ${what.padEnd(22)} ${values.map(String).join(' ')}`);
}

/** Prints one line an `alpha`, and @returns the order at which the drift of the invariant falls with dt, for each. */
export function printTable(records: readonly OrbitRecord[]): number[] {
  const dts = [...new Set(records.map((record) => record.dt))].sort((a, b) => b - a);
  const alphas = [...new Set(records.map((record) => record.alpha))];
  console.log('\n  alpha   cycle   hares   lynx    drift of the invariant at dt =');
  console.log(`          years     max    max  ${dts.map((dt) => String(dt).padStart(10)).join('')}    order`);
  return alphas.map((alpha) => {
    const line = dts.map((dt) => numbersOf(records.find((record) => record.alpha === alpha && record.dt === dt)));
    const finest = line.at(-1) as OrbitNumbers;
    const order = orderOf(line.map(({ drift }) => drift));
    const facts = [alpha.toFixed(2), finest.period.toFixed(1), finest.hares.toFixed(0), finest.lynx.toFixed(0)];
    const drifts = line.map(({ drift }) => drift.toExponential(1).padStart(10)).join('');
    console.log(`${facts.map((text) => text.padStart(7)).join(' ')}  ${drifts}   ${order.toFixed(2).padStart(6)}`);
    return order;
  });
}

interface OrbitNumbers {
  drift: number;
  period: number;
  hares: number;
  lynx: number;
}

/** What the runner returned is in the record: the files need not be opened for a table. */
function numbersOf(record: OrbitRecord | undefined): OrbitNumbers {
  return record?.customData.value as unknown as OrbitNumbers;
}

/** Each dt is half of the one before: the mean of log2 of the quotients is the order of the method. */
function orderOf(drifts: readonly number[]): number {
  const orders = drifts.slice(1).map((drift, i) => Math.log2((drifts[i] as number) / drift));
  return orders.reduce((sum, order) => sum + order, 0) / orders.length;
}
