/**
 * What has to be done to build a project, as data. Pure: reads no file and starts nothing.
 *
 *     command ─┬─▶ bundle   or   modules     (no_bundle)
 *              ├─▶ bundle   or   modules ─▶ componentize         (JavaScript for the wasi engine)
 *              ├─▶ module ─▶ snapshot ─▶ optimise                (a .wasm file)
 *              ├─▶ files                                         (what ships with a Wasm program)
 *              └─▶ assets
 *
 * `run.ts` does what a plan says; steps that do not wait for each other run at the same time.
 */

import type { Project } from "../model/function.ts";

/** One step. `after` names the steps of the same plan that must have ended before it begins. Paths are absolute. */
export type PlannedStep =
  | { readonly step: "command"; readonly after: readonly StepName[]; readonly command: string; readonly cwd: string }
  | { readonly step: "bundle"; readonly after: readonly StepName[]; readonly main: string }
  | { readonly step: "modules"; readonly after: readonly StepName[]; readonly main: string }
  | { readonly step: "componentize"; readonly after: readonly StepName[] }
  | { readonly step: "module"; readonly after: readonly StepName[]; readonly main: string }
  | { readonly step: "snapshot" | "optimise"; readonly after: readonly StepName[] }
  | { readonly step: "files"; readonly after: readonly StepName[]; readonly files: Readonly<Record<string, string>> }
  | { readonly step: "assets"; readonly after: readonly StepName[]; readonly dir: string };

/** The words for steps in output, logs and errors. */
export type StepName = PlannedStep["step"];

/** The steps of a build in their order, and what each needs. */
export interface BuildPlan {
  readonly project: Project;
  /** In an order in which they could run one by one. */
  readonly steps: readonly PlannedStep[];
}

/**
 * Plans a build.
 *
 *     planBuild(project).steps  →  [{ step: "command", after: [], … }, { step: "bundle", after: ["command"], … }]
 *
 * A project without entry, assets and command has no steps.
 */
export function planBuild(project: Project): BuildPlan {
  const { build, main, assetsDir, spec } = project;
  const after: readonly StepName[] = build.command === undefined ? [] : ["command"];
  const steps: PlannedStep[] = [];
  if (build.command !== undefined) steps.push({ step: "command", after: [], command: build.command, cwd: build.cwd });
  const isWasi = spec.engines[0] === "wasi";
  if (main !== undefined && isWasi) steps.push(...planWasm(project, { main, after }));
  else if (main !== undefined) steps.push({ step: build.isBundled ? "bundle" : "modules", after, main });
  if (assetsDir !== undefined) steps.push({ step: "assets", after, dir: assetsDir });
  return { project, steps };
}

/** The steps of a Wasm program. Each is told the files that ship with it, since it may be run to see what it is worth. */
function planWasm(
  { files, build }: Project,
  { main, after }: { main: string; after: readonly StepName[] },
): readonly PlannedStep[] {
  const shipped: readonly StepName[] = files === undefined ? [] : ["files"];
  const filesStep: readonly PlannedStep[] = files === undefined ? [] : [{ step: "files", after, files }];
  if (!main.endsWith(".wasm")) {
    const step = build.isBundled ? "bundle" : "modules";
    return [{ step, after, main }, ...filesStep, { step: "componentize", after: [step, ...shipped] }];
  }
  return [
    { step: "module", after, main },
    ...filesStep,
    { step: "snapshot", after: ["module", ...shipped] },
    { step: "optimise", after: ["snapshot", ...shipped] },
  ];
}
