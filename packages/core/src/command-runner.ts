// A runner that is a program of any language: what users write, checked, with every path made absolute. The scheduler's command
// executor starts it.
import { existsSync, statSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { show } from './canonical.js';
import { type ArgumentTemplate, parseArgument } from './command-template.js';
import { InvalidOptionError } from './errors.js';
import { checkOptionNames, type Duration, parseDuration, parseSize, type Size } from './options.js';
import { type Retries, resolveRetries } from './retries.js';

/** Options of a command runner. A sweep's own options override them. */
export interface CommandRunnerOptions {
  /**
   * Files that the program opens by their name: each is linked into the private folder in which it runs, under its base name. Meant
   * for reading: what is written to it is written to the original. @defaultValue none
   */
  inputs?: readonly (string | URL)[];
  /** Variables beside those of this process. @defaultValue none */
  env?: Readonly<Record<string, string>>;
  /** Longest time of one run, from its start: then SIGTERM to the program and all it started, 5 s later SIGKILL. @defaultValue none */
  timeout?: Duration;
  /** Most memory of the program and all it started; beyond it they are killed, and the reason is `oom`. @defaultValue none */
  memoryLimit?: Size;
  /** How often a failed run is tried again. @defaultValue 0; 2 after `signal` and `worker-lost` */
  retries?: Retries;
}

/** A runner that is a program: made by {@link commandRunner}. */
export interface CommandRunner {
  readonly isEntropicRunner: 'command';
  /** As it was written, files as absolute paths: for messages. */
  readonly argv: readonly string[];
  /** @internal */
  readonly templates: readonly ArgumentTemplate[];
  /** Absolute paths of the files that are linked into the folder of a run. */
  readonly inputs: readonly string[];
  /** @internal What the digest of the code is made of beside the inputs: the command as written, its files by base name. */
  readonly signature: readonly string[];
  /** @internal Files among the arguments, absolute: they count as code too. */
  readonly argumentFiles: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Seconds. */
  readonly timeout: number | undefined;
  /** Bytes. */
  readonly memoryLimit: number | undefined;
  readonly retries: Retries | undefined;
}

/**
 * Any program as a runner. It is started without a shell, in a private folder, with the params in its arguments, as JSON on its standard
 * input and in its environment, and writes one file to `{result_file}` (also `$ENTROPIC_RESULT_FILE`).
 *
 * `{name}` in an argument is the value of that param; braces themselves are written twice. An argument that is a URL, or the path of a
 * file that is there, is passed as an absolute path, and its content is part of the digest of the code, as that of `inputs` is. Relative
 * paths are seen from the working folder at the time of this call.
 *
 * @param argv the program and its arguments
 * @example
 * commandRunner(['python3', new URL('./sim.py', import.meta.url), '--n', '{n}', '--out', '{result_file}'], { timeout: '10m' })
 * @throws InvalidOptionError
 */
export function commandRunner(argv: readonly (string | URL)[], options?: CommandRunnerOptions): CommandRunner {
  checkOptionNames(options, ['inputs', 'env', 'timeout', 'memoryLimit', 'retries'], 'commandRunner');
  if (!Array.isArray(argv) || argv.length === 0) {
    throw new InvalidOptionError(
      `commandRunner: ${Array.isArray(argv) ? 'an empty array' : show(argv)} is no command; give the program and its arguments as an array: ['python3', 'sim.py', '--n', '{n}']`,
    );
  }
  const { inputs = [], env = {}, timeout, memoryLimit, retries } = options ?? {};
  if (retries !== undefined) resolveRetries(retries, 'commandRunner: retries');
  const args = argv.map(readArgument);
  if (args[0]?.text === '') throw new InvalidOptionError('commandRunner: the first of the command must be a program');
  return Object.freeze({
    isEntropicRunner: 'command' as const,
    argv: Object.freeze(args.map(({ text, file }) => file ?? text)),
    templates: Object.freeze(args.map(({ template }) => template)),
    inputs: Object.freeze(readInputs(inputs)),
    signature: Object.freeze(args.map(({ text, file }) => (file === undefined ? text : `file ${basename(file)}`))),
    argumentFiles: Object.freeze(args.flatMap(({ file }) => file ?? [])),
    env: readEnv(env),
    timeout: timeout === undefined ? undefined : parseDuration(timeout, 'commandRunner: timeout'),
    memoryLimit: memoryLimit === undefined ? undefined : parseSize(memoryLimit, 'commandRunner: memoryLimit'),
    retries: typeof retries === 'object' ? Object.freeze({ ...retries }) : retries,
  });
}

/** What `commandRunner` made; undefined for anything else. */
export function asCommandRunner(value: unknown): CommandRunner | undefined {
  const isOne = typeof value === 'object' && value !== null && (value as CommandRunner).isEntropicRunner === 'command';
  return isOne ? (value as CommandRunner) : undefined;
}

interface Argument {
  /** As written. */
  text: string;
  template: ArgumentTemplate;
  /** Absolute. */
  file: string | undefined;
}

function readArgument(argument: unknown): Argument {
  if (argument instanceof URL) {
    const file = inputFile(argument, 'the argument');
    return { text: argument.href, file, template: { texts: [file], names: [] } };
  }
  if (typeof argument !== 'string' || argument.includes('\0')) {
    throw new InvalidOptionError(`commandRunner: the argument ${show(argument)} is no text; write String(value)`);
  }
  const template = parseArgument(argument);
  const [text = ''] = template.texts;
  const file = template.names.length === 0 && looksLikePath(text) ? resolve(text) : undefined;
  if (file === undefined || !isFile(file)) return { text: argument, template, file: undefined };
  return { text: argument, file, template: { texts: [file], names: [] } };
}

/** `sim.py`, `./sim`, `bin/sim`: not `python3`, which is looked for in PATH, nor `euler`, though there be such a file. */
function looksLikePath(text: string): boolean {
  return /[\\/]/.test(text) || /^\.[A-Za-z]\w*$/.test(extname(text));
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

function inputFile(input: unknown, what: string): string {
  if (!(input instanceof URL) && (typeof input !== 'string' || input === '' || input.includes('\0')))
    throw new InvalidOptionError(`commandRunner: ${what} ${show(input)} is neither the path nor the URL of a file`);
  if (input instanceof URL && input.protocol !== 'file:')
    throw new InvalidOptionError(`commandRunner: ${what} ${input.href} is no file of this machine`);
  const path = resolve(input instanceof URL ? fileURLToPath(input) : input);
  if (!existsSync(path)) throw new InvalidOptionError(`commandRunner: there is no file ${path}, which is ${what}`);
  if (!isFile(path)) {
    throw new InvalidOptionError(
      `commandRunner: ${what} ${path} is no regular file; name the files of a folder one by one`,
    );
  }
  return path;
}

function readInputs(inputs: unknown): string[] {
  if (!Array.isArray(inputs)) {
    throw new InvalidOptionError(`commandRunner: inputs: ${show(inputs)} is no array; give ['mesh.dat']`);
  }
  const files = inputs.map((input) => inputFile(input, 'an input'));
  const seen = new Map<string, string>();
  for (const file of files) {
    const twin = seen.get(basename(file));
    if (twin !== undefined) {
      throw new InvalidOptionError(
        `commandRunner: the inputs ${twin} and ${file} would have the same name in the folder of a run; rename one`,
      );
    }
    seen.set(basename(file), file);
  }
  return files;
}

function readEnv(env: unknown): Readonly<Record<string, string>> {
  if (typeof env !== 'object' || env === null || Array.isArray(env)) {
    throw new InvalidOptionError(`commandRunner: env: ${show(env)} is no object; give { OMP_NUM_THREADS: '1' }`);
  }
  for (const [name, value] of Object.entries(env)) {
    if (typeof value !== 'string' || value.includes('\0') || !/^[^=\0]+$/.test(name)) {
      throw new InvalidOptionError(`commandRunner: env: ${name} is ${show(value)}; names and values are texts`);
    }
    if (name.startsWith('ENTROPIC_')) {
      throw new InvalidOptionError(
        `commandRunner: env: ${name} is not yours; names with ENTROPIC_ tell the program of its run`,
      );
    }
  }
  return Object.freeze({ ...(env as Record<string, string>) });
}
