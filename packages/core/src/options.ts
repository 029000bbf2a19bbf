// Raw option → resolved value, once, at the door; after that nothing handles `undefined` or text units.
// Called by run-store.ts and by the scheduler's sweep.
import { setMaxListeners } from 'node:events';
import { show } from './canonical.js';
import { InvalidOptionError } from './errors.js';
import { suggest } from './suggest.js';

/** Seconds as a number, or text with a unit: `'500ms'`, `'30s'`, `'10m'`, `'2h'`, `'1d'`. */
export type Duration = number | string;

/** Bytes as a number, or text with a unit: `'64KB'`, `'512MB'`, `'2GB'` (powers of 1,000), `'1GiB'` (powers of 1,024). */
export type Size = number | string;

const SECONDS: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };
const BYTES: Record<string, number> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** @returns seconds */
export function parseDuration(value: Duration, option: string): number {
  return parseUnits(value, SECONDS, option, "seconds as a number, or text such as '500ms', '30s', '10m'");
}

/** @returns bytes */
export function parseSize(value: Size, option: string): number {
  return Math.floor(parseUnits(value, BYTES, option, "bytes as a number, or text such as '512MB', '2GiB'"));
}

function parseUnits(value: number | string, units: Record<string, number>, option: string, accepted: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  if (typeof value === 'string') {
    const match = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*$/.exec(value);
    const unit = match?.[2] === undefined ? undefined : units[match[2]];
    const amount = Number(match?.[1]);
    if (unit !== undefined && amount > 0) return amount * unit;
  }
  throw new InvalidOptionError(`${option}: ${show(value)} is not a positive amount; give ${accepted}`);
}

/** Refuses option names that do not exist, with a did-you-mean: a misspelt option must not be ignored silently. */
export function checkOptionNames(options: unknown, accepted: readonly string[], where: string): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new InvalidOptionError(`${where}: the options must be an object, not ${show(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (accepted.includes(name)) continue;
    const near = suggest(name, accepted);
    const hint = near === undefined ? `it takes ${accepted.join(', ')}` : `did you mean "${near}"?`;
    throw new InvalidOptionError(`${where}: unknown option "${name}"; ${hint}`);
  }
}

/** The value if it is one of those accepted, else an error that lists them. */
export function oneOfOption<const T extends string>(value: unknown, accepted: readonly T[], option: string): T {
  if ((accepted as readonly unknown[]).includes(value)) return value as T;
  throw new InvalidOptionError(`${option}: ${show(value)} is not one of ${accepted.map((a) => `'${a}'`).join(', ')}`);
}

/** @returns the whole number, at least `min` */
export function integerOption(value: unknown, min: number, option: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value;
  throw new InvalidOptionError(`${option}: ${show(value)} is not a whole number of at least ${min}`);
}

/** A signal that many runs may listen to at once: left as it is, Node prints a warning from the eleventh listener on. */
export function signalOption(value: unknown, option: string): AbortSignal | undefined {
  if (value === undefined) return undefined;
  if (!(value instanceof AbortSignal)) throw new InvalidOptionError(`${option} must be an AbortSignal`);
  setMaxListeners(0, value);
  return value;
}
