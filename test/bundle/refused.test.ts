// Module runners that cannot be: each is told clearly, by file and line, and before anything goes wrong elsewhere.
import { Client, moduleRunner, Store } from 'entropic';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf } from '../helpers/errors.js';
import { Toy } from '../helpers/lab.js';
import { answerOf, makeProgram, type Program } from '../helpers/program.js';

let client: Client;
beforeAll(async () => {
  client = await Client.connect({ threads: 1 });
});
afterAll(() => client.close());

/** What `submit` says of a runner; the same is the reason of a store's failed run. */
async function complaintOf(program: Program, name: string): Promise<string> {
  const submitted = await errorOf((async () => client.submit(program.url(name), {}).result())());
  expect(submitted.code).toBe('ENTROPIC_INVALID_OPTION');
  return submitted.message;
}

describe('[D3] a module runner that cannot be', () => {
  it('missing: the error says what was tried, at open, at submit and at sweep', async () => {
    const program = makeProgram({ 'simulate.py': '' });
    const runner = program.url('simulate.ts');
    const tried = new RegExp(
      `no module ${program.path('simulate.ts')}; tried simulate\\.ts, simulate\\.js, .*in ${program.folder}`,
    );
    const place = { resultsDir: program.path('results'), dbUrl: `sqlite:///${program.path('db')}` };
    expect((await errorOf(Store.open({ model: Toy, runner, ...place }))).message).toMatch(tried);
    expect(() => client.submit(runner, {})).toThrow(tried);
    expect(() => client.map(runner, [{}])).toThrow(tried);
  });

  it('no file: a web address, a folder, what is no URL', async () => {
    const program = makeProgram({ 'simulate/index.ts': '' });
    expect(() => client.submit(new URL('https://example.org/simulate.js'), {})).toThrow(/is no file; give new URL/);
    expect(() => client.submit(program.url('simulate'), {})).toThrow(/no module .*simulate; tried simulate in/);
    expect(() => moduleRunner('./simulate.ts')).toThrow(
      /"\.\/simulate\.ts" is no URL; give new URL\('\.\/simulate\.ts'/,
    );
    for (const wrong of [() => 1, './simulate.ts', {}, null, undefined, 7]) {
      expect(() => client.submit(wrong as never, {}), String(wrong)).toThrow(
        /cannot be sent to a thread; give new URL/,
      );
    }
  });

  it('not well written: the file, the line and the column', async () => {
    const program = makeProgram({
      'simulate.ts': "import { help } from './help.js';\nexport default () => help();\n",
      'help.ts': 'export function help() {\n  return 1 +* 2;\n}\n',
    });
    expect(await complaintOf(program, 'simulate.ts')).toContain(`${program.path('help.ts')}:2:13: Unexpected "*"`);
  });

  it('with an import that is not there: who imports it', async () => {
    const program = makeProgram({ 'simulate.js': "\nimport './nowhere.js';\nexport default () => 1;\n" });
    expect(await complaintOf(program, 'simulate.js')).toMatch(
      new RegExp(`${program.path('simulate.js')}:2:8: .*\\./nowhere\\.js`),
    );
  });

  it('with a package that is not there: the run fails and names it', async () => {
    const program = makeProgram({ 'simulate.js': "import 'not-installed';\nexport default () => 1;\n" });
    const error = await errorOf(client.submit(program.url('simulate.js'), {}).result());
    expect(error).toMatchObject({ name: 'RunFailedError', reason: 'code' });
    expect(error.message).toMatch(/not-installed/);
  });

  it('with a native addon of its own: what to do with it', async () => {
    const program = makeProgram({
      'simulate.js':
        "import { createRequire } from 'node:module';\nimport addon from './build/addon.node';\nexport default () => addon();\n",
      'build/addon.node': 'native code',
    });
    expect(await complaintOf(program, 'simulate.js')).toMatch(
      /simulate\.js:2:19: a native addon cannot go into a bundle; put it into a package and import it by the package name/,
    );
  });

  it.each(['import.meta.url', 'import.meta.dirname', 'import.meta.filename', '__dirname', '__filename'])(
    'with %s in another folder, where it would be wrong',
    async (name) => {
      const program = makeProgram({
        'simulate.js': "import { here } from './lib/here.js';\nexport default () => here;\n",
        'lib/here.js': `export const here = ${name};\n`,
      });
      const complaint = await complaintOf(program, 'simulate.js');
      expect(complaint).toContain(`${program.path('lib/here.js')} uses ${name}`);
      expect(complaint).toMatch(/Move it beside the runner, or pass it the path/);
      program.write({ 'here.js': `export const here = typeof ${name};\n` });
      program.write({ 'simulate.js': "import { here } from './here.js';\nexport default () => here;\n" });
      expect(await client.submit(program.url('simulate.js'), {}).result()).toBe('string');
    },
  );

  it.each([
    [
      'opens a store',
      "const store = await Store.open({ model, runner: new URL(import.meta.url), resultsDir: './results', dbUrl: 'sqlite:./db' });",
      /a store cannot be opened inside a run/,
    ],
    ['connects a client', 'const client = await Client.connect();', /Client\.connect: not inside a run/],
  ])('the program itself, which %s: a clear error, and no recursion', async (_what, line, complaint) => {
    const program = makeProgram({
      // The runner is imported from what opens a store: each thread would open it again, and run it.
      'simulate.mjs': `
        import { appendFileSync, writeFileSync } from 'node:fs';
        import { Client, defineResult, int, Store } from 'entropic';
        const model = defineResult('toy', { n: int() });
        appendFileSync('loaded', 'x');
        ${line}
        export default function simulate({ n, resultFile }) { writeFileSync(resultFile, String(n)); }`,
      'main.mjs': `
        import { readFileSync } from 'node:fs';
        import { Client, defineResult, int, Store } from 'entropic';
        await using_();
        async function using_() {
          const store = await Store.open({
            model: defineResult('toy', { n: int() }), runner: new URL('./simulate.mjs', import.meta.url),
            resultsDir: './results', dbUrl: 'sqlite:./db',
          });
          const client = await Client.connect({ threads: 2 });
          const told = [];
          for (const options of [{}, { client }]) {
            try {
              await store.sweep({ n: [1, 2, 3] }, options);
            } catch (error) {
              told.push([error.name, ...error.failures.map(({ reason, message }) => [reason, message])]);
            }
          }
          await client.close();
          await store.close();
          console.log(JSON.stringify({ told, loaded: readFileSync('loaded', 'utf8').length }));
        }`,
    });
    const { told, loaded } = answerOf<{ told: [string, ...[string, string][]][]; loaded: number }>(
      await program.node('main.mjs'),
    );
    expect(told).toHaveLength(2);
    for (const [name, ...failures] of told) {
      expect(name).toBe('SweepError');
      expect(failures).toHaveLength(3);
      for (const [reason, message] of failures) {
        expect(reason).toBe('code');
        expect(message).toMatch(complaint);
        expect(message).toMatch(/Move the runner to a file of its own/);
      }
    }
    // Once for each of the six runs at most: no thread has started another.
    expect(loaded).toBeLessThanOrEqual(6);
  });

  it('the program itself, which sweeps: its program ends, and says why', async () => {
    const program = makeProgram({
      'main.mjs': `
        import { defineResult, int, Store } from 'entropic';
        export default function simulate() {}
        const store = await Store.open({
          model: defineResult('toy', { n: int() }), runner: new URL(import.meta.url), resultsDir: './results', dbUrl: 'sqlite:./db',
        });
        try {
          await store.sweep({ n: [1, 2] });
        } finally {
          await store.close();
        }`,
    });
    const { code, stderr } = await program.node('main.mjs');
    expect(code).toBe(1);
    expect(stderr).toMatch(/SweepError: 2 of 2 points failed/);
    expect(stderr).toMatch(/a store cannot be opened inside a run: the runner module is the program itself/);
  });
});
