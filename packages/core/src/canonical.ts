// Values → canonical text, strictly: what could mean two things, or would be lost, is refused by its path.
// columns.ts calls it for every param. Ids hang on these texts: a changed byte here loses every stored result.
import { InvalidParamsError } from './errors.js';
import type { JsonValue } from './types.js';

/** The longest canonical text of a point, in bytes (it is ASCII). */
export const MAX_TEXT = 1024 * 1024;
/** How deep a json value may nest: `[[1]]` is 2. */
export const MAX_DEPTH = 64;

/** A value as its canonical text and as a deeply frozen copy, both from one reading. */
export interface Frozen {
  readonly text: string;
  readonly value: JsonValue;
}

/** Python's `repr` of a finite float; −0 is `0.0`, so that equal numbers have one text. */
export function pythonFloat(x: number): string {
  if (x === 0) return '0.0';
  const size = Math.abs(x);
  // Python changes to an exponent at 1e16 and below 1e-4, JavaScript at 1e21 and below 1e-6; the digits are the same.
  if (size < 1e16 && size >= 1e-4) return Number.isInteger(x) ? `${x}.0` : String(x);
  const [digits, exponent] = x.toExponential().split('e') as [string, string];
  return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
}

const PLAIN = /^[ !#-[\]-~]*$/;
const SPECIAL = /["\\]|[^ -~]/g;
const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
};

/** A JSON string in ASCII, quotes included, as Python's `json.dumps` writes it. */
export function escapeString(s: string): string {
  if (PLAIN.test(s)) return `"${s}"`;
  return `"${s.replace(SPECIAL, (unit) => SHORT[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`;
}

// Postgres stores no NUL, and a lone surrogate becomes U+FFFD in UTF-8: two texts would be one.
const UNSTORABLE = /[\0\p{Surrogate}]/u;

/** Why a text cannot be part of an id, or undefined when it can. */
export function textProblem(s: string): string | undefined {
  if (s.length > MAX_TEXT) return 'a text longer than 1 MiB cannot be part of an id';
  if (PLAIN.test(s) || !UNSTORABLE.test(s)) return undefined;
  return s.includes('\0')
    ? 'a text with a NUL character cannot be part of an id'
    : 'a text with a lone surrogate (half a character) cannot be part of an id';
}

/** Orders by Unicode code points, as Python sorts keys; `<` would put U+1F600 before U+FFEE. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Puts surrogates, which stand for U+10000 and above, behind every other code unit. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** The canonical text of a JSON value. @throws {@link InvalidParamsError} naming the path inside `path` */
export function canonicalJson(value: unknown, path: string): string {
  return freezeJson(value, path).text;
}

/** {@link canonicalJson} together with the deeply frozen plain copy that has this text; keys in its order. */
export function freezeJson(value: unknown, path: string): Frozen {
  const walk = new Walk(path);
  const copy = walk.read(value, () => walk.visit(value));
  return { text: walk.text, value: copy as JsonValue };
}

/** One pass over a value: the text so far, and the containers and keys that lead to where it is now. */
class Walk {
  text = '';
  readonly #path: string;
  readonly #keys: (string | number)[] = [];
  readonly #containers: object[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  visit(value: unknown): unknown {
    switch (typeof value) {
      case 'string': {
        const problem = textProblem(value);
        if (problem !== undefined) this.#refuse(problem);
        this.#write(escapeString(value));
        return value;
      }
      case 'number':
        if (!Number.isFinite(value)) this.#refuse(`${value} cannot be part of an id`);
        this.#write(Number.isSafeInteger(value) ? String(value) : pythonFloat(value));
        return value === 0 ? 0 : value;
      case 'boolean':
        this.#write(value ? 'true' : 'false');
        return value;
      case 'object':
        if (value !== null) return this.#visitContainer(value);
        this.#write('null');
        return null;
      default:
        return this.#refuse(`${show(value)} cannot be part of an id`);
    }
  }

  /** Getters and proxies may throw anything; it becomes a refusal at the place where it happened. */
  read<T>(value: unknown, reading: () => T): T {
    try {
      return reading();
    } catch (error) {
      if (error instanceof InvalidParamsError) throw error;
      return this.#refuse(`${show(value)} cannot be read${error instanceof Error ? `: ${error.message}` : ''}`);
    }
  }

  #visitContainer(value: object): unknown {
    if (this.#containers.includes(value)) this.#refuse('a value that contains itself cannot be part of an id');
    if (this.#containers.length === MAX_DEPTH) this.#refuse(`nested deeper than ${MAX_DEPTH} levels`);
    this.#containers.push(value);
    const copy = Array.isArray(value) ? this.#visitArray(value) : this.#visitObject(value);
    this.#containers.pop();
    return Object.freeze(copy);
  }

  #visitArray(array: readonly unknown[]): unknown[] {
    if (!isPlainArray(array)) this.#refuse(`${show(array)} cannot be part of an id; pass a plain array`);
    const length = array.length;
    if (length > MAX_TEXT / 2) this.#refuse('longer than 1 MiB of text');
    const names = Reflect.ownKeys(array);
    // Every index, and `length`: fewer are holes, more are properties that JSON would lose.
    if (names.length < length + 1) this.#refuse('an array with holes cannot be part of an id');
    if (names.length > length + 1) this.#refuse('an array with properties of its own cannot be part of an id');
    const copy: unknown[] = [];
    this.#write('[');
    for (let i = 0; i < length; i++) {
      if (i > 0) this.#write(',');
      this.#keys.push(i);
      if (!Object.hasOwn(array, i)) this.#refuse('an array with holes cannot be part of an id');
      copy.push(this.visit(array[i]));
      this.#keys.pop();
    }
    this.#write(']');
    return copy;
  }

  #visitObject(object: object): Record<string, unknown> {
    if (!isPlainObject(object)) this.#refuse(`${show(object)} cannot be part of an id; pass plain values`);
    const names = Reflect.ownKeys(object);
    for (const name of names) if (typeof name === 'symbol') this.#refuse('a symbol as a key cannot be part of an id');
    if (Object.keys(object).length !== names.length)
      this.#refuse('a hidden (not enumerable) key cannot be part of an id');
    const copy: Record<string, unknown> = {};
    let before = '{';
    for (const name of (names as string[]).sort(compareCodePoints)) {
      this.#keys.push(name);
      if (name === '__proto__') this.#refuse('the key "__proto__" cannot be part of an id');
      const problem = textProblem(name);
      if (problem !== undefined) this.#refuse(problem);
      this.#write(`${before}${escapeString(name)}:`);
      before = ',';
      copy[name] = this.visit((object as Record<string, unknown>)[name]);
      this.#keys.pop();
    }
    this.#write(names.length === 0 ? '{}' : '}');
    return copy;
  }

  /** Stops in the middle of a text that grows too long: shared parts can make it exponentially long. */
  #write(piece: string): void {
    this.text += piece;
    if (this.text.length > MAX_TEXT) this.#refuse('longer than 1 MiB of text');
  }

  #refuse(why: string): never {
    const shown = this.#keys.map((key) => (typeof key === 'number' ? `[${key}]` : propertyPath(key)));
    return refuse(this.#path + shown.join(''), why);
  }
}

/** Throws the error of a value that cannot be part of an id. */
export function refuse(path: string, why: string): never {
  throw new InvalidParamsError(`${path}: ${why}`, { path });
}

/** Whether an object has no class: made by `{}`, by `JSON.parse`, without a prototype, or so in another realm. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

function isPlainArray(array: readonly unknown[]): boolean {
  const prototype = Object.getPrototypeOf(array);
  return prototype === Array.prototype || (prototype !== null && Object.hasOwn(prototype, 'concat'));
}

/** `.key` or `["a key"]`, behind the path of the object that has it. */
export function propertyPath(key: string): string {
  return /^[A-Za-z_$][\w$]{0,62}$/.test(key) ? `.${key}` : `[${show(key)}]`;
}

/** A value in few words for a message: `'100'`, `a Date`, `[object]`. Runs no code of the value's own. */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
    case 'bigint':
      return 'a BigInt';
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
    case 'object':
      return value === null ? 'null' : showObject(value);
    default:
      return String(value);
  }
}

function showObject(value: object): string {
  try {
    if (Array.isArray(value)) return isPlainArray(value) ? 'an array' : 'an array of a class';
    if (isPlainObject(value)) return 'an object';
    const made = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(value), 'constructor')?.value;
    const name = typeof made === 'function' ? Object.getOwnPropertyDescriptor(made, 'name')?.value : undefined;
    if (typeof name !== 'string' || !/^\w{1,40}$/.test(name)) return 'a class instance';
    return /^[AEIOU]/.test(name) ? `an ${name}` : `a ${name}`;
  } catch {
    return 'a broken proxy';
  }
}
