// What a program sees of its run: arguments, standard input, environment, folder, inputs.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandRunner } from 'entropic';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeFolder, openStore, tells } from './kit.js';

interface Told {
  argv: string[];
  stdin: string;
  env: Record<string, string>;
  cwd: string;
  mode: string;
  leader: boolean;
  files: Record<string, string>;
  result: string;
}

const toldIn = (record: { resultFile: string }) => JSON.parse(readFileSync(record.resultFile, 'utf8')) as Told;

describe('[S2] [D1] what a program is told (command)', () => {
  it('is its params in its arguments, each as one, without a shell', async () => {
    const argv = [
      'python3',
      tells,
      '--n={n}',
      '{dt}',
      '{label}',
      '{quick}',
      '{note}',
      '{more}',
      '{{n}}',
      '$HOME; *',
      '',
      '{result_file}',
    ];
    const store = await openStore(commandRunner(argv));
    const label = `a 'quoted' "text", $(touch x) ✓ 😀\n--flag`;
    const point = { n: 7, dt: 1e-7, label, quick: true, note: null, more: { list: [1, 2.5, 'ü'], deep: { a: null } } };
    const { argv: seen, result } = toldIn(await store.run(point));
    const json = '{"deep":{"a":null},"list":[1,2.5,"\\u00fc"]}';
    expect(seen).toEqual(['--n=7', '1e-07', label, 'true', 'null', json, '{n}', '$HOME; *', '']);
    expect(result).toMatch(/\/results\/\.tmp\/.*\.dat$/);
    expect(toldIn(await store.run({ n: 1, dt: 100 })).argv.slice(0, 5)).toEqual([
      '--n=1',
      '100.0',
      '',
      'false',
      'null',
    ]);
  });

  it('is its params as JSON, and its run in the environment', async () => {
    const store = await openStore(commandRunner(['python3', tells, '{result_file}'], { env: { FLAVOUR: 'vanilla' } }));
    const record = await store.run({ n: 7, label: 'x', more: [1] });
    const { stdin, env, result } = toldIn(record);
    expect(stdin).toBe('{"dt":0.1,"label":"x","more":[1],"n":7,"note":null,"quick":false}');
    const { ENTROPIC_HOST: _, ...rest } = env;
    expect(rest).toEqual({
      ...{ ENTROPIC_ID: record.id, ENTROPIC_RESULT_FILE: result, ENTROPIC_ATTEMPT: '1' },
      ENTROPIC_SEED: String(Number.parseInt(record.id.slice(0, 8), 16)),
      ...{ ENTROPIC_PARAM_N: '7', ENTROPIC_PARAM_DT: '0.1', ENTROPIC_PARAM_LABEL: 'x', ENTROPIC_PARAM_QUICK: 'false' },
      ...{ ENTROPIC_PARAM_NOTE: 'null', ENTROPIC_PARAM_MORE: '[1]', FLAVOUR: 'vanilla', HOME: process.env.HOME },
    });
  });

  it('is a param of 900 kB on its standard input, though no environment holds it', async () => {
    const store = await openStore(commandRunner(['python3', tells, '{n}', '{result_file}']));
    const { stdin, env } = toldIn(await store.run({ n: 1, label: 'x'.repeat(900_000) }));
    expect(JSON.parse(stdin).label).toHaveLength(900_000);
    expect(env).not.toHaveProperty('ENTROPIC_PARAM_LABEL');
    expect(env).toHaveProperty('ENTROPIC_PARAM_N', '1');
  });

  it('is a private, empty folder, and a process group of its own', async () => {
    const store = await openStore(commandRunner(['python3', tells, '{result_file}']));
    const [one, two] = [toldIn(await store.run({ n: 1 })), toldIn(await store.run({ n: 2 }))];
    expect(one).toMatchObject({ mode: '0o700', leader: true, files: {} });
    expect(one.cwd).not.toBe(two.cwd);
    expect([existsSync(one.cwd), existsSync(two.cwd)]).toEqual([false, false]);
  });

  it('is its inputs in that folder, under their base names', async () => {
    const folder = makeFolder({ 'data/mesh.dat': 'a mesh', 'table.csv': 'a,b' });
    const inputs = [join(folder, 'data', 'mesh.dat'), new URL(`file://${folder}/table.csv`)];
    const store = await openStore(commandRunner(['python3', tells, '{result_file}'], { inputs }), folder);
    expect(toldIn(await store.run({ n: 1 })).files).toEqual({ 'mesh.dat': 'a mesh', 'table.csv': 'a,b' });
    expect(readdirSync(join(folder, 'data'))).toEqual(['mesh.dat']);
  });

  it('is nothing that it must take: it need not read its input', async () => {
    const store = await openStore(commandRunner(['sh', '-c', 'exec <&-; echo whole > "$ENTROPIC_RESULT_FILE"']));
    const record = await store.run({ n: 1, label: 'x'.repeat(900_000) });
    expect(readFileSync(record.resultFile, 'utf8')).toBe('whole\n');
  });

  it('is a relative script by its absolute path, with the modules beside it', async () => {
    const folder = makeFolder({
      'sim.py': 'import sys, beside\nopen(sys.argv[2], "w").write(beside.text + sys.argv[0] + sys.argv[1])',
      'beside.py': 'text = "from "',
      euler: 'a file that only looks like an argument',
    });
    const before = process.cwd();
    process.chdir(folder);
    onTestFinished(() => process.chdir(before));
    const runner = commandRunner(['python3', 'sim.py', 'euler', '{result_file}']);
    process.chdir(before);
    const store = await openStore(runner);
    expect(readFileSync((await store.run({ n: 1 })).resultFile, 'utf8')).toBe(`from ${folder}/sim.pyeuler`);
  });

  it('is a program of its own, executable and by its path', async () => {
    const folder = makeFolder({ simulate: '#!/bin/sh\necho "$ENTROPIC_PARAM_N" > "$1"\n' });
    const { chmodSync } = await import('node:fs');
    chmodSync(join(folder, 'simulate'), 0o755);
    const store = await openStore(commandRunner([join(folder, 'simulate'), '{result_file}']));
    expect(readFileSync((await store.run({ n: 5 })).resultFile, 'utf8')).toBe('5\n');
    writeFileSync(join(folder, 'simulate'), '#!/no/such/interpreter\n');
    await expect(store.run({ n: 6 })).rejects.toMatchObject({
      reason: 'code',
      message: expect.stringContaining('the interpreter in the first line'),
    });
  });
});
