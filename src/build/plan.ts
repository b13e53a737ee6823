/**
 * What has to be done to build a project, as data. Pure: reads no file and starts nothing.
 *
 *     command ─┬─▶ bundle   or   modules  (no_bundle)                isolate
 *              │      └────▶ componentize                            wasi, of JavaScript
 *              ├─▶ module ─▶ snapshot ─▶ optimise                    wasi, of a .wasm file
 *              ├─▶ files ─▶ …            what ships with a Wasm program
 *              ├─▶ image                                             container
 *              ├─▶ migrations            of its databases
 *              └─▶ assets
 *
 * A function has a form for each of its engines; steps that two of them need are there once. `run.ts` does what a plan
 * says; steps that do not wait for each other run at the same time.
 */

import type { EngineName, ImageSource, Project, ProjectDatabase } from "../model/function.ts";

/** One step. `after` names the steps of the same plan that must have ended before it begins. Paths are absolute. */
export type PlannedStep =
  | { readonly step: "command"; readonly after: readonly StepName[]; readonly command: string; readonly cwd: string }
  | { readonly step: BundleName; readonly after: readonly StepName[]; readonly main: string }
  | { readonly step: "componentize"; readonly after: readonly StepName[] }
  | { readonly step: "module"; readonly after: readonly StepName[]; readonly main: string }
  | { readonly step: "snapshot" | "optimise"; readonly after: readonly StepName[] }
  | { readonly step: "files"; readonly after: readonly StepName[]; readonly files: Readonly<Record<string, string>> }
  | { readonly step: "image"; readonly after: readonly StepName[]; readonly source: ImageSource }
  | { readonly step: "migrations"; readonly after: readonly StepName[]; readonly databases: readonly ProjectDatabase[] }
  | { readonly step: "assets"; readonly after: readonly StepName[]; readonly dir: string };

/** Makes JavaScript into an artifact. The second two are for the wasi engine's entry where isolate has another. */
export type BundleName = "bundle" | "modules" | "bundle-wasi" | "modules-wasi";

/** The words for steps in output, logs and errors. No plan has one twice. */
export type StepName = PlannedStep["step"];

/** Which step ends in the form for an engine. */
export interface PlannedForm {
  readonly engine: EngineName;
  readonly step: StepName;
}

/** The steps of a build in their order, and what each needs. */
export interface BuildPlan {
  readonly project: Project;
  /** In an order in which they could run one by one. */
  readonly steps: readonly PlannedStep[];
  /** In the order in which the engines are wanted. */
  readonly forms: readonly PlannedForm[];
}

/**
 * Plans a build.
 *
 *     planBuild(project).steps  →  [{ step: "command", after: [], … }, { step: "bundle", after: ["command"], … }]
 *
 * A project without entry, image, assets and command has no steps.
 */
export function planBuild(project: Project): BuildPlan {
  const { build, assetsDir, spec, databases = [] } = project;
  const steps = new Map<StepName, PlannedStep>();
  const add = (planned: readonly PlannedStep[]) => {
    for (const one of planned) if (!steps.has(one.step)) steps.set(one.step, one);
  };
  const after: readonly StepName[] = build.command === undefined ? [] : ["command"];
  if (build.command !== undefined) add([{ step: "command", after: [], command: build.command, cwd: build.cwd }]);
  const forms = spec.engines.flatMap((engine) => {
    const planned = planForm(project, engine, after);
    const last = planned.at(-1);
    add(planned);
    return last === undefined ? [] : [{ engine, step: last.step }];
  });
  const hasMigrations = databases.some(({ migrationsDir }) => migrationsDir !== undefined);
  if (hasMigrations) add([{ step: "migrations", after, databases }]);
  if (assetsDir !== undefined) add([{ step: "assets", after, dir: assetsDir }]);
  return { project, steps: [...steps.values()], forms };
}

/** The steps of one form, in their order. */
function planForm(project: Project, engine: EngineName, after: readonly StepName[]): readonly PlannedStep[] {
  if (engine === "container") return project.image ? [{ step: "image", after, source: project.image }] : [];
  const main = findEntry(project, engine);
  if (main === undefined) return [];
  if (engine === "wasi") return planWasm(project, { main, after });
  return [{ step: toBundleName(project, main), after, main }];
}

/** The steps of a Wasm program. Each is told the files that ship with it, since it may be run to see what it is worth. */
function planWasm(
  project: Project,
  { main, after }: { main: string; after: readonly StepName[] },
): readonly PlannedStep[] {
  const { files } = project;
  const shipped: readonly StepName[] = files === undefined ? [] : ["files"];
  const filesStep: readonly PlannedStep[] = files === undefined ? [] : [{ step: "files", after, files }];
  if (!main.endsWith(".wasm")) {
    const step = toBundleName(project, main);
    return [{ step, after, main }, ...filesStep, { step: "componentize", after: [step, ...shipped] }];
  }
  return [
    { step: "module", after, main },
    ...filesStep,
    { step: "snapshot", after: ["module", ...shipped] },
    { step: "optimise", after: ["snapshot", ...shipped] },
  ];
}

/** Forms that have their JavaScript in common share its bundle. */
function toBundleName(project: Project, main: string): BundleName {
  const { spec, build } = project;
  const name = build.isBundled ? "bundle" : "modules";
  return spec.engines.includes("isolate") && findEntry(project, "isolate") !== main ? `${name}-wasi` : name;
}

/** The entry of an engine's form. */
function findEntry({ main, entries }: Project, engine: "isolate" | "wasi"): string | undefined {
  return entries?.[engine] ?? main;
}

/** Whether a form is a Wasm program that was there before the build, which may make it faster. */
export function hasWasmEntry({ steps }: BuildPlan): boolean {
  return steps.some(({ step }) => step === "module");
}

/** The steps without which a form is not made, its last one among them. */
export function listNeeded({ steps }: BuildPlan, form: PlannedForm): ReadonlySet<StepName> {
  const needed = new Set<StepName>([form.step]);
  // What a step comes after stands before it.
  for (const { step, after } of steps.toReversed()) if (needed.has(step)) for (const name of after) needed.add(name);
  return needed;
}
