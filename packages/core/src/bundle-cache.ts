// Where bundles are kept: beside the packages that the runner imports, or, where nothing can be written there, in a folder from which
// the same packages are found. Called by bundle.ts.
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** `node_modules/.cache/entropic` beside the runner's own packages: bare imports are resolved from there. */
export function bundleFolder(runner: string): string {
  const [nearest, ...outer] = modulesFolders(runner);
  if (nearest === undefined) return ownTempFolder();
  const cache = join(nearest, '.cache', 'entropic');
  try {
    mkdirSync(cache, { recursive: true });
    accessSync(cache, constants.W_OK);
    return cache;
  } catch {
    // Read-only packages: an image, a shared folder.
    return linkedFolder([nearest, ...outer]);
  }
}

/** Every `node_modules` from the runner's folder upward. */
function modulesFolders(runner: string): string[] {
  const found: string[] = [];
  for (let folder = dirname(runner); ; folder = dirname(folder)) {
    const modules = join(folder, 'node_modules');
    if (existsSync(modules)) found.push(modules);
    if (dirname(folder) === folder) return found;
  }
}

/** A temporary folder with links to these `node_modules`, one in the other, so that they are searched in their order. */
function linkedFolder(modules: readonly string[]): string {
  const name = createHash('sha256').update(modules.join('\n')).digest('hex').slice(0, 16);
  let folder = join(ownTempFolder(), name);
  for (const target of [...modules].reverse()) {
    mkdirSync(folder, { recursive: true });
    const link = join(folder, 'node_modules');
    try {
      symlinkSync(target, link, 'junction');
    } catch (error) {
      // Made before, by us or by another process of ours.
      if (readlinkSync(link) !== target) throw error;
    }
    folder = join(folder, 'inner');
  }
  return dirname(folder);
}

/** Code that we run comes from there: nobody else may have made it or write to it. */
function ownTempFolder(): string {
  const folder = join(tmpdir(), `entropic-${userInfo().uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  const ours = process.platform === 'win32' || (uid === process.getuid?.() && (mode & 0o022) === 0);
  return ours ? folder : mkdtempSync(join(tmpdir(), 'entropic-'));
}

/** Named by its content, so that two processes can write it at once. */
export function writeBundle(file: string, code: string, map: string, sourceRoot: string): string {
  const text = `${code}\n//# sourceMappingURL=${basename(file)}.map\n`;
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return file;
  const sources = map === '' ? {} : { ...JSON.parse(map), sourceRoot: `${pathToFileURL(sourceRoot).href}/` };
  writeWhole(`${file}.map`, JSON.stringify(sources));
  writeWhole(file, text);
  return file;
}

function writeWhole(file: string, text: string): void {
  const partial = `${file}.${process.pid}.part`;
  try {
    writeFileSync(partial, text);
    renameSync(partial, file);
  } finally {
    rmSync(partial, { force: true });
  }
}
