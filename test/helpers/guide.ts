// The programs of a guide in a folder of their own, so that a test can compile and run them as a reader would.
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exampleFolder, type ProcessResult, root, runProcess } from './example.js';
import { type Block, blocksOf } from './markdown.js';

const tsx = join(exampleFolder, 'node_modules', 'tsx', 'dist', 'cli.mjs');

export interface Guide {
  folder: string;
  /** Each program that a block of text stands behind: what it prints. Shell commands may stand between. */
  programs: { name: string; output: string }[];
  /** Blocks of code that no test would run, because they have no name. */
  nameless: Block[];
}

/** Writes the programs of a document into a new folder of the temporary one, which the caller removes. */
export function unpackGuide(path: string): Guide {
  const folder = mkdtempSync(join(tmpdir(), 'entropic-guide-'));
  symlinkSync(join(root, 'test', 'node_modules'), join(folder, 'node_modules'), 'junction');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  const code = blocksOf(path).filter(({ lang }) => lang !== 'sh');
  const programs: Guide['programs'] = [];
  for (const [i, { name, text }] of code.entries()) {
    if (name !== undefined) writeFileSync(join(folder, name), text);
    const next = code[i + 1];
    if (name !== undefined && next?.lang === 'text') programs.push({ name, output: next.text });
  }
  const nameless = code.filter(({ lang, name }) => ['ts', 'js'].includes(lang) && name === undefined);
  return { folder, programs, nameless };
}

/** `npx tsx NAME ARGS…` in the folder of the guide. */
export function runProgram({ folder }: Guide, name: string, ...args: string[]): Promise<ProcessResult> {
  return runProcess(process.execPath, [tsx, name, ...args], { cwd: folder });
}

/** What tsc says, strictly, of all programs together: nothing. */
export async function compileGuide({ folder }: Guide): Promise<string> {
  const compilerOptions = {
    target: 'ES2022',
    lib: ['ES2022', 'ESNext.Disposable'],
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
    module: 'NodeNext',
    strict: true,
    noEmit: true,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  return (await runProcess(process.execPath, [tsc, '-p', folder])).stdout;
}
