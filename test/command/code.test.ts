// The digest of a command's code: the same wherever the code lies, another after an edit of what it is made of.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandRunnerOptions, commandRunner } from 'entropic';
import { describe, expect, it } from 'vitest';
import { makeFolder, openStore } from './kit.js';

const FILES = { 'sim.sh': 'echo "$ENTROPIC_PARAM_N" > "$1"\n', 'mesh.dat': 'a mesh' };

/** The digests that are recorded for runs of a command in a folder, one for each change that is made before a run. */
async function digestsOf(
  folder: string,
  changes: readonly (() => void)[] = [() => {}],
  options: CommandRunnerOptions = {},
  more: readonly string[] = [],
) {
  const argv = ['sh', join(folder, 'sim.sh'), '{result_file}', ...more];
  const store = await openStore(commandRunner(argv, options), folder);
  for (const change of changes) {
    change();
    await store.run({ n: 1 });
  }
  const attempts = await store.attempts((await store.retrieve({ n: 1 }))?.id as string);
  await store.close();
  return attempts.slice(-changes.length).map(({ codeDigest }) => codeDigest);
}

describe('[S2] the digest of a command (command)', () => {
  it('is the same wherever its files lie, and another for other arguments', async () => {
    const [here, there] = [makeFolder(FILES), makeFolder(FILES)];
    const [one] = await digestsOf(here);
    expect(one).toMatch(/^[0-9a-f]{64}$/);
    expect(await digestsOf(there)).toEqual([one]);
    expect(await digestsOf(there, undefined, { env: { FLAVOUR: 'vanilla' }, timeout: 10 })).toEqual([one]);
    expect(await digestsOf(here, undefined, {}, ['--fast'])).not.toEqual([one]);
  });

  it('is another after an edit of the script or of an input, while the store is open, and the old one after it is undone', async () => {
    const folder = makeFolder(FILES);
    const script = join(folder, 'sim.sh');
    const mesh = join(folder, 'mesh.dat');
    const [first, second, third, fourth, fifth] = await digestsOf(
      folder,
      [
        () => {},
        () => writeFileSync(script, `${FILES['sim.sh']}# edited\n`),
        () => writeFileSync(script, FILES['sim.sh']),
        () => writeFileSync(mesh, 'b mesh'),
        () => writeFileSync(mesh, 'a mesh'),
      ],
      { inputs: [mesh] },
    );
    expect(new Set([first, second, fourth]).size).toBe(3);
    expect([third, fifth]).toEqual([first, first]);
  });

  it('decides whether a point that failed is tried again with retryFailed: false', async () => {
    const folder = makeFolder({ 'sim.sh': 'exit 3\n' });
    const store = await openStore(commandRunner(['sh', join(folder, 'sim.sh'), '{result_file}']), folder);
    const statuses = async () => {
      const seen: string[] = [];
      for await (const { status, error } of store.sweep([{ n: 1 }], { retryFailed: false }))
        seen.push(`${status} ${error?.attempts ?? ''}`.trim());
      return seen;
    };
    expect(await statuses()).toEqual(['failed 1']);
    expect(await statuses()).toEqual(['failed 1']);
    expect(await store.attempts((await firstId(store)) as string)).toHaveLength(1);
    writeFileSync(join(folder, 'sim.sh'), FILES['sim.sh']);
    expect(await statuses()).toEqual(['finished']);
  });
});

async function firstId(store: Awaited<ReturnType<typeof openStore>>): Promise<string> {
  for await (const { id } of store.sweep([{ n: 1 }], { retryFailed: false })) return id;
  throw new Error('no point');
}
