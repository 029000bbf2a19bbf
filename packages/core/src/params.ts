// Params → point: validated, completed with defaults, in canonical text, with its id. The store and the scheduler call
// `resolvePoint` for every point of a sweep, up to a million times; what depends on the model only is prepared once.
import { isPlainObject, MAX_TEXT, propertyPath, refuse, show } from './canonical.js';
import { checkChoice, freezeValue, RESERVED_NAME, textOfValue } from './columns.js';
import { InvalidParamsError } from './errors.js';
import { idOf } from './id.js';
import { suggest } from './suggest.js';
import type { Model, ModelColumn } from './types.js';

/** A model made ready for {@link resolvePoint}: see {@link compileSchema}. */
export interface PointSchema {
  readonly model: Model;
  /** The columns in declared order. */
  readonly columns: readonly ModelColumn[];
  /** Where a name is in `columns`. */
  readonly indexes: ReadonlyMap<string, number>;
  /** The columns in the order of the canonical text. */
  readonly sorted: readonly SortedColumn[];
}

interface SortedColumn {
  readonly index: number;
  readonly name: string;
  /** `"name":` */
  readonly prefix: string;
  /** The canonical text that is left out of ids; undefined where none is. */
  readonly frozenDefault: string | undefined;
}

/** One combination of params. */
export interface Point {
  /** 16 lower-case hexadecimal digits. */
  readonly id: string;
  /** Frozen plain copy of all params, defaults filled in, in declared order. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Canonical text of all params: two points are the same if and only if it is. */
  readonly paramsText: string;
  /** The text that the id is made of: params equal to their frozen default are left out. */
  readonly idText: string;
}

/** The canonical texts of the defaults that the code gives now: what a new store freezes. */
export function defaultTexts(model: Model): Map<string, string> {
  const withDefault = model.columns.filter((column) => column.hasDefault);
  return new Map(withDefault.map((column) => [column.name, freezeValue(column, column.default, 'default').text]));
}

/**
 * Prepares a model for {@link resolvePoint}.
 *
 * @param frozenDefaults - by column, the canonical text of the default that its table froze for ids. A column that is
 *   not in it is always part of the id, also when the code gives it a default now.
 */
export function compileSchema(model: Model, frozenDefaults: ReadonlyMap<string, string>): PointSchema {
  const columns = model.columns;
  const sorted = columns.map(({ name }, index) => {
    return { index, name, prefix: `"${name}":`, frozenDefault: frozenDefaults.get(name) };
  });
  // Names are ASCII, so that `<` orders them by code points.
  sorted.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { model, columns, indexes: new Map(columns.map(({ name }, index) => [name, index])), sorted };
}

/**
 * Params as users pass them → the point. Nothing is converted, each property is read once.
 *
 * @throws {@link InvalidParamsError} that names the path, as `params.dt`, and what the table takes
 */
export function resolvePoint(schema: PointSchema, input: unknown): Point {
  const values = readParams(schema, input);
  const { columns } = schema;
  for (let i = 0; i < columns.length; i++) {
    if (values[i] !== undefined) continue;
    const column = columns[i] as ModelColumn;
    if (!column.hasDefault) refuseMissing(schema, values);
    values[i] = column.default;
  }
  return pointOf(schema, values, 'params', true);
}

/**
 * The point of a row that has no canonical text beside it, as the rows that Python wrote. An empty cell of a column
 * that was added later has the column's frozen default. Values outside the choices of today's code are as good as any.
 *
 * @param values - the row's columns by name, as JavaScript values
 * @throws {@link InvalidParamsError} where the row holds what params cannot, as NaN
 */
export function pointFromColumns(schema: PointSchema, values: Readonly<Record<string, unknown>>): Point {
  const cells = schema.columns.map(({ name }) => (Object.hasOwn(values, name) ? (values[name] ?? null) : null));
  for (const { index, frozenDefault } of schema.sorted) {
    const empty = cells[index] === null && !schema.columns[index]?.nullable;
    if (empty && frozenDefault !== undefined) cells[index] = JSON.parse(frozenDefault);
  }
  return pointOf(schema, cells, 'row', false);
}

/**
 * The full canonical text of an older row, whose text lacks the columns added since: their frozen defaults are filled
 * in. Undefined when that cannot be made: a column without frozen default is missing, or the model lacks one of the row.
 */
export function fillFrozenDefaults(schema: PointSchema, storedParamsText: string): string | undefined {
  const stored = split(storedParamsText);
  if (stored === undefined) return undefined;
  let text = '{';
  let found = 0;
  for (const { name, prefix, frozenDefault } of schema.sorted) {
    const own = stored.get(name);
    if (own !== undefined) found++;
    const value = own ?? frozenDefault;
    if (value === undefined) return undefined;
    text += (text.length > 1 ? ',' : '') + prefix + value;
  }
  return found === stored.size ? `${text}}` : undefined;
}

/** A canonical text as its top-level names and the texts of their values; empty for what is not one. */
export function splitCanonical(text: string): Map<string, string> {
  return split(text) ?? new Map();
}

// The text of a value is kept as it is: parsed and written again, 1.0 would be 1.
function split(text: string): Map<string, string> | undefined {
  if (text[0] !== '{' || text.at(-1) !== '}') return undefined;
  const parts = new Map<string, string>();
  let at = 1;
  while (at < text.length - 1) {
    const colon = endOfString(text, at);
    if (text[at] !== '"' || text[colon] !== ':') return undefined;
    const end = endOfValue(text, colon + 1);
    if (end > text.length - 1 || end === colon + 1) return undefined;
    parts.set(JSON.parse(text.slice(at, colon)) as string, text.slice(colon + 1, end));
    at = end + 1;
  }
  return parts;
}

/** Behind the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** The comma or closing brace that follows the value beginning at `start`. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const unit = text[at];
    if (depth === 0 && (unit === ',' || unit === '}')) break;
    if (unit === '{' || unit === '[') depth++;
    if (unit === '}' || unit === ']') depth--;
    at = unit === '"' ? endOfString(text, at) : at + 1;
  }
  return at;
}

/** The values by column index, undefined where there is none. */
function readParams(schema: PointSchema, input: unknown): unknown[] {
  const values: unknown[] = new Array(schema.columns.length).fill(undefined);
  try {
    if (!isPlainObject(input)) {
      throw new InvalidParamsError(`params: ${show(input)} is refused, pass a plain object; ${describeTable(schema)}`, {
        path: 'params',
      });
    }
    const names = Reflect.ownKeys(input);
    for (const name of names) {
      const index = typeof name === 'string' ? schema.indexes.get(name) : undefined;
      if (index === undefined) refuseUnknown(schema, name);
      values[index] = input[name as string];
    }
    // A spread or JSON.stringify on the way to a worker would lose it.
    if (Object.keys(input).length !== names.length) refuse('params', 'a hidden (not enumerable) param is refused');
  } catch (error) {
    if (error instanceof InvalidParamsError) throw error;
    // A getter or a proxy may throw anything.
    return refuse('params', `cannot be read${error instanceof Error ? `: ${error.message}` : ''}`);
  }
  return values;
}

/** @param fresh - whether the values come from the code of today, so that they must be among its choices */
function pointOf(schema: PointSchema, values: unknown[], where: string, fresh: boolean): Point {
  const { columns, sorted } = schema;
  let full = '';
  let short = '';
  let leftOut = false;
  for (const { index, prefix, frozenDefault } of sorted) {
    const column = columns[index] as ModelColumn;
    const value = values[index];
    let text: string;
    if (column.kind === 'json') {
      const frozen = freezeValue(column, value, where);
      text = frozen.text;
      values[index] = frozen.value;
    } else {
      text = textOfValue(column, value, where);
      // −0 has the text of 0, so the runner must get 0 for both.
      if (value === 0) values[index] = 0;
      if (fresh && column.choices !== undefined) checkChoice(column, value, where);
    }
    const piece = full === '' ? prefix + text : `,${prefix}${text}`;
    full += piece;
    if (text === frozenDefault) leftOut = true;
    else short += short === '' && piece[0] === ',' ? piece.slice(1) : piece;
  }
  const paramsText = `{${full}}`;
  if (paramsText.length > MAX_TEXT) refuse(where, 'all params together are longer than 1 MiB of text');
  const idText = leftOut ? `{${short}}` : paramsText;
  const params: Record<string, unknown> = {};
  for (let i = 0; i < columns.length; i++) params[(columns[i] as ModelColumn).name] = values[i];
  return { id: idOf(idText), params: Object.freeze(params), paramsText, idText };
}

function refuseUnknown(schema: PointSchema, name: string | symbol): never {
  if (typeof name === 'symbol') return refuse('params', `a symbol names no param; ${describeTable(schema)}`);
  const near = suggest(name, schema.indexes.keys());
  const hint = near === undefined ? '.' : `; did you mean "${near}"?`;
  const what = RESERVED_NAME.test(name) ? 'is a field of every record, not a param' : `unknown param ${show(name)}`;
  return refuse(`params${propertyPath(name)}`, `${what}${hint} ${describeTable(schema)}`);
}

function refuseMissing(schema: PointSchema, values: readonly unknown[]): never {
  const missing = schema.columns.filter((column, i) => values[i] === undefined && !column.hasDefault);
  const names = missing.map((column) => column.name).join(', ');
  return refuse(
    `params.${missing[0]?.name}`,
    `missing${missing.length > 1 ? ` (${names})` : ''}; ${describeTable(schema)}`,
  );
}

/** `results takes n (int), dt (float), method (text, default "rk4")`. */
function describeTable({ model, columns }: PointSchema): string {
  const shown = columns.map((column) => {
    const fallback = column.hasDefault ? `, default ${show(column.default)}` : '';
    return `${column.name} (${column.kind}${fallback})`;
  });
  return `${model.tableName} takes ${shown.length === 0 ? 'no params' : shown.join(', ')}`;
}
