/**
 * Step "modules": with `no_bundle` the entry is taken as it is, and the files around it that match a rule go along.
 *
 * Names are paths relative to the entry's folder, so that relative imports find them. esbuild is asked only
 * whether the entry parses and what it exports.
 */

import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, extname, join, relative } from "node:path";
import type { ModuleKind } from "../../model/artifact.ts";
import type { Project } from "../../model/function.ts";
import { ensureEntry } from "../entry.ts";
import type { Bundler, Esbuild } from "../esbuild.ts";
import { type ModuleContent, toJsArtifact } from "../js-artifact.ts";
import { createModuleRules, type ModuleRules, type ModuleType } from "../module-rules.ts";
import { toBuildFailure, toDiagnostics } from "../problems.ts";
import { buildFailed, type Step, type StepOptions, type StepOutput } from "../step.ts";
import { findStyle, noHandler } from "../style.ts";
import { findWasmProblem } from "../wasm-header.ts";

/** The entry, and the rules that say what goes with it. */
export interface ModulesOptions {
  readonly project: Project;
  readonly main: string;
  readonly esbuild: Esbuild;
}

/** The step fails with NEBULA_BUILD_FAILED when the entry is no JavaScript module or a file cannot go along. */
export function openModulesStep(options: ModulesOptions): Step {
  return new ModulesStep(options);
}

class ModulesStep implements Step {
  readonly #options: ModulesOptions;
  #bundler: Bundler | undefined;

  constructor(options: ModulesOptions) {
    this.#options = options;
  }

  async run({ signal }: StepOptions): Promise<StepOutput> {
    const { project, main, esbuild } = this.#options;
    const shown = relative(project.dir, main);
    ensureJavaScript(main, shown);
    await ensureEntry(main, { step: "modules", shown });
    const content = await readFile(main);
    const modules = await collectModules(this.#options, signal);

    this.#bundler ??= esbuild.openBundler({
      absWorkingDir: project.dir,
      entryPoints: [main],
      outdir: project.dir,
      bundle: false,
      format: "esm",
      target: "esnext",
    });
    const { errors, warnings, metafile } = await this.#bundler.run({ signal });
    const context = { main: shown, compatibility: project.spec.compatibility };
    const problems = toDiagnostics(errors, { ...context, severity: "error" });
    const exports = Object.values(metafile.outputs).flatMap((output) => output.exports);
    const style = findStyle(exports, content.toString());
    if (problems.length === 0 && style === undefined) problems.push(noHandler(shown));
    if (style === undefined || problems.length > 0) throw toBuildFailure("modules", shown, problems);
    return {
      ...toJsArtifact({ main: { name: `./${basename(main)}`, kind: "js", content }, modules, style }),
      inputs: [dirname(main)],
      warnings: toDiagnostics(warnings, { ...context, severity: "warning" }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bundler?.[Symbol.asyncDispose]();
    this.#bundler = undefined;
  }
}

function ensureJavaScript(main: string, shown: string): void {
  if ([".js", ".mjs"].includes(extname(main))) return;
  throw buildFailed("modules", `Cannot take "${shown}" as it is: it is not a JavaScript module`, {
    hint: "Remove no_bundle, or name the compiled file (.js or .mjs) as main",
  });
}

const KINDS = { ESModule: "js", CompiledWasm: "wasm", Text: "text", Data: "data" } as const satisfies Partial<
  Record<ModuleType, ModuleKind>
>;

async function collectModules({ project, main }: ModulesOptions, signal: AbortSignal): Promise<ModuleContent[]> {
  const rules = createModuleRules(project.build.rules, ["ESModule", "CommonJS", "CompiledWasm", "Text", "Data"]);
  const root = dirname(main);
  const modules: ModuleContent[] = [];
  for await (const path of walk(root, new Set([main, project.configFile, project.assetsDir]))) {
    signal.throwIfAborted();
    const name = relative(root, path);
    const kind = findKind(rules, name);
    if (kind === undefined) continue;
    const content = await readFile(path);
    const problem = kind === "wasm" ? findWasmProblem(content) : undefined;
    if (problem !== undefined) throw buildFailed("modules", `Cannot take "${name}" along: ${problem}`);
    modules.push({ name: `./${name}`, kind, content });
  }
  return modules;
}

function findKind(rules: ModuleRules, name: string): ModuleKind | undefined {
  const match = rules.find(name);
  if (match === undefined) return undefined;
  if (match.isHidden) {
    const what = `the rule that matches it is hidden by an earlier rule of type "${match.type}"`;
    throw buildFailed("modules", `Cannot take "${name}" along: ${what}`, {
      hint: "Add fallthrough = true to that rule",
    });
  }
  if (match.type === "CommonJS") {
    throw buildFailed("modules", `Cannot take "${name}" along: CommonJS has to be bundled`, {
      hint: "Remove no_bundle",
    });
  }
  return KINDS[match.type];
}

/** Regular files below a folder; no dotfiles, no installed packages, no links, nothing of `skipped`. */
async function* walk(dir: string, skipped: ReadonlySet<string | undefined>): AsyncGenerator<string> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (skipped.has(path) || entry.name.startsWith(".") || entry.name === "node_modules") continue;
    if (entry.isDirectory()) yield* walk(path, skipped);
    else if (entry.isFile()) yield path;
  }
}
