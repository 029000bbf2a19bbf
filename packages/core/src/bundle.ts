// A module runner and its imports → one file with a digest. What a slot runs is exactly that file, whether the program runs from
// TypeScript through a loader, compiled, or as plain JavaScript. Called by module-source.ts.
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundleFolder, writeBundle } from './bundle-cache.js';
import { InvalidOptionError } from './errors.js';

/** A runner made ready. */
export interface Bundle {
  /** Absolute path of the one file. */
  file: string;
  /** SHA-256 of its code, which holds no path of this machine: the same code has it everywhere. */
  digest: string;
  /** URL of the runner as its code sees it in `import.meta.url`. */
  url: string;
  /** Every file that went into it, with its time of change: a later call asks whether it is still true. */
  inputs: readonly { path: string; mtimeMs: number }[];
}

/** Compiled code keeps its `./simulate.ts`, and sources may name the file that they become. */
const TWINS: Readonly<Record<string, readonly string[]>> = {
  '.ts': ['.js', '.mjs', '.cjs'],
  '.mts': ['.mjs'],
  '.cts': ['.cjs'],
  '.tsx': ['.js', '.jsx'],
  '.js': ['.ts', '.tsx'],
  '.mjs': ['.mts'],
  '.cjs': ['.cts'],
  '.jsx': ['.tsx'],
};

/**
 * The file of a runner's URL.
 * @throws InvalidOptionError that says what was tried
 */
export function findModule(url: URL): string {
  if (url.protocol !== 'file:') {
    throw new InvalidOptionError(
      `runner: the module ${url.href} is no file; give new URL('./simulate.ts', import.meta.url)`,
    );
  }
  const path = fileURLToPath(new URL(url.pathname, url));
  const extension = extname(path);
  const stem = path.slice(0, path.length - extension.length);
  const tried = [path, ...(TWINS[extension] ?? []).map((twin) => stem + twin)];
  const found = tried.find((candidate) => existsSync(candidate) && statSync(candidate).isFile());
  // The real path, as Node's own `import.meta.url` and the bundler have it.
  if (found !== undefined) return realpathSync(found);
  throw new InvalidOptionError(
    `runner: there is no module ${path}; tried ${tried.map((t) => basename(t)).join(', ')} in ${dirname(path)}`,
  );
}

/** Whether the files that a bundle was made of are as they were. */
export function isCurrent(bundle: Bundle): boolean {
  return bundle.inputs.every(({ path, mtimeMs }) => lstatSync(path, { throwIfNoEntry: false })?.mtimeMs === mtimeMs);
}

/**
 * Packages stay outside and are loaded where the runner finds them; files of the program go in.
 * @throws InvalidOptionError that names file and line of what does not build
 */
export function bundleModule(esbuild: typeof import('esbuild'), path: string): Bundle {
  let result: import('esbuild').BuildResult<{ write: false; metafile: true }>;
  try {
    // Synchronous: the asynchronous form leaves a helper process behind that lives as long as this one.
    result = esbuild.buildSync({
      entryPoints: [path],
      bundle: true,
      write: false,
      metafile: true,
      outfile: 'runner.mjs',
      platform: 'node',
      format: 'esm',
      target: 'node20',
      packages: 'external',
      sourcemap: 'external',
      // Comments, blanks and the names of files would make the digest differ where the code does not.
      minifyWhitespace: true,
      legalComments: 'none',
      charset: 'utf8',
      keepNames: false,
      logLevel: 'silent',
      absWorkingDir: dirname(path),
      define: {
        'import.meta.url': '__entropicUrl',
        'import.meta.filename': '__entropicFile',
        'import.meta.dirname': '__entropicDir',
        __filename: '__entropicFile',
        __dirname: '__entropicDir',
      },
      banner: { js: BANNER },
    });
  } catch (error) {
    throw buildError(path, error);
  }
  const inputs = Object.keys(result.metafile.inputs).map((input) => resolve(dirname(path), input));
  checkOwnUrls(path, inputs);
  const code = (result.outputFiles.find((file) => file.path.endsWith('.mjs')) as { text: string }).text;
  const map = result.outputFiles.find((file) => file.path.endsWith('.map'))?.text ?? '';
  const digest = createHash('sha256').update(code).digest('hex');
  // The same code may stand in two places, and knows by its URL which: Node loads a file of its own for each.
  const place = createHash('sha256').update(path).digest('hex').slice(0, 8);
  const file = writeBundle(join(bundleFolder(path), `${digest.slice(0, 32)}-${place}.mjs`), code, map, dirname(path));
  return {
    file,
    digest,
    url: pathToFileURL(path).href,
    inputs: inputs.map((input) => ({ path: input, mtimeMs: lstatSync(input).mtimeMs })),
  };
}

/**
 * The slot imports the file with the runner's own URL as a query: `import.meta` is then what the author wrote it for. CommonJS inside
 * of it calls `require`, which a module does not have.
 */
const BANNER =
  'import{fileURLToPath as __entropicPath}from"node:url";import{dirname as __entropicDirname}from"node:path";' +
  'import{createRequire as __entropicRequire}from"node:module";' +
  'const __entropicUrl=new URL(import.meta.url).searchParams.get("runner")??import.meta.url,' +
  '__entropicFile=__entropicPath(__entropicUrl),__entropicDir=__entropicDirname(__entropicFile),' +
  'require=__entropicRequire(import.meta.url);';

/** In one file there is one `import.meta.url`, the runner's: right for every file of its folder, and wrong for others. */
function checkOwnUrls(path: string, inputs: readonly string[]): void {
  for (const input of inputs) {
    if (dirname(input) === dirname(path) || extname(input) === '.json') continue;
    const [used] =
      /\bimport\.meta\.(url|dirname|filename)\b|\b__(dirname|filename)\b/.exec(readFileSync(input, 'utf8')) ?? [];
    if (used === undefined) continue;
    throw new InvalidOptionError(
      `runner: ${input} uses ${used} and lies in another folder than the runner ${path}: in the bundle it would point to the runner's folder. ` +
        'Move it beside the runner, or pass it the path',
    );
  }
}

function buildError(path: string, error: unknown): InvalidOptionError {
  const { errors = [] } = error as {
    errors?: { text: string; location: { file: string; line: number; column: number } | null }[];
  };
  const [first] = errors;
  if (!first)
    return new InvalidOptionError(`runner: ${path} cannot be bundled: ${(error as Error).message}`, { cause: error });
  const where = first.location
    ? `${resolve(dirname(path), first.location.file)}:${first.location.line}:${first.location.column + 1}`
    : path;
  const addon = /No loader is configured for "\.node"/.test(first.text);
  const hint = addon
    ? 'a native addon cannot go into a bundle; put it into a package and import it by the package name'
    : first.text;
  return new InvalidOptionError(`runner: ${where}: ${hint}`, { cause: error });
}
