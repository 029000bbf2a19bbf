// Models: the columns of a table of results, declared once for types, validation, ids and SQL. Users call what is here;
// entity-model.ts makes the same from TypeORM's own forms.
import { isPlainObject, show, textProblem } from './canonical.js';
import { checkChoice, freezeValue, RESERVED_NAME } from './columns.js';
import { EntropicError, InvalidOptionError } from './errors.js';
import { suggest } from './suggest.js';
import type { ColumnKind, CustomData, Flat, JsonValue, Model, ModelColumn, ReservedFields } from './types.js';

export type { ColumnKind, Model, ModelColumn } from './types.js';

/** Options of every column. */
export interface ColumnOptions<T, Nullable extends boolean = boolean> {
  /**
   * The value of a point that does not name this param. When the column is added, its default is frozen for ids: a
   * point with that value has the id it had before. Changing a default later changes no id.
   */
  default?: T;
  /** Whether `null` is a value. @defaultValue false */
  nullable?: Nullable;
  /** Shown beside values, as `'s'` or `'m/s'`; no part of the id. */
  unit?: string;
  /** Shown by `entropic schema` and on the page; no part of the id. */
  description?: string;
}

/** One column of a model: what {@link int}, {@link float}, {@link text}, {@link bool}, {@link json}, {@link oneOf} make. */
export interface Column<T = unknown, Optional extends boolean = boolean> {
  readonly kind: ColumnKind;
  readonly choices?: readonly (string | number)[];
  readonly options: Readonly<ColumnOptions<unknown>>;
  /** Carry the types; never set. */
  readonly '~type'?: T;
  readonly '~optional'?: Optional;
}

type OrNull<T, N extends boolean> = true extends N ? T | null : T;
type Given<D> = [D] extends [never] ? false : true;
type Default<T, N extends boolean> = T | (true extends N ? null : never);

/** An integer from −(2^53 − 1) to 2^53 − 1. Postgres `bigint`, SQLite `INTEGER`. */
export function int<N extends boolean = false, D extends Default<number, N> = never>(
  options: ColumnOptions<D, N> = {},
): Column<OrNull<number, N>, Given<D>> {
  return { kind: 'int', options };
}

/** A finite number; 100 and 100.0 are one value. Postgres `double precision`, SQLite `REAL`. */
export function float<N extends boolean = false, D extends Default<number, N> = never>(
  options: ColumnOptions<D, N> = {},
): Column<OrNull<number, N>, Given<D>> {
  return { kind: 'float', options };
}

/** A text of whole characters without NUL. */
export function text<N extends boolean = false, D extends Default<string, N> = never>(
  options: ColumnOptions<D, N> = {},
): Column<OrNull<string, N>, Given<D>> {
  return { kind: 'text', options };
}

/** true or false. */
export function bool<N extends boolean = false, D extends Default<boolean, N> = never>(
  options: ColumnOptions<D, N> = {},
): Column<OrNull<boolean, N>, Given<D>> {
  return { kind: 'bool', options };
}

/** `T` as the caller named it, never inferred: not from a default, nor from what is expected of the column. */
type Named<T> = [T][T extends unknown ? 0 : never];

/**
 * Plain JSON, at most 64 levels deep and 1 MiB long. `json<Mesh>()` gives it a type, which is not checked at run time.
 * In it 4 and 4.0 are one value, written `4`; Python writes its float `4.0`, so that its id differs there.
 */
export function json<T = NonNullable<JsonValue>>(
  options: ColumnOptions<Named<T> | null, true> & { default: Named<T> | null; nullable: true },
): Column<Named<T> | null, true>;
export function json<T = NonNullable<JsonValue>>(
  options: ColumnOptions<Named<T>, false> & { default: Named<T> },
): Column<Named<T>, true>;
export function json<T = NonNullable<JsonValue>>(
  options: ColumnOptions<never, true> & { nullable: true },
): Column<Named<T> | null, false>;
export function json<T = NonNullable<JsonValue>>(options?: ColumnOptions<never, false>): Column<Named<T>, false>;
export function json(options: ColumnOptions<unknown> = {}): Column {
  return { kind: 'json', options };
}

/**
 * One of a few values, all texts or all numbers: `oneOf(['rk4', 'euler'], { default: 'rk4' })`. Numbers are kept as
 * integers when all are, else as floats.
 */
export function oneOf<
  const V extends readonly string[] | readonly number[],
  N extends boolean = false,
  D extends Default<NoInfer<V>[number], N> = never,
>(values: V, options: ColumnOptions<D, N> = {}): Column<OrNull<V[number], N>, Given<D>> {
  const choices: readonly unknown[] = Array.isArray(values) ? [...values] : [];
  const texts = choices.every((value) => typeof value === 'string');
  if (choices.length === 0 || !(texts || choices.every((value) => Number.isFinite(value)))) {
    throw new InvalidOptionError('oneOf takes a list of at least one value, all texts or all finite numbers');
  }
  const problem = texts ? (choices as string[]).map(textProblem).find((why) => why !== undefined) : undefined;
  if (problem !== undefined) throw new InvalidOptionError(`oneOf: ${problem}`);
  if (new Set(choices).size < choices.length) throw new InvalidOptionError('oneOf: a value is listed twice');
  const kind = texts ? 'text' : choices.every((value) => Number.isSafeInteger(value)) ? 'int' : 'float';
  return { kind, choices: choices as (string | number)[], options };
}

type AnyColumns = { readonly [name: string]: Column };
type TypeOf<C> = C extends Column<infer T, boolean> ? T : never;
type OptionalNames<C> = { [K in keyof C]: C[K] extends Column<infer _T, true> ? K : never }[keyof C];

/** The params that users pass for these columns: those with a default are optional. */
export type InOf<C> = Flat<
  { [K in Exclude<keyof C, OptionalNames<C>>]: TypeOf<C[K]> } & { [K in OptionalNames<C>]?: TypeOf<C[K]> }
>;

/** All params of these columns. */
export type ColumnValues<C> = Flat<{ [K in keyof C]: TypeOf<C[K]> }>;

/**
 * Declares a table of results: types, columns, validation and id rules at once.
 *
 * @example
 * ```ts
 * const SimResult = defineResult('results', {
 *   n: int(),
 *   dt: float({ unit: 's' }),
 *   method: oneOf(['rk4', 'euler'], { default: 'rk4' }),
 * });
 * ```
 * @param tableName - letters, digits and `_`, at most 48, not beginning with `entropic_` or `sqlite_`
 * @param columns - one for each param, by its name: letters, digits and `_`, at most 63
 * @throws {@link InvalidOptionError} for a name or a default that cannot be used
 */
export function defineResult<C extends AnyColumns & { readonly [K in ReservedFields]?: never }>(
  tableName: string,
  columns: C,
): Model<InOf<C>, ColumnValues<C>> {
  // An own __proto__ has a name to be refused; one in a literal has replaced the prototype.
  if (!isPlainObject(columns)) throw new InvalidOptionError('defineResult takes its columns as a plain object');
  const entries = Object.entries(columns as AnyColumns);
  const built = entries.map(([name, column]) => columnOf(`${tableName}.${name}`, name, column));
  return buildModel(tableName, built) as Model<InOf<C>, ColumnValues<C>>;
}

const OPTIONS: readonly string[] = ['default', 'nullable', 'unit', 'description'];

function columnOf(path: string, name: string, column: Column): ModelColumn {
  if (!isPlainObject(column) || !isPlainObject(column.options)) {
    throw new InvalidOptionError(`${path}: a column is made by int(), float(), text(), bool(), json() or oneOf()`);
  }
  const { kind, choices, options } = column;
  for (const option of Object.keys(options)) {
    if (OPTIONS.includes(option)) continue;
    const near = suggest(option, OPTIONS);
    const hint = near === undefined ? '.' : `; did you mean "${near}"?`;
    throw new InvalidOptionError(`${path}: unknown option "${option}"${hint} A column takes ${OPTIONS.join(', ')}`);
  }
  return {
    name,
    kind,
    nullable: options.nullable === true,
    hasDefault: options.default !== undefined,
    default: options.default,
    ...(choices && { choices }),
    ...(options.unit !== undefined && { unit: options.unit }),
    ...(options.description !== undefined && { description: options.description }),
  };
}

/** A model of columns that are still to be checked. Called by `defineResult` and by entity-model.ts. */
export function buildModel(tableName: string, columns: readonly ModelColumn[]): Model {
  checkTableName(tableName);
  const seen = new Map<string, string>();
  for (const { name } of columns) {
    checkColumnName(tableName, name);
    // SQL names are the same in any letter case.
    const twin = seen.get(name.toLowerCase());
    if (twin !== undefined) {
      throw new InvalidOptionError(`${tableName}: the columns ${twin} and ${name} differ only by letter case`);
    }
    seen.set(name.toLowerCase(), name);
  }
  const checked = columns.map((column) => Object.freeze(withCheckedDefault(tableName, column)));
  return Object.freeze({ isEntropicModel: true, tableName, columns: Object.freeze(checked) });
}

function checkTableName(tableName: string): void {
  if (typeof tableName !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]{0,47}$/.test(tableName)) {
    throw new InvalidOptionError(`table name ${show(tableName)}: use 1 to 48 letters, digits and _, not a digit first`);
  }
  if (/^(entropic|sqlite)_/i.test(tableName)) {
    throw new InvalidOptionError(`table name ${tableName}: names that begin with entropic_ or sqlite_ are taken`);
  }
}

function checkColumnName(tableName: string, name: string): void {
  if (RESERVED_NAME.test(name)) {
    throw new InvalidOptionError(
      `${tableName}: the column name ${name} is reserved, every record has id, resultFile, createdAt and customData`,
    );
  }
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name)) {
    const rule = 'use 1 to 63 letters, digits and _, not a digit first';
    throw new InvalidOptionError(`${tableName}: column name ${show(name)}: ${rule}`);
  }
  // `name in record` would be true of every record for what all objects inherit.
  if (name in Object.prototype || name === 'prototype') {
    throw new InvalidOptionError(`${tableName}: the column name ${name} is one that every JavaScript object has`);
  }
}

function withCheckedDefault(tableName: string, column: ModelColumn): ModelColumn {
  const choices = column.choices && { choices: Object.freeze([...column.choices]) };
  if (!column.hasDefault) return { ...column, ...choices, default: undefined };
  try {
    const where = `the default of ${tableName}`;
    const { value } = freezeValue(column, column.default, where);
    checkChoice(column, value, where);
    return { ...column, ...choices, default: value };
  } catch (error) {
    if (!(error instanceof EntropicError)) throw error;
    throw new InvalidOptionError(error.message, { cause: error });
  }
}

/**
 * What a TypeORM-decorated class may extend: the four fields of every record, typed and without columns of their own.
 * Its params are the class's decorated properties, with explicit types: `@Column('int') declare n: number`.
 */
export class Base {
  declare id: string;
  declare resultFile: string;
  declare createdAt: Date;
  declare customData: CustomData;
}
