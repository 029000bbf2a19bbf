// Whether a table of the database is the model's: compared at every open, before anything is written. Called by migrations.ts.
import { SchemaDriftError } from '../errors.js';
import type { ColumnKind, Model } from '../model.js';
import { type Dialect, query, type Script } from './database.js';

/** The columns that every table of results has, in their order. */
export const RESERVED: readonly { name: string; kind: 'id' | 'text' | 'time' | 'json' }[] = [
  { name: 'id', kind: 'id' },
  { name: 'result_file', kind: 'text' },
  { name: 'created_at', kind: 'time' },
  { name: 'custom_data', kind: 'json' },
];

/** A column as the database has it. */
export interface ActualColumn {
  type: string;
  notNull: boolean;
}

/** A column as entropic_columns has it. */
export interface KnownColumn {
  kind: ColumnKind;
  idDefault: string | null;
}

/** SQLite takes names that differ by letter case for one table; our own tables do not. */
export function* checkLetterCase(dialect: Dialect, table: string): Script<void> {
  if (dialect.name !== 'sqlite') return;
  const [other] = yield* query('SELECT name FROM sqlite_master WHERE name <> ? AND lower(name) = lower(?)', [
    table,
    table,
  ]);
  if (!other) return;
  throw new SchemaDriftError(
    `table "${table}": this database has a table "${other[0]}", and SQLite does not tell names apart by letter case; use that name or another`,
    { table },
  );
}

/** @throws SchemaDriftError that names the column, what the table has and what the model says */
export function checkDrift(
  model: Model,
  actual: ReadonlyMap<string, ActualColumn>,
  columns: ReadonlyMap<string, KnownColumn>,
): void {
  if (actual.size === 0) return;
  const { tableName: table } = model;
  const drift = (column: string, message: string) => {
    throw new SchemaDriftError(`${message}; ${table} is left as it is`, { table, column });
  };
  const names = new Map(model.columns.map((column) => [column.name, column]));
  for (const { name } of RESERVED) {
    if (!actual.has(name))
      drift(name, `table "${table}" has no column "${name}": it was not made by entropic, choose another table name`);
  }
  for (const [name, known] of columns) {
    const column = names.get(name);
    if (!column)
      drift(
        name,
        `column "${name}" is in table "${table}" but not in the model: keep it there, perhaps with a default`,
      );
    else if (column.kind !== known.kind) {
      drift(
        name,
        `column "${name}" is ${known.kind} in table "${table}" and ${column.kind} in the model: a column's type cannot change, add a new one`,
      );
    }
    if (!actual.has(name)) drift(name, `column "${name}" was removed from table "${table}" by hand: restore it`);
  }
  const adopting = columns.size === 0;
  for (const column of model.columns) {
    const has = actual.get(column.name);
    if (!has) continue;
    if (adopting && !fitsType(column.kind, has.type)) {
      drift(
        column.name,
        `column "${column.name}" of table "${table}" has type ${has.type}, the model says ${column.kind}`,
      );
    }
    if (column.nullable && has.notNull) {
      drift(
        column.name,
        `column "${column.name}" is nullable in the model but NOT NULL in table "${table}": add a new nullable column`,
      );
    }
    if (!adopting && !columns.has(column.name)) {
      drift(
        column.name,
        `column "${column.name}" was added to table "${table}" by hand: remove it there, entropic adds it from the model`,
      );
    }
  }
  for (const name of actual.keys()) {
    if (names.has(name) || RESERVED.some((reserved) => reserved.name === name) || columns.has(name)) continue;
    drift(name, `table "${table}" has a column "${name}" that the model does not have: add it to the model`);
  }
}

/** Whether a column of a table made elsewhere (SQLAlchemy's names) can hold the model's kind. */
function fitsType(kind: ColumnKind, type: string): boolean {
  const t = type.toLowerCase();
  switch (kind) {
    case 'int':
      return /int/.test(t);
    case 'float':
      return /real|floa|doub|numeric/.test(t);
    case 'text':
      return /char|text|clob/.test(t);
    case 'bool':
      return /bool|int/.test(t);
    case 'json':
      return /json|text/.test(t);
  }
}
