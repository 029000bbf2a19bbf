// The README is run: its programs in an empty folder, in their order, with the output that is printed below each.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleFolder, root, runProcess } from './helpers/example.js';
import { type Block, blocksOf } from './helpers/markdown.js';

const tsx = join(exampleFolder, 'node_modules', 'tsx', 'dist', 'cli.mjs');
const blocks = blocksOf('README.md');

function blockNamed(name: string): Block {
  return blocks.find((block) => block.name === name) as Block;
}

/** The outputs that the README prints below a program. */
function outputsBelow(name: string): string[] {
  const outputs: string[] = [];
  for (const { lang, text } of blocks.slice(blocks.indexOf(blockNamed(name)) + 1)) {
    if (lang !== 'text') break;
    outputs.push(text);
  }
  return outputs;
}

describe('[readme] the README', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'entropic-readme-'));
    symlinkSync(join(root, 'test', 'node_modules'), join(folder, 'node_modules'), 'junction');
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
    for (const { name, text } of blocks) if (name !== undefined) writeFileSync(join(folder, name), text);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has no program without a name, so that all of them are run here', () => {
    const programs = blocks.filter(({ lang }) => ['ts', 'js'].includes(lang));
    expect(programs.map(({ name }) => name)).toEqual(['pendulum.ts', 'read.mjs']);
  });

  it('prints what its first program says, the first and the second time', async () => {
    const printed = outputsBelow('pendulum.ts');
    expect(printed).toHaveLength(2);
    for (const output of printed) {
      const { code, stdout, stderr } = await runProcess(process.execPath, [tsx, 'pendulum.ts'], { cwd: folder });
      expect(stderr).toBe('');
      expect(stdout).toBe(output);
      expect(code).toBe(0);
    }
  });

  it('prints what its plain JavaScript says, run by Node alone on what the first program left', async () => {
    const { code, stdout, stderr } = await runProcess(process.execPath, ['read.mjs'], { cwd: folder });
    expect(stderr).toBe('');
    expect([stdout]).toEqual(outputsBelow('read.mjs'));
    expect(code).toBe(0);
  });

  it('has a first program that tsc accepts, strictly, with the options that are named', async () => {
    const lib = /"lib": (\[.*?\])/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1];
    const compilerOptions = {
      target: 'ES2022',
      lib: JSON.parse(lib as string),
      types: ['node'],
      typeRoots: [join(root, 'node_modules', '@types')],
      module: 'NodeNext',
      strict: true,
      outDir: 'compiled',
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['pendulum.ts'] }));
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { code, stdout } = await runProcess(process.execPath, [tsc, '-p', folder]);
    expect(stdout).toBe('');
    expect(code).toBe(0);
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    const run = await runProcess(process.execPath, [join(folder, 'compiled', 'pendulum.js')], { cwd: elsewhere });
    expect([run.stderr, run.stdout]).toEqual(['', outputsBelow('pendulum.ts')[0]]);
  });

  it('names commands of npm that there are', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const commands = blocks.filter(({ lang }) => lang === 'sh').flatMap(({ text }) => text.trim().split('\n'));
    expect(commands).toContain('npm run demo');
    expect(commands).toContain('npm test');
    for (const command of commands) {
      const script = /^npm (?:run )?(?!install)(\S+)/.exec(command)?.[1];
      if (script !== undefined) expect(scripts).toHaveProperty(script);
    }
  });
});
