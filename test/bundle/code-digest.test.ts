// The digest of a runner's code: the same wherever and however the same code runs, another one when it changes. And the file that is
// run: made by two processes at once, and where nothing can be written beside the packages.
import { cpSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { Client, defineResult, int, Store } from 'entropic';
import { describe, expect, it } from 'vitest';
import { answerOf, makeProgram, type Program } from '../helpers/program.js';

const Toy = defineResult('toy', { n: int() });

const SIMULATE = `// A comment that is no code.
import { writeFile } from 'node:fs/promises';
import type { RunContext } from 'entropic';
import { square, type Squared } from './lib/square.js';
import settings from './lib/settings.json' with { type: 'json' };

interface Params {
  readonly n: number;
}

/** Another comment. */
export default async function simulate(params: Params, run: RunContext): Promise<Squared> {
  const squared: Squared = square(params.n);
  await writeFile(run.resultFile, \`\${squared.value + settings.offset}\`);
  return squared;
}

export const table = [1, 2, 3] as const;
`;
const FILES = {
  'simulate.ts': SIMULATE,
  'lib/square.ts':
    'export type Squared = { value: number };\nexport class Squarer {\n  readonly times = 1;\n  of(n: number): number {\n    return n ** 2 * this.times;\n  }\n}\nexport const square = (n: number): Squared => ({ value: new Squarer().of(n) });\n',
  'lib/settings.json': '{ "offset": 0.5 }',
  'main.ts': `
import { Client, defineResult, int, Store } from 'entropic';
const store = await Store.open({
  model: defineResult('toy', { n: int() }),
  runner: new URL('./simulate.ts', import.meta.url),
  resultsDir: './results', dbUrl: 'sqlite:./db', fileSuffix: '.txt',
});
const client = await Client.connect({ threads: 2 });
try {
  const alone = await store.run({ n: 1 });
  const records = await store.sweep({ n: [2, 3] }, { client });
  const attempts = [alone, ...records].map(({ id }) => store.attempts(id));
  const digests = (await Promise.all(attempts)).flat().map(({ codeDigest }) => codeDigest);
  console.log(JSON.stringify({ values: [alone, ...records].map(({ customData }) => customData.value), digests }));
} finally {
  await client.close();
  await store.close();
}
`,
};

interface Answer {
  values: unknown[];
  digests: string[];
}

/** The one digest that all runs had. */
function digestOf({ values, digests }: Answer): string {
  expect(values).toEqual([{ value: 1 }, { value: 4 }, { value: 9 }]);
  expect(new Set(digests).size).toBe(1);
  expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
  return digests[0] as string;
}

/** The program of FILES without its types. */
function compile(program: Program): Promise<void> {
  program.write({
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        ...{ target: 'ES2022', module: 'NodeNext', strict: true, outDir: 'dist', rootDir: '.', types: [] },
        ...{ skipLibCheck: true, resolveJsonModule: true, sourceMap: true, noCheck: true },
      },
      files: ['main.ts', 'simulate.ts'],
    }),
  });
  return program.tsc();
}

describe("[D3] the digest of a runner's code", () => {
  it('is one under tsx, compiled by tsc with the sources gone, from plain JavaScript, and in every folder', async () => {
    const [sources, compiled] = [makeProgram(FILES), makeProgram(FILES)];
    await compile(compiled);
    cpSync(compiled.path('dist'), sources.path('plain'), { recursive: true });
    for (const name of ['simulate.ts', 'main.ts', 'lib']) rmSync(compiled.path(name), { recursive: true });

    const [tsx, tsc] = await Promise.all([
      sources.tsx('main.ts').then((result) => digestOf(answerOf<Answer>(result))),
      compiled.node('dist/main.js').then((result) => digestOf(answerOf<Answer>(result))),
    ]);
    expect(tsc).toBe(tsx);
    sources.write({
      'plain/main.mjs': FILES['main.ts'].replace("'./simulate.ts'", "'./simulate.js'"),
      'plain/package.json': '{ "type": "module" }',
    });
    rmSync(sources.path('plain/main.js'));
    rmSync(sources.path('plain/simulate.js.map'));
    const plain = await sources.node('plain/main.mjs', { cwd: sources.path('plain') });
    expect(digestOf(answerOf<Answer>(plain))).toBe(tsx);
  });

  it('changes with the code that runs, between two sweeps of one process too, and not with a comment or a time', async () => {
    const text = (line: string) =>
      `import { writeFileSync } from 'node:fs';\nimport { factor } from './lib/factor.js';\nexport default ({ n, resultFile }) => {\n  ${line}\n  writeFileSync(resultFile, 'x');\n  return n * factor;\n};\n`;
    const program = makeProgram({ 'simulate.js': text(''), 'lib/factor.js': 'export const factor = 1;' });
    await using store = await Store.open({
      ...{ model: Toy, runner: program.url('simulate.js') },
      ...{ resultsDir: program.path('results'), dbUrl: `sqlite:///${program.path('db')}` },
    });
    await using client = await Client.connect({ threads: 2 });
    let n = 0;
    const runBoth = async () => {
      const records = [await store.run({ n: ++n }), ...(await store.sweep({ n: [++n, ++n] }, { client }))];
      const attempts = await Promise.all(records.map(({ id }) => store.attempts(id)));
      const digests = new Set(attempts.map(([first]) => first?.codeDigest));
      expect(digests.size).toBe(1);
      return { digest: [...digests][0], factors: records.map((record) => Number(record.customData.value) / record.n) };
    };
    const first = await runBoth();
    expect(first.factors).toEqual([1, 1, 1]);
    program.write({ 'lib/factor.js': 'export const factor = 2;' });
    const second = await runBoth();
    expect(second.factors).toEqual([2, 2, 2]);
    expect(second.digest).not.toBe(first.digest);
    program.write({ 'lib/factor.js': '// Only said differently.\nexport const factor   =   2\n' });
    const third = await runBoth();
    expect(third).toEqual(second);
    utimesSync(program.path('simulate.js'), new Date(1e12), new Date(1e12));
    expect(await runBoth()).toEqual(second);
    program.write({ 'lib/factor.js': 'export const factor = 1;' });
    expect(await runBoth()).toEqual(first);
  });

  it('is null for a function, whose code cannot be told', async () => {
    const program = makeProgram({});
    await using store = await Store.open({
      model: Toy,
      runner: () => {
        throw new Error('no');
      },
      resultsDir: program.path('results'),
      dbUrl: `sqlite:///${program.path('db')}`,
    });
    const outcomes = [];
    for await (const one of store.sweep({ n: [1] })) outcomes.push(one);
    const [outcome] = outcomes;
    expect(outcome?.status).toBe('failed');
    expect((await store.attempts(outcome?.id as string))[0]?.codeDigest).toBeNull();
  });
});

describe('[D3] the bundle of a runner', () => {
  it('is made by two processes at once, and by two runners of one program, each whole', async () => {
    const filler = Array.from({ length: 4000 }, (_, i) => `export const value${i} = ${i};`).join('\n');
    const all = Array.from({ length: 4000 }, (_, i) => `values.value${i}`).join(' + ');
    const program = makeProgram({
      'values.js': filler,
      'a.js': `import * as values from './values.js';\nexport default () => ${all};\n`,
      'b.js': `import * as values from './values.js';\nexport default () => -(${all});\n`,
      'main.mjs': `
        import { existsSync, writeFileSync } from 'node:fs';
        import { Client } from 'entropic';
        import { setTimeout as sleep } from 'node:timers/promises';
        const [me, other] = process.argv.slice(2);
        const client = await Client.connect({ threads: 1 });
        await client.submit(new URL('./warm.js', import.meta.url), {}).result();
        // Behind a barrier: both bundle at once.
        writeFileSync(me, '');
        while (!existsSync(other)) await sleep(1);
        const runners = ['./a.js', './b.js'].map((name) => new URL(name, import.meta.url));
        console.log(JSON.stringify(await client.gather(runners.map((url) => client.submit(url, {})))));
        await client.close();`,
      'warm.js': 'export default () => {};',
    });
    const sum = (4000 * 3999) / 2;
    const answers = await Promise.all([
      program.node('main.mjs', { args: ['one', 'two'] }),
      program.node('main.mjs', { args: ['two', 'one'] }),
    ]);
    for (const answer of answers) expect(answerOf(answer)).toEqual([sum, -sum]);
    const cache = readdirSync(program.path('node_modules/.cache/entropic'));
    expect(cache.filter((name) => name.endsWith('.mjs'))).toHaveLength(3);
    expect(cache.filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('is kept elsewhere where nothing can be written beside the packages, and finds them all the same', async () => {
    const program = makeProgram({
      'app/simulate.js':
        "import { unit } from 'a-package';\nimport { outer } from 'an-outer-package';\nexport default ({ n }) => ({ n, unit, outer });\n",
      'app/node_modules/a-package/package.json': '{ "name": "a-package", "exports": "./index.js", "type": "module" }',
      'app/node_modules/a-package/index.js': "export const unit = 'metres';",
      // As of read-only packages, which not even root could write to: no folder can be made here.
      'app/node_modules/.cache': 'a file',
      'node_modules/an-outer-package/package.json': '{ "name": "an-outer-package", "main": "./index.js" }',
      'node_modules/an-outer-package/index.js': "exports.outer = 'outer';",
      'app/main.mjs': `
        import { Client } from 'entropic';
        const client = await Client.connect({ threads: 1 });
        const url = new URL('./simulate.js', import.meta.url);
        console.log(JSON.stringify(await client.submit(url, { n: 1 }).result()));
        await client.close();`,
      'tmp/x': '',
    });
    const env = { TMPDIR: program.path('tmp') };
    for (let i = 0; i < 2; i++) {
      expect(answerOf(await program.node('app/main.mjs', { env }))).toEqual({ n: 1, unit: 'metres', outer: 'outer' });
    }
    const [folder, ...others] = readdirSync(program.path('tmp')).filter((name) => name.startsWith('entropic'));
    expect(others).toEqual([]);
    expect(statSync(program.path(`tmp/${folder}`)).mode & 0o777).toBe(0o700);
  });
});
