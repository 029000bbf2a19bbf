// Commands that cannot be: refused when they are written, when the store is opened, or when they are to be started, with what to do.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type CommandRunnerOptions, commandRunner, InvalidOptionError, Store } from 'entropic';
import { describe, expect, it } from 'vitest';
import { Model, makeFolder, openStore } from './kit.js';

// biome-ignore lint/suspicious/noExplicitAny: what a program in plain JavaScript may pass
const make = (argv: any, options?: any) => () => commandRunner(argv, options as CommandRunnerOptions);

describe('[D1] a command that cannot be (command)', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'a text',
      make('python3 sim.py'),
      /"python3 sim\.py" is no command; give the program and its arguments as an array/,
    ],
    ['an empty array', make([]), /an empty array is no command/],
    ['a number among its arguments', make(['sim', 5]), /the argument 5 is no text; write String\(value\)/],
    ['an empty program', make(['']), /the first of the command must be a program/],
    ['a NUL', make(['a\0b']), /is no text/],
    [
      'a single brace',
      make(['awk', '{print $1}']),
      /the "\{" in "\{print \$1\}" is part of no placeholder.*write it twice: \{\{/,
    ],
    ['a closing brace', make(['sim', 'a}']), /write it twice: \}\}/],
    ['a URL of no file', make(['python3', new URL('https://example.org/sim.py')]), /is no file of this machine/],
    [
      'a URL that leads nowhere',
      make(['python3', new URL('file:///no/such/sim.py')]),
      /there is no file \/no\/such\/sim\.py/,
    ],
    [
      'an input that is not there',
      make(['sim'], { inputs: ['/no/such/mesh'] }),
      /there is no file \/no\/such\/mesh, which is an input/,
    ],
    [
      'an input that is a folder',
      make(['sim'], { inputs: ['/tmp'] }),
      /\/tmp is no regular file; name the files of a folder one by one/,
    ],
    ['inputs that are no array', make(['sim'], { inputs: 'mesh' }), /is no array/],
    ['a misspelt option', make(['sim'], { input: [] }), /unknown option "input"; did you mean "inputs"\?/],
    ['a number in env', make(['sim'], { env: { A: 1 } }), /A is 1; names and values are texts/],
    ['a name of ours in env', make(['sim'], { env: { ENTROPIC_ID: 'x' } }), /ENTROPIC_ID is not yours/],
    ['a timeout without a unit', make(['sim'], { timeout: 'long' }), /timeout: "long" is not a positive amount/],
    ['a memoryLimit of nothing', make(['sim'], { memoryLimit: 0 }), /memoryLimit: 0 is not a positive amount/],
    ['half a retry', make(['sim'], { retries: 0.5 }), /retries: 0\.5 is not a whole number/],
  ])('is refused: %s', (_, making, message) => {
    expect(making).toThrow(InvalidOptionError);
    expect(making).toThrow(message);
  });

  it('is refused with two inputs of one name', () => {
    const folder = makeFolder({ 'a/mesh': '', 'b/mesh': '' });
    const inputs = [join(folder, 'a', 'mesh'), join(folder, 'b', 'mesh')];
    expect(make(['sim'], { inputs })).toThrow(/would have the same name in the folder of a run/);
  });

  it('is refused at open for a placeholder that is no column, before there is a database', async () => {
    await expect(openStore(commandRunner(['sim', '{nn}']))).rejects.toThrow(/placeholder \{nn\}.*did you mean \{n\}\?/);
    await expect(openStore(commandRunner(['sim', '{resultfile}']))).rejects.toThrow(/did you mean \{result_file\}\?/);
    await expect(openStore(commandRunner(['sim', '{whatever}']))).rejects.toThrow(
      /there are \{n\}, \{dt\}, .*\{result_file\}/,
    );
    const folder = makeFolder();
    const open = () =>
      Store.open({
        model: Model,
        runner: commandRunner(['sim', '{x}']),
        dbUrl: `sqlite:///${folder}/db`,
        readOnly: true,
      });
    await expect(open()).rejects.toThrow(/placeholder \{x\}/);
  });

  it('is refused by submit and map, which have no place for a file', async () => {
    await using client = await Client.connect({ threads: 1 });
    const runner = commandRunner(['true']) as never;
    expect(() => client.submit(runner, {})).toThrow(/a command gives a file and no value.*sweep with \{ client \}/);
    expect(() => client.map(runner, [{}])).toThrow(InvalidOptionError);
  });

  it.each<[string, string[], RegExp]>([
    [
      'a program that is not in PATH',
      ['no-such-program'],
      /there is no program no-such-program in PATH; install it, or give its path/,
    ],
    ['a path that leads nowhere', ['/no/such/program'], /there is no program \/no\/such\/program/],
    ['an argument that is too long', ['true', '{label}'], /too long.*read the params from standard input/],
  ])('fails with the reason code: %s', async (_, argv, message) => {
    const store = await openStore(commandRunner(argv));
    const run = store.run({ n: 1, label: 'x'.repeat(500_000) });
    await expect(run).rejects.toMatchObject({ reason: 'code', attempts: 1 });
    await expect(run).rejects.toThrow(message);
  });

  it('fails with the reason code: a file that is not executable', async () => {
    const folder = makeFolder({ simulate: 'n = 1' });
    const store = await openStore(commandRunner([join(folder, 'simulate')]));
    const run = store.run({ n: 1 });
    await expect(run).rejects.toMatchObject({ reason: 'code' });
    await expect(run).rejects.toThrow(
      /simulate is not executable: chmod \+x it, or name its interpreter: \['python3', /,
    );
  });

  it('fails with the reason code when an input has gone since', async () => {
    const folder = makeFolder({ mesh: 'a mesh' });
    const store = await openStore(commandRunner(['true'], { inputs: [join(folder, 'mesh')] }));
    rmSync(join(folder, 'mesh'));
    const run = store.run({ n: 1 });
    await expect(run).rejects.toMatchObject({ reason: 'code' });
    await expect(run).rejects.toThrow(/the command needs .*mesh, which is not there any more/);
  });
});
