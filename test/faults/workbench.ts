// Stores for fault trials on one kind of database, made as a scenario wants them, and the judges that look at them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { freshPostgres } from '../helpers/databases.js';
import {
  type JudgeServer,
  type RowsServer,
  startJudge,
  startOnce,
  startRowsServer,
  startTrialServer,
  type TrialServer,
} from './programs.js';
import {
  copyStore,
  judgeRequest,
  layOut,
  type Scenario,
  type Site,
  sqliteSite,
  type Trial,
  trialOf,
  type Verdict,
} from './trials.js';

type Postgres = Awaited<ReturnType<typeof freshPostgres>>;

export interface WorkbenchOptions {
  kind: 'sqlite' | 'postgres';
  durability: 'full' | 'process';
}

export class Workbench {
  readonly options: WorkbenchOptions;
  /** Performs the second commands, and those that prepare a store. */
  readonly server: TrialServer;
  readonly #root: string;
  readonly #judge: JudgeServer;
  readonly #rows: RowsServer | undefined;
  readonly #postgres: Postgres | undefined;
  #sites = 0;

  private constructor(options: WorkbenchOptions, root: string, postgres: Postgres | undefined) {
    this.options = options;
    this.#root = root;
    this.#postgres = postgres;
    this.server = startTrialServer(postgres?.dbUrl);
    this.#judge = startJudge();
    this.#rows = postgres && startRowsServer();
  }

  /** @param postgresUrl of the server of this run */
  static async open(options: WorkbenchOptions, postgresUrl: string): Promise<Workbench> {
    const root = await mkdtemp(join(tmpdir(), 'entropic-faults-'));
    return new Workbench(options, root, options.kind === 'postgres' ? await freshPostgres(postgresUrl) : undefined);
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.#judge.close();
    await this.#rows?.close();
    await this.#postgres?.remove();
    await rm(this.#root, { recursive: true, force: true });
  }

  /** @param dbUrl tells a process which driver is to be watched */
  get dbUrl(): string {
    return this.#postgres?.dbUrl ?? '';
  }

  trial(scenario: Pick<Scenario, 'action' | 'ns'>, site: Site, more: Partial<Trial> = {}): Trial {
    return trialOf(scenario, site, { durability: this.options.durability, ...more });
  }

  /** Makes stores as they are before a scenario's command: on SQLite one, that is copied each time. */
  async stores(scenario: Scenario): Promise<() => Promise<Site>> {
    const build = async (site: Site) => {
      layOut(scenario, site);
      for (const { plan, ...command } of scenario.before ?? []) {
        const trial = this.trial(command, site, plan && { plan });
        if (plan) expect((await startOnce(trial).ended).signal).toBe('SIGKILL');
        else expect((await this.server.ask(trial)).errors).toEqual([]);
      }
      return site;
    };
    const tell = async (site: Site) => {
      // The judge must know what was finished before: none of it may be executed again.
      if (scenario.before?.some((command) => command.plan)) await this.judge(scenario, site, 'killed');
      return site;
    };
    if (this.#postgres) return async () => tell(await build(this.#postgresSite(this.#postgres?.dbUrl as string)));
    const template = await build(sqliteSite(join(this.#root, `template-${this.#sites++}`)));
    return async () => {
      const site = sqliteSite(join(this.#root, `site-${this.#sites++}`));
      copyStore(template.folder, site.folder);
      return tell(site);
    };
  }

  /** The calls of a scenario's command when nothing goes wrong. */
  async trace(scenario: Scenario, site: Site): Promise<string[]> {
    const answer = await this.server.ask(this.trial(scenario, site, { plan: { what: 'none', at: 0 } }));
    expect(answer.errors).toEqual([]);
    return answer.trace;
  }

  async judge(
    scenario: Scenario,
    site: Site,
    phase: 'killed' | 'final',
    more: { told?: string[]; mayRunAgain?: string[]; doubtful?: number } = {},
  ): Promise<Verdict> {
    const rows = this.#rows && { rows: await this.#rows.ask({ url: site.dbUrl, table: site.table }) };
    return this.#judge.ask(judgeRequest(scenario, site, phase, { ...more, ...rows }));
  }

  async remove(site: Site): Promise<void> {
    await rm(site.folder, { recursive: true, force: true });
  }

  /** A table of its own in one database: making a database takes longer than a whole trial. */
  #postgresSite(dbUrl: string): Site {
    const nth = this.#sites++;
    const folder = join(this.#root, `site-${nth}`);
    return {
      folder,
      resultsDir: join(folder, 'results'),
      dbUrl,
      table: `results_${nth}`,
      log: join(folder, 'executions.log'),
    };
  }
}
