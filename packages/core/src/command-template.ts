// Placeholders in a command line: `{name}` is the value of a param, `{result_file}` the path of the result, `{{` and `}}` are braces.
// Read once by command-runner.ts, filled for each run by the command executor.
import { show } from './canonical.js';
import { InvalidOptionError } from './errors.js';
import { suggest } from './suggest.js';

/** The name that is no column: where the result goes. */
export const RESULT_FILE = 'result_file';

/** One argument: pieces of text, and between them the names of placeholders. */
export interface ArgumentTemplate {
  readonly texts: readonly string[];
  readonly names: readonly string[];
}

const PIECES = /\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|[{}]/g;

/** @throws InvalidOptionError for a brace that is part of neither a placeholder nor a pair */
export function parseArgument(argument: string): ArgumentTemplate {
  const texts = [''];
  const names: string[] = [];
  let end = 0;
  const add = (text: string) => {
    texts[texts.length - 1] += text;
  };
  for (const match of argument.matchAll(PIECES)) {
    const [piece, name] = match;
    add(argument.slice(end, match.index));
    end = match.index + piece.length;
    if (name !== undefined) {
      names.push(name);
      texts.push('');
    } else if (piece.length === 2) add(piece[0] as string);
    else {
      throw new InvalidOptionError(
        `commandRunner: the "${piece}" in ${show(argument)} is part of no placeholder such as {n} or {${RESULT_FILE}}; for a brace itself write it twice: ${piece}${piece}`,
      );
    }
  }
  add(argument.slice(end));
  return { texts, names };
}

/** @throws InvalidOptionError that names the placeholder and what was meant */
export function checkPlaceholders(argv: readonly ArgumentTemplate[], columns: readonly string[]): void {
  const known = [...columns, RESULT_FILE];
  for (const name of argv.flatMap(({ names }) => names)) {
    if (known.includes(name)) continue;
    const near = suggest(name, known);
    const hint =
      near === undefined ? `there are ${known.map((one) => `{${one}}`).join(', ')}` : `did you mean {${near}}?`;
    throw new InvalidOptionError(
      `runner: the command has the placeholder {${name}}, and the model no column of that name; ${hint}`,
    );
  }
}

/** @param values every param as text, and the path of the result */
export function fillArgument({ texts, names }: ArgumentTemplate, values: ReadonlyMap<string, string>): string {
  return texts.reduce((filled, text, i) => filled + values.get(names[i - 1] as string) + text);
}
