/**
 * Does what a plan says: runs its steps, times them, and puts together what they made.
 *
 * A builder keeps what makes the next build of the same project fast (esbuild's context, digests of assets); for
 * one build alone there is `runBuild`. Steps that do not wait for each other run at once. When one fails the build goes on
 * as long as a form of the function is left; when none is, the others are stopped, and nothing is still running when the
 * build rejects.
 */

import type { Project } from "../model/function.ts";
import type { ImageBuilder } from "../model/image-builder.ts";
import { type Clock, systemClock } from "../model/ports.ts";
import { type Built, listEntryDirs, mergeOutputs, type StepResults, type StepTime, toWatched } from "./built.ts";
import { createEsbuild, type Esbuild } from "./esbuild.ts";
import { FailedForms } from "./failed-forms.ts";
import type { BuildPlan, PlannedStep, StepName } from "./plan.ts";
import type { Prove } from "./prove.ts";
import { type Step, type StepOutput, toBuildError } from "./step.ts";
import { openImageStep } from "./steps/build-image.ts";
import { openBundleStep } from "./steps/bundle.ts";
import { openAssetsStep } from "./steps/collect-assets.ts";
import { openFilesStep } from "./steps/collect-files.ts";
import { openMigrationsStep } from "./steps/collect-migrations.ts";
import { openModulesStep } from "./steps/collect-modules.ts";
import { openCommandStep } from "./steps/command.ts";
import { openComponentizeStep } from "./steps/componentize.ts";
import { openOptimiseStep } from "./steps/optimise.ts";
import { openModuleStep } from "./steps/read-module.ts";
import { openSnapshotStep, type ToolStepOptions } from "./steps/snapshot.ts";
import { type FindTool, findInstalledTool } from "./tools.ts";

/** Who listens to one build, and until when it may go on. */
export interface BuildOptions {
  readonly signal: AbortSignal;
  /** Called as each step succeeds. */
  readonly onStep?: (done: StepTime) => void;
  /** Receives what the project's build command and Docker print, as it comes. */
  readonly onOutput?: (text: string) => void;
}

/** What builds share. */
export interface BuilderOptions {
  /** Shared by all builders of a program; its owner disposes it. */
  readonly esbuild: Esbuild;
  /**
   * Keeps what takes long from one builder to the next; without it, it is made once per builder, and images cannot be
   * built at all: they are too large for memory.
   */
  readonly cacheDir?: string;
  /** What the build command gets; default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default 5 minutes. */
  readonly commandTimeoutMs?: number;
  /** How long one tool may work on one Wasm file; default 2 minutes. */
  readonly toolTimeoutMs?: number;
  /** Where tools are; default those that are installed. */
  readonly findTool?: FindTool;
  /** Runs a program to see what a step was worth. Without it the steps that have to prove that are skipped. */
  readonly prove?: Prove;
  /** Makes images. Without it a Dockerfile cannot be built. */
  readonly images?: ImageBuilder;
  /** How long an image may take where a function has other forms; unless given as long as it needs. */
  readonly imagePatienceMs?: number;
  readonly clock?: Clock;
}

/** Builds one project, again and again; what makes the next time fast is kept until it is disposed. */
export interface Builder extends AsyncDisposable {
  /**
   * Builds once. A call during a build waits for it. Rejects with `signal.reason` when aborted.
   *
   * @throws {NebulaError} NEBULA_BUILD_FAILED with the step's name in `details.step` when no form could be built; of
   * several the failure of the first one.
   */
  build(options: BuildOptions): Promise<Built>;
  /** What to watch after the last build, also when it failed. */
  readonly inputs: readonly string[];
}

/** Opens a builder for one plan. Starts nothing before the first build. */
export function openBuilder(plan: BuildPlan, options: BuilderOptions): Builder {
  return new PlanBuilder(plan, options);
}

/**
 * Builds once and leaves nothing behind.
 *
 * Without `esbuild` it has one of its own, which means a start of esbuild's process: pass the shared one where there is one.
 *
 * @throws {NebulaError} NEBULA_BUILD_FAILED with the step's name in `details.step`.
 */
export async function runBuild(plan: BuildPlan, options: BuildOptions & Partial<BuilderOptions>): Promise<Built> {
  await using own = createEsbuild();
  await using builder = openBuilder(plan, { ...options, esbuild: options.esbuild ?? own });
  return await builder.build(options);
}

class PlanBuilder implements Builder {
  readonly #plan: BuildPlan;
  readonly #clock: Clock;
  readonly #steps: readonly { readonly planned: PlannedStep; readonly step: Step }[];
  #last: Promise<unknown> = Promise.resolve();
  #inputs: readonly string[];

  constructor(plan: BuildPlan, options: BuilderOptions) {
    this.#plan = plan;
    this.#clock = options.clock ?? systemClock;
    this.#steps = plan.steps.map((planned) => ({ planned, step: openStep(planned, plan.project, options) }));
    this.#inputs = toWatched(plan, []);
  }

  get inputs(): readonly string[] {
    return this.#inputs;
  }

  build(options: BuildOptions): Promise<Built> {
    const built = this.#last.then(() => this.#build(options));
    this.#last = built.catch(() => {});
    return built;
  }

  async #build(options: BuildOptions): Promise<Built> {
    options.signal.throwIfAborted();
    const steps: StepTime[] = [];
    const onStep = (done: StepTime) => {
      steps.push(done);
      options.onStep?.(done);
    };
    try {
      const results = await this.#runSteps({ ...options, onStep });
      options.signal.throwIfAborted();
      const found = [...results.outputs.values()].flatMap(({ inputs = [] }) => inputs);
      this.#inputs = toWatched(this.#plan, results.failures.length === 0 ? found : [...found, ...this.#listBefore()]);
      return { ...mergeOutputs(this.#plan, results), inputs: this.#inputs, steps };
    } catch (thrown) {
      options.signal.throwIfAborted();
      this.#inputs = toWatched(this.#plan, this.#listBefore());
      throw thrown;
    }
  }

  /** What was known before a failure is still right, and what is missing may appear beside the entries. */
  #listBefore(): string[] {
    return [...this.#inputs, ...listEntryDirs(this.#plan)];
  }

  /** Rejects with the failure that the build cannot go on after, when every step has ended. */
  async #runSteps({ signal, onStep, onOutput }: BuildOptions): Promise<StepResults> {
    const stop = new AbortController();
    const failed = new FailedForms(this.#plan);
    const running = new Map<StepName, Promise<StepOutput>>();
    const outputs = new Map<StepName, StepOutput>();
    for (const { planned, step } of this.#steps) {
      const earlier = planned.after.map((name) => running.get(name));
      const runOne = async () => {
        const ready = (await Promise.all(earlier)).filter((output) => output !== undefined);
        const startMs = this.#clock.nowMs();
        const output = await step.run({ signal: AbortSignal.any([signal, stop.signal]), earlier: ready, onOutput });
        const { note } = output;
        onStep?.({ step: planned.step, ms: this.#clock.nowMs() - startMs, ...(note !== undefined && { note }) });
        outputs.set(planned.step, output);
        return output;
      };
      const failOne = (thrown: unknown) => {
        // Steps that were stopped reject with what stopped them; those that waited in vain with what they waited for.
        stop.signal.throwIfAborted();
        const error = toBuildError(planned.step, thrown);
        const fatal = failed.note(planned.step, error);
        if (fatal !== undefined) stop.abort(fatal);
        throw error;
      };
      running.set(planned.step, runOne().catch(failOne));
    }
    await Promise.allSettled(running.values());
    stop.signal.throwIfAborted();
    return { outputs, failures: failed.list() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    await Promise.all(this.#steps.map(({ step }) => step[Symbol.asyncDispose]()));
  }
}

function openStep(planned: PlannedStep, project: Project, options: BuilderOptions): Step {
  const { esbuild, cacheDir, env = process.env, commandTimeoutMs: timeoutMs, clock = systemClock } = options;
  switch (planned.step) {
    case "command":
      return openCommandStep({ ...planned, env, watchDirs: project.build.watchDirs, timeoutMs, clock });
    case "bundle":
    case "bundle-wasi":
      return openBundleStep({ project, main: planned.main, esbuild });
    case "modules":
    case "modules-wasi":
      return openModulesStep({ project, main: planned.main, esbuild });
    case "componentize":
      return openComponentizeStep({
        project,
        esbuild,
        clock,
        findTool: options.findTool ?? findInstalledTool,
        cacheDir,
      });
    case "module":
      return openModuleStep({ project, main: planned.main });
    case "snapshot":
      return openSnapshotStep(toToolOptions(project, options));
    case "optimise":
      return openOptimiseStep(toToolOptions(project, options));
    case "files":
      return openFilesStep({ projectDir: project.dir, files: planned.files });
    case "image":
      return openImageStep({
        project,
        source: planned.source,
        images: options.images,
        cacheDir,
        patienceMs: options.imagePatienceMs,
        clock,
      });
    case "migrations":
      return openMigrationsStep({ projectDir: project.dir, databases: planned.databases });
    case "assets":
      return openAssetsStep({ projectDir: project.dir, dir: planned.dir, cacheDir });
  }
}

/** How long one tool may work on one file. */
const TOOL_TIMEOUT_MS = 2 * 60_000;

function toToolOptions(project: Project, options: BuilderOptions): ToolStepOptions {
  const { prove, cacheDir, findTool = findInstalledTool } = options;
  const { toolTimeoutMs: timeoutMs = TOOL_TIMEOUT_MS, clock = systemClock } = options;
  return { project, prove, cacheDir, findTool, timeoutMs, clock };
}
