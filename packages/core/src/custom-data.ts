// customData: checked before a run, completed after it, and spelled in Python's way in the database.
import { canonicalJson } from './canonical.js';
import { InvalidOptionError, InvalidParamsError } from './errors.js';
import type { CustomData } from './types.js';

const MAX_BYTES = 64 * 1024;
const OURS = ['elapsedSeconds', 'elapsed_seconds', 'value'];

/** @returns JSON text; `{}` where nothing was passed */
export function checkCustomData(customData: unknown): string {
  if (customData === undefined) return '{}';
  if (typeof customData !== 'object' || customData === null || Array.isArray(customData)) {
    throw new InvalidOptionError('customData must be an object of JSON values');
  }
  for (const name of OURS) {
    if (Object.hasOwn(customData, name))
      throw new InvalidOptionError(`customData.${name} is written by the store itself; choose another name`);
  }
  const text = strictJson(customData, 'customData');
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw new InvalidOptionError(
      `customData is ${Buffer.byteLength(text)} bytes of JSON; at most ${MAX_BYTES} are kept, write the rest to a file`,
    );
  }
  return text;
}

/**
 * What a runner returned, as JSON text; undefined if it returned nothing.
 * @throws Error that says why it cannot be kept
 */
export function valueText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = strictJson(value, 'value');
  if (Buffer.byteLength(text) > MAX_BYTES)
    throw new Error(`it is ${Buffer.byteLength(text)} bytes of JSON, at most ${MAX_BYTES} are kept`);
  return text;
}

/** The column's JSON text: what the user passed, then ours. Seconds to the microsecond. */
export function columnCustomData(userText: string, elapsedSeconds: number | null, value: string | undefined): string {
  const parts = [
    userText.slice(1, -1),
    elapsedSeconds === null ? '' : `"elapsed_seconds":${Math.round(elapsedSeconds * 1e6) / 1e6}`,
    value === undefined ? '' : `"value":${value}`,
  ];
  return `{${parts.filter((part) => part !== '').join(',')}}`;
}

/** The column's object as users get it. */
export function publicCustomData(stored: Record<string, unknown>): CustomData {
  if (!Object.hasOwn(stored, 'elapsed_seconds')) return stored as CustomData;
  const { elapsed_seconds: elapsedSeconds, ...rest } = stored;
  return Object.assign(rest, { elapsedSeconds }) as CustomData;
}

/** Refuses what JSON would change silently (NaN, Date, Map, class instances, cycles); the same rules as for `json()` params. */
function strictJson(value: unknown, where: string): string {
  try {
    return canonicalJson(value, where);
  } catch (error) {
    if (error instanceof InvalidParamsError) {
      throw new InvalidOptionError(error.message.replaceAll('be part of an id', 'be kept as JSON'), { cause: error });
    }
    throw error;
  }
}
