// Module runners in each form in which users have them: what they import, what they know of their own place, where they are found.
import { rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Client, moduleRunner } from 'entropic';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf } from '../helpers/errors.js';
import { answerOf, makeProgram } from '../helpers/program.js';

let client: Client;
beforeAll(async () => {
  client = await Client.connect({ threads: 2 });
});
afterAll(() => client.close());

/** What the runner's function returns for these params. */
function resultOf(url: URL, params: unknown = { n: 3 }, name?: string): Promise<unknown> {
  return client.submit(moduleRunner(url, name === undefined ? {} : { export: name }), params).result();
}

const DOUBLE = 'export default function simulate({ n }) { return 2 * n; }';
const TYPED = 'export default function simulate({ n }: { n: number }): number { return 2 * (n satisfies number); }';

describe('[D3] [D1] a module runner', () => {
  it.each([
    ['simulate.ts', TYPED],
    ['simulate.mts', TYPED],
    ['simulate.cts', 'const two: number = 2;\nmodule.exports = ({ n }: { n: number }) => two * n;'],
    ['simulate.js', DOUBLE],
    ['simulate.mjs', DOUBLE],
    ['simulate.cjs', 'module.exports = function simulate({ n }) { return 2 * n; };'],
    ['with space & ü#%.js', DOUBLE],
  ])('may be %s', async (name, text) => {
    const program = makeProgram({ [name]: text });
    expect(await resultOf(program.url(name))).toBe(6);
  });

  it('may be CommonJS by its package, with exports of every kind and with require', async () => {
    const program = makeProgram({
      'package.json': '{}',
      'direct.js':
        "const { two } = require('./lib/two'); const path = require('node:path');\nmodule.exports = ({ n }) => [two * n, path.basename(__filename), path.basename(__dirname)];",
      'lib/two.js': "exports.two = require('./two.json').two;",
      'lib/two.json': '{ "two": 2 }',
      'compiled.js':
        '"use strict";\nObject.defineProperty(exports, "__esModule", { value: true });\nexports.default = ({ n }) => 2 * n;\nexports.fast = ({ n }) => 3 * n;',
      'object.js': "module.exports = { fast: ({ n }) => require('os').cpus().length > 0 && 4 * n };",
    });
    expect(await resultOf(program.url('direct.js'))).toEqual([6, 'direct.js', program.folder.split('/').at(-1)]);
    expect(await resultOf(program.url('compiled.js'))).toBe(6);
    expect(await resultOf(program.url('compiled.js'), { n: 3 }, 'fast')).toBe(9);
    expect(await resultOf(program.url('object.js'), { n: 3 }, 'fast')).toBe(12);
  });

  it('brings along what it imports: nested files, JSON, a require of its own, an import made later', async () => {
    const program = makeProgram({
      'simulate.ts': `
        import { createRequire } from 'node:module';
        import settings from './data/settings.json' with { type: 'json' };
        import { scale } from './lib/scale.js';
        import type { RunContext } from 'entropic';
        const require = createRequire(import.meta.url);
        export default async function simulate({ n }: { n: number }, run: RunContext) {
          const { more } = await import('./lib/deep/more.js');
          return [scale(n), more(n), settings.name, require('./data/settings.json').name, run.attempt];
        }`,
      'lib/scale.ts':
        "import { factor } from './deep/factor.js';\nexport const scale = (n: number): number => n * factor;",
      'lib/deep/factor.ts': 'export const factor = 10;',
      'lib/deep/more.ts':
        "import { factor } from './factor.js';\nexport const more = (n: number): number => n + factor;",
      'data/settings.json': '{ "name": "settings" }',
    });
    expect(await resultOf(program.url('simulate.ts'))).toEqual([30, 13, 'settings', 'settings', 1]);
  });

  it('knows its own place, and finds packages and data from there, whatever the working folder is', async () => {
    const program = makeProgram({
      'sub/simulate.mjs': `
        import { readFileSync } from 'node:fs';
        import { unit } from 'a-package';
        import { outer } from 'an-outer-package';
        export default ({ n }) => ({
          n, unit, outer,
          url: import.meta.url, dirname: import.meta.dirname, filename: import.meta.filename,
          data: readFileSync(new URL('./data.txt', import.meta.url), 'utf8'),
        });`,
      'sub/data.txt': 'data beside the runner',
      'sub/node_modules/a-package/package.json': '{ "name": "a-package", "exports": "./index.js", "type": "module" }',
      'sub/node_modules/a-package/index.js': "export const unit = 'metres';",
      'node_modules/an-outer-package/package.json': '{ "name": "an-outer-package", "main": "./index.js" }',
      'node_modules/an-outer-package/index.js': "exports.outer = 'outer';",
      'main.mjs': `
        import { Client } from 'entropic';
        const client = await Client.connect({ threads: 1 });
        const future = client.submit(new URL('./sub/simulate.mjs', import.meta.url), { n: 3 });
        console.log(JSON.stringify({ ...(await future.result()), cwd: process.cwd() }));
        await client.close();`,
    });
    expect(answerOf(await program.node('main.mjs', { cwd: tmpdir() }))).toEqual({
      n: 3,
      unit: 'metres',
      outer: 'outer',
      url: program.url('sub/simulate.mjs').href,
      dirname: program.path('sub'),
      filename: program.path('sub/simulate.mjs'),
      data: 'data beside the runner',
      cwd: tmpdir(),
    });
  });

  it('has its place also behind a link to its folder', async () => {
    const program = makeProgram({ 'real/simulate.mjs': 'export default () => import.meta.url;' });
    symlinkSync(program.path('real'), program.path('link'));
    expect(await resultOf(program.url('link/simulate.mjs'))).toBe(program.url('real/simulate.mjs').href);
  });

  it('is its own in each place, though the code be the same', async () => {
    const code =
      "import { readFileSync } from 'node:fs';\nexport default () => readFileSync(new URL('./name', import.meta.url), 'utf8');";
    const program = makeProgram({ 'a/simulate.js': code, 'a/name': 'A', 'b/simulate.js': code, 'b/name': 'B' });
    const futures = ['a', 'b', 'a', 'b', 'a', 'b'].map((name) =>
      client.submit(program.url(`${name}/simulate.js`), undefined),
    );
    expect(await client.gather(futures)).toEqual(['A', 'B', 'A', 'B', 'A', 'B']);
  });

  it('may stand where no packages are', async () => {
    const program = makeProgram({ 'simulate.js': DOUBLE });
    rmSync(program.path('node_modules'), { recursive: true });
    expect(await resultOf(program.url('simulate.js'))).toBe(6);
  });

  it('is found as TypeScript under the name of the JavaScript, and the other way round', async () => {
    const program = makeProgram({
      'a.ts': TYPED,
      'b.mts': TYPED,
      'c.mjs': DOUBLE,
      'd.js': DOUBLE,
      'e.cts': 'module.exports = () => 5;',
    });
    for (const name of ['a.js', 'b.mjs', 'c.mts', 'd.ts', 'd.tsx', 'a.ts?query#hash'])
      expect(await resultOf(new URL(name, program.url('simulate.js'))), name).toBe(6);
    expect(await resultOf(program.url('e.cjs'))).toBe(5);
  });

  it('runs by the name of its export, and an export that is no function is told with those that are', async () => {
    const program = makeProgram({
      'simulate.js':
        'export default 42; export function fast() { return "fast"; } export async function slow() {} export const note = "";',
      'nothing.js': 'export const a = 1;',
    });
    const url = program.url('simulate.js');
    expect(await resultOf(url, {}, 'fast')).toBe('fast');
    const wrong = await errorOf(resultOf(url));
    expect(wrong).toMatchObject({ name: 'RunFailedError', reason: 'code' });
    expect(wrong.message).toMatch(/simulate\.js has no function as export "default"; it has fast, slow/);
    expect((await errorOf(resultOf(url, {}, 'note'))).message).toMatch(/no function as export "note"/);
    expect((await errorOf(resultOf(program.url('nothing.js')))).message).toMatch(/it exports no function/);
  });

  it('may load at last what it could not load at first', async () => {
    const program = makeProgram({
      'simulate.js':
        "import { readFileSync } from 'node:fs';\nconst table = readFileSync(new URL('./table', import.meta.url), 'utf8');\nexport default () => table;",
    });
    for (let i = 0; i < 3; i++) {
      expect(await errorOf(resultOf(program.url('simulate.js')))).toMatchObject({
        reason: 'code',
        message: expect.stringContaining('ENOENT'),
      });
    }
    program.write({ table: 'there' });
    expect(await client.gather([1, 2, 3, 4].map((n) => client.submit(program.url('simulate.js'), n)))).toEqual(
      Array(4).fill('there'),
    );
  });

  it('names the lines of its sources in the stack of an error', async () => {
    const program = makeProgram({
      'simulate.ts':
        "import { check } from './lib/check.js';\n\ninterface Point {\n  n: number;\n}\n\nexport default (point: Point): void => check(point.n);\n",
      'lib/check.ts':
        '// A comment.\nexport function check(n: number): void {\n  throw new RangeError("n = " + n);\n}\n',
    });
    const { cause } = (await errorOf(resultOf(program.url('simulate.ts')))) as { cause?: Error };
    expect(cause?.stack).toContain(`${program.path('lib/check.ts')}:3:9`);
    expect(cause?.stack).toContain(`${program.path('simulate.ts')}:7`);
  });
});
