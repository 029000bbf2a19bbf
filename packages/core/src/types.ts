// The types that users meet: models, params, records, and what a sweep takes. Types only, no value is exported;
// model.ts builds what is described here, and every package reads it.
import type { EntitySchema } from 'typeorm';

/** What JSON can hold. Params of a `json()` column, `customData` and a runner's returned value are of this type. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** One flat, writable object type instead of intersections, so that a hover in the editor is readable. */
export type Flat<T> = { -readonly [K in keyof T]: T[K] } & {};

/** The names every record has of its own; no param may be called so. */
export type ReservedFields = 'id' | 'resultFile' | 'createdAt' | 'customData';

/** What is kept beside a result, as JSON. `elapsedSeconds` and `value` are written by the library. */
export interface CustomData {
  /** Seconds that the run took, from its start to its return. */
  elapsedSeconds?: number;
  /** What the runner returned, where that was JSON of at most 64 KiB. */
  value?: JsonValue;
  /** What the caller passed as `customData`. */
  [key: string]: JsonValue | undefined;
}

/** The four fields every record has beside its params. */
export interface RunRecordFields {
  /** The point's id: 16 lower-case hexadecimal digits. */
  id: string;
  /** Absolute path of the result file. */
  resultFile: string;
  /** When the run finished, or the file was registered; UTC. */
  createdAt: Date;
  /** What is kept beside the result; `{}` where there is nothing. */
  customData: CustomData;
}

/** What a store returns for one run: the four fields and all params, defaults filled in. */
export type RunRecord<Full> = Flat<RunRecordFields & Full>;

/** How a column is stored and written into the id. */
export type ColumnKind = 'int' | 'float' | 'text' | 'bool' | 'json';

/** One param of a model, as the rest of the library reads it. Frozen. */
export interface ModelColumn {
  readonly name: string;
  readonly kind: ColumnKind;
  /** Whether `null` is a value of this column. */
  readonly nullable: boolean;
  readonly hasDefault: boolean;
  /** The default that the code gives now; meaningful only with `hasDefault`. */
  readonly default: unknown;
  /** The only values of a `oneOf` column. */
  readonly choices?: readonly (string | number)[];
  /** The unit shown beside values, as `'s'`; it is no part of the id. */
  readonly unit?: string;
  readonly description?: string;
}

/**
 * A table of results: what one run is given, with types, defaults and rules. Made by `defineResult`.
 *
 * @typeParam In - the params that users pass; those with a default are optional
 * @typeParam Full - all params, as records and runners have them
 */
export interface Model<In = unknown, Full = unknown> {
  readonly isEntropicModel: true;
  /** The table in the database. */
  readonly tableName: string;
  /** In the order in which they were declared. */
  readonly columns: readonly ModelColumn[];
  /** Carries the types; never set. */
  readonly '~types'?: { readonly in: In; readonly full: Full };
}

/** Whatever a store takes as its model: `defineResult`, a TypeORM `EntitySchema`, or a decorated class. */
// biome-ignore lint/suspicious/noExplicitAny: any model, whatever its params
export type AnyModel = Model<any, any> | EntitySchema<any> | (abstract new (...args: never[]) => object);

/** Data properties of a hand-written entity that are params. */
type EntityParams<T> = {
  [K in keyof T as K extends ReservedFields | 'result_file' | 'created_at' | 'custom_data'
    ? never
    : NonNullable<T[K]> extends (...args: never[]) => unknown
      ? never
      : K]: T[K];
};

/** The params that users of a model pass. */
export type ParamsOf<M> =
  M extends Model<infer In, infer _Full>
    ? In
    : M extends EntitySchema<infer T>
      ? Flat<EntityParams<T>>
      : M extends abstract new (
            ...args: never[]
          ) => infer T
        ? Flat<EntityParams<T>>
        : never;

/** All params of a model, as its records have them: none is optional. */
export type FullOf<M> =
  M extends Model<infer _In, infer Full>
    ? Full
    : M extends EntitySchema<infer T>
      ? Flat<Required<EntityParams<T>>>
      : M extends abstract new (
            ...args: never[]
          ) => infer T
        ? Flat<Required<EntityParams<T>>>
        : never;

/** A lazy list of points, made by `grid()` or `points()`. */
export interface Grid<P> extends AsyncIterable<P> {
  readonly isEntropicGrid: true;
}

/** A grid as a plain object: one array of values for each param; all combinations are points. */
export type Axes<In> = Flat<{ [K in keyof In]: readonly Exclude<In[K], undefined>[] }>;

/** What a sweep takes: an object of arrays, a list or generator of points, or a {@link Grid}, an async iterable too. */
export type Source<In> = Axes<In> | readonly In[] | Iterable<In> | AsyncIterable<In>;

/** Makes each name a compile error that `In` does not have. */
type NoExtra<P, In> = { readonly [K in Exclude<keyof P, keyof In>]: never };

/** The same for each point of a union of points. */
type NoExtraInAny<P, In> = P extends unknown ? P & NoExtra<P, In> : never;

/** The names that `In` does not have, of each point of a union of points. */
type ExtraNames<P, In> = P extends unknown ? Exclude<keyof P, keyof In> : never;

/**
 * Refuses names that the model does not know, which TypeScript does not do by itself for a type parameter:
 * `sweep<const S extends Source<In>>(source: S & Exact<S, In>)`.
 */
export type Exact<S, In> =
  // A source of the wrong type altogether: S is then `Source<In>` itself, which alone makes the readable message.
  [Source<In>] extends [S]
    ? unknown
    : S extends readonly unknown[]
      ? // A right list is left as it is: in an intersection TypeScript does not see that `[...list, point]` is a list of that form.
        [ExtraNames<S[number], In>] extends [never]
        ? unknown
        : { readonly [I in keyof S]: NoExtraInAny<S[I], In> }
      : S extends Iterable<infer P>
        ? Iterable<NoExtraInAny<P, In>>
        : S extends AsyncIterable<infer P>
          ? AsyncIterable<NoExtraInAny<P, In>>
          : NoExtra<S, In>;
