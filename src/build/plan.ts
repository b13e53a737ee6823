/**
 * What has to be done to build a project, as data. Pure: reads no file and starts nothing.
 *
 *     command ─┬─▶ bundle   or   modules     (no_bundle)
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
  | { readonly step: "assets"; readonly after: readonly StepName[]; readonly dir: string };

/** The words for steps in output, logs and errors. */
export type StepName = "command" | "bundle" | "modules" | "assets";

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
  const { build, main, assetsDir } = project;
  const after: readonly StepName[] = build.command === undefined ? [] : ["command"];
  const steps: PlannedStep[] = [];
  if (build.command !== undefined) steps.push({ step: "command", after: [], command: build.command, cwd: build.cwd });
  if (main !== undefined) steps.push({ step: build.isBundled ? "bundle" : "modules", after, main });
  if (assetsDir !== undefined) steps.push({ step: "assets", after, dir: assetsDir });
  return { project, steps };
}
