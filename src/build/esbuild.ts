/**
 * The owner of esbuild: the only file that loads it, since it is an optional dependency.
 *
 * esbuild keeps one service process per Node process and can only stop it for everybody: a build that is under way then
 * never settles. So the service is counted. It ends when the last owner is disposed and the last build is over.
 */

import type { BuildContext, BuildOptions, BuildResult, Message, Metafile } from "esbuild";
import { NebulaError } from "../model/errors.ts";

export type { BuildOptions, Loader, Message, Metafile, OnLoadResult, PartialMessage, Plugin } from "esbuild";

type EsbuildModule = typeof import("esbuild");

/** How one bundling ended. With `errors` there are no files. */
export interface BundleOutcome {
  readonly errors: readonly Message[];
  readonly warnings: readonly Message[];
  readonly files: readonly { readonly path: string; readonly contents: Uint8Array }[];
  readonly metafile: Metafile;
}

/** Bundles the same entry again and again, each time from what has changed only. */
export interface Bundler extends AsyncDisposable {
  /**
   * Rejects with `signal.reason` when aborted.
   *
   * @throws {NebulaError} NEBULA_BUILD_FAILED when esbuild is not installed or does not run.
   */
  run(options: { signal: AbortSignal }): Promise<BundleOutcome>;
}

/** esbuild, started when first asked; once disposed, ended unless others in this Node process have it. */
export interface Esbuild extends AsyncDisposable {
  /** Loads nothing before the bundler's first run. Output is never written to disk. */
  openBundler(options: BuildOptions): Bundler;
}

/** Makes the owner. `load` is there for tests of an absent esbuild. */
export function createEsbuild(load: () => Promise<EsbuildModule> = () => import("esbuild")): Esbuild {
  let held: Promise<HeldService> | undefined;
  const open = new Set<ContextBundler>();
  const loadOnce = async () => {
    held ??= load().then(hold);
    try {
      return (await held).module;
    } catch (cause) {
      held = undefined;
      throw notRunning(cause);
    }
  };
  return {
    openBundler(options) {
      const bundler = new ContextBundler(options, loadOnce);
      open.add(bundler);
      return {
        run: (runOptions) => bundler.run(runOptions),
        [Symbol.asyncDispose]: async () => {
          open.delete(bundler);
          await bundler[Symbol.asyncDispose]();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...open].map((bundler) => bundler[Symbol.asyncDispose]()));
      open.clear();
      const ending = held;
      held = undefined;
      await (await ending?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}

/** The service of this Node process: who has it, and whose contexts belong to it. */
const service = { holders: 0, generation: 0, bundlers: new Set<ContextBundler>() };

/** The service for one who has it until disposal. */
interface HeldService extends AsyncDisposable {
  readonly module: EsbuildModule;
}

function hold(module: EsbuildModule): HeldService {
  service.holders += 1;
  return {
    module,
    [Symbol.asyncDispose]: async () => {
      service.holders -= 1;
      if (service.holders === 0) await module.stop();
    },
  };
}

/**
 * Starts the service anew unless another bundler has done so since the generation that the caller has seen. Contexts belong
 * to a service: with a new one all of them are made again.
 */
async function restart(module: EsbuildModule, seen: number): Promise<void> {
  if (seen !== service.generation) return;
  service.generation += 1;
  for (const bundler of service.bundlers) bundler.forget();
  await module.stop();
}

class ContextBundler implements Bundler {
  readonly #options: BuildOptions;
  readonly #load: () => Promise<EsbuildModule>;
  #context: BuildContext | undefined;

  constructor(options: BuildOptions, load: () => Promise<EsbuildModule>) {
    this.#options = { ...options, write: false, metafile: true, logLevel: "silent" };
    this.#load = load;
  }

  async run({ signal }: { signal: AbortSignal }): Promise<BundleOutcome> {
    signal.throwIfAborted();
    const cancel = () => void this.#context?.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      await using held = hold(await this.#load());
      const { generation } = service;
      return await this.#rebuild(held.module, signal).catch(async (thrown: unknown) => {
        // The service can be killed between two builds of a long session, by the kernel for one.
        if (signal.aborted || !isServiceGone(thrown)) throw thrown;
        await restart(held.module, generation);
        return await this.#rebuild(held.module, signal);
      });
    } catch (thrown) {
      signal.throwIfAborted();
      return toFailedOutcome(thrown);
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  async #rebuild(esbuild: EsbuildModule, signal: AbortSignal): Promise<BundleOutcome> {
    this.#context ??= await esbuild.context(this.#options);
    service.bundlers.add(this);
    signal.throwIfAborted();
    return toOutcome(await this.#context.rebuild());
  }

  /** Lets go of a context whose service has ended. */
  forget(): void {
    this.#context = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const context = this.#context;
    this.#context = undefined;
    service.bundlers.delete(this);
    await context?.dispose();
  }
}

function toOutcome({ errors, warnings, outputFiles = [], metafile }: BuildResult): BundleOutcome {
  return { errors, warnings, files: outputFiles, metafile: metafile ?? NO_METAFILE };
}

const NO_METAFILE: Metafile = { inputs: {}, outputs: {} };

/** Broken sources come as an error that carries messages; anything else means that esbuild itself did not work. */
function toFailedOutcome(thrown: unknown): BundleOutcome {
  if (thrown instanceof NebulaError || !isBuildFailure(thrown)) throw notRunning(thrown);
  return { errors: thrown.errors, warnings: thrown.warnings, files: [], metafile: NO_METAFILE };
}

/** esbuild gives these no code, only the words. */
function isServiceGone(thrown: unknown): boolean {
  return thrown instanceof Error && /^The service (?:was stopped|is no longer running)/.test(thrown.message);
}

function isBuildFailure(thrown: unknown): thrown is { errors: Message[]; warnings: Message[] } {
  return thrown instanceof Error && "errors" in thrown && Array.isArray(thrown.errors) && "warnings" in thrown;
}

function notRunning(cause: unknown): NebulaError {
  if (cause instanceof NebulaError) return cause;
  const isAbsent = cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
  const what = isAbsent ? "it is not installed" : cause instanceof Error ? cause.message : String(cause);
  return new NebulaError("NEBULA_BUILD_FAILED", `Cannot run "esbuild": ${what}`, {
    hint: "Install it beside Nebula with npm install esbuild, or build where it is installed and deploy from there",
    cause,
  });
}
