// The shape rules of the packages, read from their import lines; no compiler is needed for that.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const packages = resolve(dirname(fileURLToPath(import.meta.url)), '..', 'packages');
const layers = ['core', 'scheduler', 'client', 'entropic'];
const maxLines = 400;
const maxNames = 24;
const maxFacadeValues = 39;

interface SourceFile {
  readonly path: string;
  readonly layer: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function sourcePaths(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourcePaths(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

/** The specifiers of static imports and re-exports (value or type), of imports for effect, and of dynamic imports. */
function importsOf(text: string): string[] {
  const code = withoutComments(text);
  const patterns = [
    /^\s*(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^\s*import\s*['"]([^'"]+)['"]/gm,
    /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
  ];
  return patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] as string));
}

function readSources(): SourceFile[] {
  return layers.flatMap((layer) =>
    sourcePaths(join(packages, layer, 'src')).map((path) => {
      const text = readFileSync(path, 'utf8');
      return { path, layer, text, imports: importsOf(text) };
    }),
  );
}

function shown(path: string): string {
  return relative(packages, path).split(sep).join('/');
}

function layerOf(specifier: string): string | undefined {
  if (specifier === 'entropic' || specifier.startsWith('entropic/')) return 'entropic';
  return /^@entropic\/([^/]+)/.exec(specifier)?.[1];
}

function targetOf(file: SourceFile, specifier: string): string {
  return resolve(dirname(file.path), specifier).replace(/\.js$/, '.ts');
}

/** The first cycle that is found, as a path of files that ends where it begins. */
function findCycle(files: readonly SourceFile[]): string[] | undefined {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path].map(shown);
    const file = byPath.get(path);
    if (file === undefined || done.has(path)) return undefined;
    for (const specifier of file.imports.filter((name) => name.startsWith('.'))) {
      const cycle = visit(targetOf(file, specifier), [...trail, path]);
      if (cycle !== undefined) return cycle;
    }
    done.add(path);
    return undefined;
  };
  for (const file of files) {
    const cycle = visit(file.path, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** The names that a door exports, values and types apart. */
function exportedNames(text: string): { values: string[]; types: string[] } {
  const code = withoutComments(text);
  const values: string[] = [];
  const types: string[] = [];
  for (const [, typeOnly, list = ''] of code.matchAll(/\bexport\s+(type\s+)?\{([^}]*)\}/g)) {
    for (const item of list.split(',').map((part) => part.trim())) {
      if (item === '') continue;
      const isType = typeOnly !== undefined || item.startsWith('type ');
      (isType ? types : values).push(item.replace(/^type\s+/, '').replace(/^.*\sas\s+/, ''));
    }
  }
  for (const [, kind, name = ''] of code.matchAll(
    /\bexport\s+(?:declare\s+|abstract\s+|async\s+)*(class|function|const|let|interface|type)\s+\*?\s*(\w+)/g,
  )) {
    (kind === 'interface' || kind === 'type' ? types : values).push(name);
  }
  return { values, types };
}

const sources = readSources();

describe('[architecture] packages', () => {
  it('have source to look at, and import lines that this walk can follow', () => {
    for (const layer of layers) expect(sources.some((file) => file.layer === layer)).toBe(true);
    const lost = sources.flatMap((file) =>
      file.imports
        .filter((specifier) => specifier.startsWith('.') && !existsSync(targetOf(file, specifier)))
        .map((specifier) => `${shown(file.path)} imports ${specifier}`),
    );
    expect(lost).toEqual([]);
  });

  it('import only from layers to their left: core, scheduler, client, entropic', () => {
    const reversed = sources.flatMap((file) =>
      file.imports
        .filter((specifier) => {
          const layer = layerOf(specifier);
          return layer !== undefined && !layers.slice(0, layers.indexOf(file.layer)).includes(layer);
        })
        .map((specifier) => `${shown(file.path)} imports ${specifier}`),
    );
    expect(reversed).toEqual([]);
  });

  it('stay inside their own folder with relative imports, and enter siblings by their two doors', () => {
    const trespassing = sources.flatMap((file) =>
      file.imports
        .filter((specifier) => {
          if (specifier.startsWith('.')) return shown(targetOf(file, specifier)).split('/')[0] !== file.layer;
          return layerOf(specifier) !== undefined && !/^(entropic|@entropic\/[^/]+(\/internal)?)$/.test(specifier);
        })
        .map((specifier) => `${shown(file.path)} imports ${specifier}`),
    );
    expect(trespassing).toEqual([]);
  });

  it.each(layers)('have no import cycle, value or type, in %s', (layer) => {
    expect(findCycle(sources.filter((file) => file.layer === layer))).toBeUndefined();
  });

  it(`have no file of more than ${maxLines} lines`, () => {
    const long = sources
      .map((file) => ({ file: shown(file.path), lines: file.text.trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > maxLines);
    expect(long).toEqual([]);
  });

  it.each(layers)('export explicit and few names from the index of %s', (layer) => {
    const text = readFileSync(join(packages, layer, 'src', 'index.ts'), 'utf8');
    expect(withoutComments(text)).not.toMatch(/\bexport\s+(type\s+)?\*/);
    const { values } = exportedNames(text);
    if (layer === 'entropic') expect(values.length, values.join(', ')).toBeLessThanOrEqual(maxFacadeValues);
    else expect(values.length, values.join(', ')).toBeLessThanOrEqual(maxNames);
  });
});
