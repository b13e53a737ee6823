/**
 * One project on its way to a node, as often as wanted: configuration, build, upload, activation.
 *
 *     hello  validate ✓ 3 ms  bundle ✓ 41 ms  upload ✓ 2 ms  prepare ✓ 88 ms  active d_7f3a
 *
 * Keeps what makes the next time fast. When it fails, what served before serves on.
 */

import { resolve } from "node:path";
import type { Esbuild } from "../build/esbuild.ts";
import type { FormFailure } from "../build/failed-forms.ts";
import { hasWasmEntry, planBuild } from "../build/plan.ts";
import type { Prove } from "../build/prove.ts";
import { type Builder, openBuilder } from "../build/run.ts";
import { isLate } from "../build/steps/build-image.ts";
import type { Client } from "../client/client.ts";
import { listDevVarsFiles, readDevVars } from "../config/dev-vars.ts";
import { CONFIG_FILE_NAMES } from "../config/folder.ts";
import { deployProject } from "../deploy.ts";
import type { DeploymentSummary, StepDone } from "../model/control.ts";
import { NebulaError, toNebulaError } from "../model/errors.ts";
import type { FunctionSpec, Project } from "../model/function.ts";
import type { ImageBuilder } from "../model/image-builder.ts";
import type { SecretValues } from "../model/secrets.ts";
import { formatMs } from "../model/units.ts";
import { clean } from "./clean.ts";
import { reportFailures } from "./form-failures.ts";
import type { Printer } from "./print.ts";
import { nameTaken, type ProjectPlace, type ReadProject, readPlace, toShownName } from "./projects.ts";

/** How a deployment went. */
interface Deployed {
  readonly name: string;
  readonly isRoot: boolean;
  /** One of its forms is a program that the build may make faster. */
  readonly hasWasm: boolean;
  /** A form is missing because it takes long, and can be had by another deployment that waits for it. */
  readonly isUnfinished: boolean;
}

/** How one deployment went. */
export type Outcome =
  | (Deployed & { readonly state: "active"; readonly deployment: DeploymentSummary; readonly isNew: boolean })
  | (Deployed & { readonly state: "failed"; readonly error: NebulaError });

/** What all projects of one run share. */
export interface DeployableParts {
  readonly client: Client;
  readonly esbuild: Esbuild;
  readonly cacheDir: string;
  /** Tells what the steps of a build are worth; without it, only what is known from before counts. */
  readonly prove?: Prove;
  /** Makes images; without it a Dockerfile cannot be built. */
  readonly images?: ImageBuilder;
  /** How long they may take where a function has other forms; unless given as long as they need. */
  readonly imagePatienceMs?: number;
  /** Which `[env.NAME]`. */
  readonly env: string | undefined;
  readonly print: Printer;
  /** Secrets are those of `.dev.vars`, and no others. */
  readonly hasDevVars?: boolean;
  /** Who has which name, shared by all. */
  readonly names: Map<string, ProjectPlace>;
  /** What was told last of a function's secrets, and of the forms that it goes without: not told at every build. */
  readonly told: Map<string, string>;
}

/** One project of a folder, on its way to a node. Nothing is read, built or sent before `deploy`. */
export class Deployable implements AsyncDisposable {
  readonly place: ProjectPlace;
  readonly #parts: DeployableParts;
  #current: { readonly project: Project; readonly builder: Builder; readonly hasWasm: boolean } | undefined;
  #isUnfinished = false;
  /** The name that it holds in `names`. */
  #name: string | undefined;
  /** The name under which the node has it. */
  #served: string | undefined;

  constructor(place: ProjectPlace, parts: DeployableParts) {
    this.place = place;
    this.#parts = parts;
  }

  /** The function's name, or the folder's until one is known. */
  get name(): string {
    return this.#name ?? toShownName(this.place);
  }

  /** Whether the configuration has been read at least once. */
  get isNamed(): boolean {
    return this.#name !== undefined;
  }

  /** Whether the node has a version of it that this program deployed. */
  get isServed(): boolean {
    return this.#served !== undefined;
  }

  /**
   * What to watch, absolute: its sources, and what would be its configuration. A project that cannot be read has
   * its whole folder watched, since what it lacks may appear anywhere in it.
   */
  get inputs(): readonly string[] {
    if (this.#current === undefined) return [this.place.dir];
    const { project, builder } = this.#current;
    const configs = CONFIG_FILE_NAMES.map((name) => resolve(this.place.dir, name));
    const { hasDevVars, env } = this.#parts;
    return [...configs, ...(hasDevVars ? listDevVarsFiles(project.dir, env) : []), ...builder.inputs];
  }

  /** Deploys what is there now and tells how it went. Rejects only when aborted. */
  async deploy({ signal }: { signal: AbortSignal }): Promise<Outcome> {
    const steps: StepDone[] = [];
    const { print } = this.#parts;
    try {
      const { deployment, isNew, warnings = [] } = await this.#deploy(signal, (step) => steps.push(step));
      await this.#moveTo(this.name);
      print.talk(this.#toLine(steps, `active ${deployment.id}${isNew ? "" : " (unchanged)"}`));
      for (const warning of warnings) print.talk(`${this.name}  ${print.style.yellow("warning")}  ${clean(warning)}`);
      return { ...this.#shown, state: "active", deployment, isNew };
    } catch (thrown) {
      signal.throwIfAborted();
      const error = withPlaces(toNebulaError(thrown), this.place.dir);
      const { step } = error.details;
      print.talk(this.#toLine(steps, print.style.red(`${step ?? (steps.length === 0 ? "validate" : "deploy")} ✗`)));
      print.report(error);
      return { ...this.#shown, state: "failed", error };
    }
  }

  get #shown(): Deployed {
    return {
      name: this.name,
      isRoot: this.place.isRoot,
      hasWasm: this.#current?.hasWasm ?? false,
      isUnfinished: this.#isUnfinished,
    };
  }

  async #deploy(signal: AbortSignal, onStep: (step: StepDone) => void) {
    const { client, print } = this.#parts;
    const startMs = performance.now();
    const { project, warnings } = await this.#read();
    onStep({ step: "validate", ms: performance.now() - startMs });
    const { builder } = await this.#open(project, () => print.warn(warnings));
    const { spec, secrets } = await this.#withDevVars(project);
    return await deployProject(spec, {
      target: client,
      builder,
      signal,
      ...(secrets && { secrets }),
      onStep,
      onBuilt: ({ failures }) => this.#tellFailures(failures),
      onOutput: (text) => print.talk(text.trimEnd().replace(/^/gm, print.style.dim(`${this.name} │ `))),
    });
  }

  /** As with wrangler: what stands there comes before a variable, and with `secrets.required` nothing else counts. */
  async #withDevVars({ dir, spec }: Project): Promise<{ spec: FunctionSpec; secrets?: SecretValues }> {
    const { hasDevVars, env } = this.#parts;
    if (!hasDevVars) return { spec };
    const { values, files } = await readDevVars(dir, env);
    const required = spec.bindings.flatMap(({ type, name }) => (type === "secret" ? [name] : []));
    const isWanted = (name: string) => required.length === 0 || required.includes(name);
    const secrets = Object.fromEntries(Object.entries(values).filter(([name]) => isWanted(name)));
    this.#tellDevVars(files, Object.keys(secrets).length);
    const bindings = spec.bindings.filter(({ type, name }) => type !== "var" || !Object.hasOwn(secrets, name));
    return { spec: { ...spec, bindings }, secrets };
  }

  #tellDevVars(files: readonly string[], count: number): void {
    const { told, print } = this.#parts;
    const text = files.length === 0 ? "" : `${count} ${count === 1 ? "secret" : "secrets"} from ${files.join(", ")}`;
    const key = `${this.name} secrets`;
    if ((told.get(key) ?? "") === text) return;
    told.set(key, text);
    print.talk(`${this.name}  ${text || "no secrets any more"}`);
  }

  #tellFailures(failures: readonly FormFailure[]): void {
    const { told, print } = this.#parts;
    this.#isUnfinished = failures.some(({ error }) => isLate(error));
    const text = JSON.stringify(failures.map(({ engine, error }) => [engine, error.message]));
    if (told.get(this.name) === text) return;
    told.set(this.name, text);
    const placed = failures.map(({ engine, error }) => ({ engine, error: withPlaces(error, this.place.dir) }));
    reportFailures(print, this.name, placed);
  }

  async #read(): Promise<ReadProject> {
    const { env, names } = this.#parts;
    try {
      const read = await readPlace(this.place, env);
      const { name } = read.project.spec;
      const other = names.get(name);
      if (other !== undefined && other !== this.place) throw nameTaken(name, { own: read.project, other });
      this.#claim(name);
      return read;
    } catch (thrown) {
      // The whole folder is watched until it can be read again.
      await this.#close();
      throw thrown;
    }
  }

  #claim(name: string): void {
    const { names } = this.#parts;
    if (this.#name !== undefined) names.delete(this.#name);
    names.set(name, this.place);
    this.#name = name;
  }

  /** It is served under this name now: under the one before, nobody answers any more. */
  async #moveTo(name: string): Promise<void> {
    const before = this.#served;
    this.#served = name;
    if (before === undefined || before === name || this.#parts.names.has(before)) return;
    await this.#parts.client.removeFunction(before).catch(ignoreUnknown);
  }

  /** The builder of exactly this project. */
  async #open(project: Project, onChange: () => void) {
    if (this.#current !== undefined && isSame(this.#current.project, project)) return this.#current;
    await this.#close();
    onChange();
    const { esbuild, cacheDir, prove, images, imagePatienceMs } = this.#parts;
    const plan = planBuild(project);
    const builder = openBuilder(plan, {
      esbuild,
      cacheDir,
      ...(prove && { prove }),
      ...(images && { images }),
      ...(imagePatienceMs !== undefined && { imagePatienceMs }),
    });
    this.#current = { project, builder, hasWasm: hasWasmEntry(plan) };
    return this.#current;
  }

  async #close(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    await current?.builder[Symbol.asyncDispose]();
  }

  /** Takes the function off the node. */
  async remove(): Promise<void> {
    await this.#close();
    const { names, client } = this.#parts;
    if (this.#name !== undefined) names.delete(this.#name);
    const served = this.#served ?? this.#name;
    if (served === undefined || names.has(served)) return;
    await client.removeFunction(served).catch(ignoreUnknown);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  #toLine(steps: readonly StepDone[], end: string): string {
    const { style } = this.#parts.print;
    const words = steps.map(({ step, ms, note }) => {
      const word = `${step} ${style.green("✓")} ${formatMs(ms)}`;
      return note === undefined ? word : `${word} ${style.dim(`(${note})`)}`;
    });
    return [style.bold(this.name), ...words, end].join("  ");
  }
}

function isSame(one: Project, other: Project): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** It may never have become active. */
function ignoreUnknown(thrown: unknown): void {
  if (toNebulaError(thrown).code !== "NEBULA_FUNCTION_NOT_FOUND") throw thrown;
}

/** A build names files relative to its project; here there are several. */
function withPlaces(error: NebulaError, dir: string): NebulaError {
  if (error.diagnostics.length === 0) return error;
  const { code, message, hint, details, diagnostics, cause } = error;
  return new NebulaError(code, message, {
    hint,
    details,
    diagnostics: diagnostics.map((one) => ({ ...one, file: resolve(dir, one.file) })),
    ...(cause !== undefined && { cause }),
  });
}
