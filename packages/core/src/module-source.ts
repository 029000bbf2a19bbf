// The current bundle of a module runner: made at the first run, made again when a file that went into it has changed. Called by the
// scheduler's executors and by the client.
import { type Bundle, bundleModule, findModule, isCurrent } from './bundle.js';
import type { ModuleRunner } from './runner.js';

export class ModuleSource {
  readonly runner: ModuleRunner;
  readonly #path: string;
  #bundle: Bundle | undefined;
  /** Looked at in this turn of the event loop: a thousand tasks sent together ask once. */
  #fresh = false;

  /** @throws InvalidOptionError if there is no such module */
  constructor(runner: ModuleRunner) {
    this.runner = runner;
    this.#path = findModule(runner.url);
  }

  /** @throws InvalidOptionError for code that does not build */
  async current(): Promise<Bundle> {
    const known = this.#known();
    if (known) return this.#look(known);
    // Loaded first, so that from here on nothing is awaited and one caller builds for all.
    const esbuild = await import('esbuild');
    this.#bundle = this.#known() ?? bundleModule(esbuild, this.#path);
    return this.#look(this.#bundle);
  }

  /** The bundle that was made, if nothing in it has changed since. */
  #known(): Bundle | undefined {
    return this.#bundle && (this.#fresh || isCurrent(this.#bundle)) ? this.#bundle : undefined;
  }

  #look(bundle: Bundle): Bundle {
    if (this.#fresh) return bundle;
    this.#fresh = true;
    setImmediate(() => {
      this.#fresh = false;
    });
    return bundle;
  }
}
