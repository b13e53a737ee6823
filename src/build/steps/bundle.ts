/**
 * Step "bundle": the entry and all it imports become one ES module with a source map.
 *
 * The same sources give the same bytes in any folder. The esbuild context is kept between runs, so that a rebuild
 * reads only what has changed.
 */

import { realpath } from "node:fs/promises";
import type { SourceMapPayload } from "node:module";
import { relative, resolve } from "node:path";
import type { Project } from "../../model/function.ts";
import { OUT_FILE, toBundleOptions } from "../bundle-options.ts";
import { ensureEntry } from "../entry.ts";
import type { BundleOutcome, Bundler, Esbuild } from "../esbuild.ts";
import { findEvalWarnings } from "../eval-warnings.ts";
import { toJsArtifact } from "../js-artifact.ts";
import type { ImportedFile } from "../plugins/module-files.ts";
import { type ProblemContext, toBuildFailure, toDiagnostics } from "../problems.ts";
import type { Step, StepOptions, StepOutput } from "../step.ts";
import { findStyle, noHandler } from "../style.ts";

/** What is bundled, and with what. */
export interface BundleOptions {
  readonly project: Project;
  readonly main: string;
  readonly esbuild: Esbuild;
}

/** The specifier of the bundle itself. */
export const BUNDLE_NAME = "./index.js";

/** The step fails with NEBULA_BUILD_FAILED and every problem as a diagnostic. */
export function openBundleStep(options: BundleOptions): Step {
  return new BundleStep(options);
}

class BundleStep implements Step {
  readonly #options: BundleOptions;
  readonly #files = new Map<string, ImportedFile>();
  #bundler: Bundler | undefined;

  constructor(options: BundleOptions) {
    this.#options = options;
  }

  async run({ signal }: StepOptions): Promise<StepOutput> {
    const { project, main, esbuild } = this.#options;
    const context = { main: relative(project.dir, main), compatibility: project.spec.compatibility };
    await ensureEntry(main, { step: "bundle", shown: context.main });
    const dir = await realpath(project.dir);
    const places = { dir, main: await realpath(main), files: this.#files };
    this.#bundler ??= esbuild.openBundler(toBundleOptions(project, places));
    const outcome = await this.#bundler.run({ signal });
    const { warnings, ...built } = toOutput(outcome, { ...context, files: this.#files });
    return { ...built, warnings, inputs: toInputs(outcome, dir) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bundler?.[Symbol.asyncDispose]();
    this.#bundler = undefined;
  }
}

interface OutputContext extends ProblemContext {
  readonly files: ReadonlyMap<string, ImportedFile>;
}

function toOutput(outcome: BundleOutcome, { files, ...context }: OutputContext) {
  const errors = toDiagnostics(outcome.errors, { ...context, severity: "error" });
  if (errors.length > 0) throw toBuildFailure("bundle", context.main, errors);
  const find = (name: string) => Buffer.from(outcome.files.find(({ path }) => path.endsWith(name))?.contents ?? []);
  const content = find(OUT_FILE);
  const sourceMap = find(`${OUT_FILE}.map`);
  const code = content.toString();
  const style = findStyle(outcome.metafile.outputs[OUT_FILE]?.exports ?? [], code);
  if (style === undefined) throw toBuildFailure("bundle", context.main, [noHandler(context.main)]);
  return {
    ...toJsArtifact({
      main: { name: BUNDLE_NAME, kind: "js", content },
      modules: [...files].map(([name, file]) => ({ name, ...file })),
      sourceMap,
      style,
    }),
    warnings: [
      ...toDiagnostics(outcome.warnings, { ...context, severity: "warning" }),
      ...findEvalWarnings(code, parseMap(sourceMap)),
    ],
  };
}

/** esbuild wrote it, so it is a source map of version 3. */
function parseMap(map: Buffer): SourceMapPayload {
  return JSON.parse(map.toString());
}

/** Installed packages are left out: they are many, and an installation alone changes them. */
function toInputs({ metafile }: BundleOutcome, dir: string): string[] {
  return Object.keys(metafile.inputs)
    .filter((path) => !/(?:^|\/)node_modules\/|^[a-z]+:/.test(path))
    .map((path) => resolve(dir, path.replace(/\?.*$/, "")));
}
