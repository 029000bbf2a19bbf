// Models that users wrote for TypeORM (an EntitySchema, a decorated class) → a Model. The store calls it when it opens.
// TypeORM is not imported here, it costs 110 ms: the caller, who needs it anyway, passes what its decorators recorded.
import { show } from './canonical.js';
import { InvalidOptionError } from './errors.js';
import { buildModel } from './model.js';
import type { ColumnKind, Model, ModelColumn } from './types.js';

/** What is read of TypeORM's `getMetadataArgsStorage()`. */
export interface DecoratedStorage {
  readonly tables: readonly { readonly target: unknown; readonly name?: string }[];
  readonly columns: readonly {
    readonly target: unknown;
    readonly propertyName: string;
    readonly mode?: string;
    readonly options: EntityColumn;
  }[];
}

/** What is read of a column's options. */
interface EntityColumn {
  readonly type?: unknown;
  readonly name?: string;
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly comment?: string;
}

interface EntityOptions {
  readonly name: string;
  readonly tableName?: string;
  readonly columns?: Readonly<Record<string, EntityColumn>>;
  readonly [option: string]: unknown;
}

const KINDS: ReadonlyMap<unknown, ColumnKind> = new Map<unknown, ColumnKind>([
  ...(['int', 'integer', 'bigint', 'smallint'] as const).map((type) => [type, 'int'] as const),
  ...(['float', 'double', 'real', 'double precision', 'numeric'] as const).map((type) => [type, 'float'] as const),
  ...([String, 'text', 'varchar', 'character varying'] as const).map((type) => [type, 'text'] as const),
  ...([Boolean, 'boolean'] as const).map((type) => [type, 'bool'] as const),
  ...(['json', 'simple-json'] as const).map((type) => [type, 'json'] as const),
]);

/** The fields that a hand-written entity may declare too: the library has them anyway, so they are left out. */
const OWN_FIELDS: readonly string[] = [
  'id',
  'resultFile',
  'result_file',
  'createdAt',
  'created_at',
  'customData',
  'custom_data',
];

/** Options of a column that would make its value another than the param that was passed. */
const UNSUPPORTED = [
  'primary',
  'generated',
  'array',
  'transformer',
  'createDate',
  'updateDate',
  'deleteDate',
  'version',
];

/**
 * Whatever a store takes as its model → the model.
 *
 * @param model - from `defineResult`, an `EntitySchema`, or a class with `@Entity` and `@Column('int')` and so on
 * @param decorated - TypeORM's `getMetadataArgsStorage()`, where decorators leave their columns
 * @throws {@link InvalidOptionError} that names the column and what is accepted
 */
export function toModel(model: unknown, decorated: DecoratedStorage): Model {
  // A class has a name and may have anything else, so that it is asked for first.
  if (typeof model === 'function') return modelOfClass(model, decorated);
  if (typeof model === 'object' && model !== null) {
    if ((model as Partial<Model>).isEntropicModel === true) return model as Model;
    const schema = model as { readonly '@instanceof'?: unknown; readonly options?: EntityOptions };
    if (schema['@instanceof'] === Symbol.for('EntitySchema') && schema.options) return modelOfSchema(schema.options);
  }
  const fix = "pass defineResult('results', { n: int() }), an EntitySchema or a decorated class";
  throw new InvalidOptionError(`model: ${show(model)} is no model; ${fix}`);
}

function modelOfSchema(options: EntityOptions): Model {
  const tableName = options.tableName ?? snakeCase(options.name);
  for (const part of ['relations', 'embeddeds', 'inheritance']) {
    if (options[part] !== undefined && Object.keys(options[part] as object).length > 0) {
      throw new InvalidOptionError(`${tableName}: ${part} are not supported, params are plain columns of one table`);
    }
  }
  const columns = Object.entries(options.columns ?? {}).filter(([name]) => !OWN_FIELDS.includes(name));
  return buildModel(
    tableName,
    columns.map(([name, column]) => columnOf(tableName, name, column)),
  );
}

// biome-ignore lint/complexity/noBannedTypes: a class, whatever its constructor takes
function modelOfClass(model: Function, decorated: DecoratedStorage): Model {
  const table = decorated.tables.find(({ target }) => target === model);
  if (table === undefined) {
    const fix = 'decorate it, and install one typeorm only';
    throw new InvalidOptionError(
      `model: the class ${model.name} has no @Entity() that this store's typeorm knows; ${fix}`,
    );
  }
  const tableName = table.name ?? snakeCase(model.name);
  // The class first, then what it extends: a property declared again counts as its own class declares it.
  const chain = [...prototypeChain(model)];
  const found = new Map<string, { depth: number; read: () => ModelColumn }>();
  for (const { target, propertyName, mode, options } of decorated.columns) {
    const depth = chain.indexOf(target);
    const known = found.get(propertyName);
    if (depth < 0 || OWN_FIELDS.includes(propertyName) || (known !== undefined && known.depth < depth)) continue;
    const read = () => columnOf(tableName, propertyName, options, mode);
    found.set(propertyName, { depth, read });
  }
  return buildModel(
    tableName,
    [...found.values()].map(({ read }) => read()),
  );
}

function* prototypeChain(model: unknown): Generator<unknown> {
  for (let at = model; typeof at === 'function' && at !== Function.prototype; at = Object.getPrototypeOf(at)) yield at;
}

function columnOf(tableName: string, name: string, column: EntityColumn, mode = 'regular'): ModelColumn {
  const refuse = (why: string): never => {
    throw new InvalidOptionError(`${tableName}.${name}: ${why}`);
  };
  if (mode !== 'regular') refuse(`a ${mode} column is no param; a record has createdAt of its own`);
  for (const option of UNSUPPORTED) {
    if ((column as Readonly<Record<string, unknown>>)[option]) {
      refuse(`the option ${option} is not supported, a param is a plain column`);
    }
  }
  if (column.name !== undefined && column.name !== name) {
    refuse(`its database column is named ${column.name}; a param and its column have one name, leave out \`name\``);
  }
  if (typeof column.default === 'function') refuse('a default that the database computes cannot be part of an id');
  return {
    name,
    kind: kindOf(column.type) ?? refuse(typeProblem(column.type)),
    nullable: column.nullable === true,
    hasDefault: column.default !== undefined,
    default: column.default,
    ...(column.comment !== undefined && { description: column.comment }),
  };
}

function kindOf(type: unknown): ColumnKind | undefined {
  return KINDS.get(typeof type === 'string' ? type.toLowerCase() : type);
}

function typeProblem(type: unknown): string {
  if (type === Number || type === 'number') {
    return "Number does not say whether ids are made of integers or floats; write 'int' or 'double precision'";
  }
  const name = typeof type === 'function' ? type.name : show(type);
  const accepted = [...KINDS.keys()].filter((key) => typeof key === 'string');
  return `the type ${name} is not supported; use one of ${accepted.join(', ')}`;
}

/** As TypeORM names the table of an entity that names none. */
function snakeCase(name: string): string {
  return name
    .replaceAll(/([A-Z])([A-Z])([a-z])/g, '$1_$2$3')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase();
}
