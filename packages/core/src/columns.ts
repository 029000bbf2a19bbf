// One column's value: is it of the column's type, its canonical text, its frozen copy. params.ts calls it for every
// param of every point, model.ts for defaults. Nothing is ever converted: '100' is not 100.
import {
  escapeString,
  type Frozen,
  freezeJson,
  propertyPath,
  pythonFloat,
  refuse,
  show,
  textProblem,
} from './canonical.js';
import type { ColumnKind, ModelColumn } from './types.js';

/** The record's own fields as JavaScript and as the database spell them, in any letter case: no param is called so. */
export const RESERVED_NAME = /^(id|result_?file|created_?at|custom_?data)$/i;

const NAMES: Readonly<Record<ColumnKind, string>> = {
  int: 'an integer',
  float: 'a number',
  text: 'a text',
  bool: 'true or false',
  json: 'a JSON value',
};

/**
 * The canonical text of a value that is no container; for `json` columns see {@link freezeValue}.
 *
 * @param where - what the value belongs to, for the path in messages: `params` gives `params.dt`
 * @throws {@link InvalidParamsError}
 */
export function textOfValue(column: ModelColumn, value: unknown, where: string): string {
  if (value === null && column.nullable) return 'null';
  switch (column.kind) {
    case 'int':
      // Template text of −0 is `0`.
      return Number.isSafeInteger(value) ? `${value as number}` : refuseValue(column, value, where);
    case 'float':
      return Number.isFinite(value) ? pythonFloat(value as number) : refuseValue(column, value, where);
    case 'text': {
      if (typeof value !== 'string') return refuseValue(column, value, where);
      const problem = textProblem(value);
      return problem === undefined ? escapeString(value) : refuse(pathOf(column, where), problem);
    }
    case 'bool':
      return typeof value === 'boolean' ? String(value) : refuseValue(column, value, where);
    case 'json':
      return freezeValue(column, value, where).text;
  }
}

/** A value of any column as text and frozen copy. −0 becomes 0, which has the same text. */
export function freezeValue(column: ModelColumn, value: unknown, where: string): Frozen {
  if (column.kind === 'json') {
    if (value === null && !column.nullable) return refuseValue(column, value, where);
    return freezeJson(value, pathOf(column, where));
  }
  const text = textOfValue(column, value, where);
  return { text, value: value === 0 ? 0 : (value as Frozen['value']) };
}

/** Refuses a value that is not among the column's choices. */
export function checkChoice(column: ModelColumn, value: unknown, where: string): void {
  if (column.choices === undefined || value === null || column.choices.includes(value as string | number)) return;
  refuse(pathOf(column, where), `${show(value)} is not one of ${column.choices.map(show).join(', ')}`);
}

function pathOf(column: ModelColumn, where: string): string {
  return where + propertyPath(column.name);
}

function refuseValue(column: ModelColumn, value: unknown, where: string): never {
  return refuse(pathOf(column, where), problemOf(column, value));
}

function problemOf({ name, kind, nullable }: ModelColumn, value: unknown): string {
  if (value === null) return `null is accepted only in a column declared { nullable: true }`;
  if (typeof value === 'number' && !Number.isFinite(value)) return `${value} cannot be part of an id`;
  if (kind === 'int' && Number.isInteger(value))
    return `${value} is beyond 2^53 − 1, where integers are no longer exact`;
  const takes = `${name} takes ${NAMES[kind]}${nullable ? ' or null' : ''}`;
  // The commonest slip, so that the fix is shown: numbers and booleans from a form, a file or an argument.
  const meant = typeof value === 'string' ? meantBy(value, kind) : undefined;
  return `${show(value)} is refused, ${takes}${meant === undefined ? '' : `: pass ${meant}`}`;
}

function meantBy(text: string, kind: ColumnKind): string | undefined {
  if (kind === 'bool') return text === 'true' || text === 'false' ? text : undefined;
  if (text.trim() === '' || text.length > 30) return undefined;
  const number = Number(text);
  return (kind === 'int' ? Number.isSafeInteger(number) : Number.isFinite(number)) ? String(number) : undefined;
}
