/**
 * What a build hands over, and how it is put together from what the steps made.
 */

import { dirname } from "node:path";
import type { Artifact, AssetsManifest } from "../model/artifact.ts";
import type { Form } from "../model/deployment.ts";
import type { Diagnostic } from "../model/errors.ts";
import type { Migrations } from "../model/migrations.ts";
import type { BlobSources } from "./blob-source.ts";
import type { FormFailure } from "./failed-forms.ts";
import type { BuildPlan, StepName } from "./plan.ts";
import type { StepOutput } from "./step.ts";
import { findMounts, toWasmArtifact } from "./wasm-artifact.ts";

/** How long one step took. */
export interface StepTime {
  readonly step: StepName;
  readonly ms: number;
  /** What the step was worth, or why it did nothing: `1.90 ms → 0.11 ms`. */
  readonly note?: string;
}

/** What a build gives: manifests, and the bytes that they name. */
export interface Built {
  /** None for a project of static files alone. */
  readonly forms: readonly Form[];
  readonly assets?: AssetsManifest;
  readonly migrations?: readonly Migrations[];
  /** The bytes of every blob that the others name. */
  readonly blobs: BlobSources;
  /** Absolute files and folders whose change makes another build worthwhile, sorted. */
  readonly inputs: readonly string[];
  /** In the order in which they ended. */
  readonly steps: readonly StepTime[];
  readonly warnings: readonly Diagnostic[];
  /** Forms that the deployment goes without: at least one was built, or the build would have failed. */
  readonly failures: readonly FormFailure[];
}

/** What came of a plan's steps. */
export interface StepResults {
  readonly outputs: ReadonlyMap<StepName, StepOutput>;
  readonly failures: readonly FormFailure[];
}

/** As much of the reason as a node keeps. */
const MAX_FAILURE_LENGTH = 4_000;

/** Puts the forms and the static files together. What a form is made of and another does not need stays behind. */
export function mergeOutputs(plan: BuildPlan, { outputs, failures }: StepResults): Omit<Built, "inputs" | "steps"> {
  const all = plan.steps.flatMap(({ step }) => outputs.get(step) ?? []);
  const parts = plan.forms.map((form) => {
    const failure = failures.find(({ engine }) => engine === form.engine);
    return { form, failure, made: failure ? undefined : findMade(outputs.get(form.step), all) };
  });
  const forms = parts.flatMap(({ form: { engine }, failure, made }): Form[] => {
    if (failure) return [{ engine, failure: toReason(failure) }];
    return made === undefined ? [] : [{ engine, artifact: made.artifact }];
  });
  const assets = all.find((output) => output.assets);
  const scripts = all.find((output) => output.migrations);
  return {
    forms,
    ...(assets?.assets && { assets: assets.assets }),
    ...(scripts?.migrations && scripts.migrations.length > 0 && { migrations: scripts.migrations }),
    blobs: new Map([
      ...parts.flatMap(({ made }) => [...(made?.blobs ?? [])]),
      ...(scripts?.blobs ?? []),
      ...(assets?.blobs ?? []),
    ]),
    warnings: all.flatMap(({ warnings = [] }) => warnings),
    failures,
  };
}

interface Made {
  readonly artifact: Artifact;
  readonly blobs: BlobSources;
}

/** What the last step of a form made: an artifact, or a program that becomes one. */
function findMade(output: StepOutput | undefined, all: readonly StepOutput[]): Made | undefined {
  if (output?.program) return toWasmArtifact(output.program, findMounts(all));
  return output?.artifact && { artifact: output.artifact, blobs: output.blobs ?? new Map() };
}

function toReason({ error }: FormFailure): string {
  return error.message.replaceAll("\0", "").slice(0, MAX_FAILURE_LENGTH);
}

/**
 * What to watch: the configuration, what the project names, and what the steps found. Of an image it is all that Docker
 * is given.
 *
 * With a build command only its own sources count: to watch what it writes would mean to build for ever.
 */
export function toWatched({ project, steps }: BuildPlan, found: readonly string[]): string[] {
  const { configFile, main, entries, image, dir, assetsDir, build } = project;
  const hasCommand = steps.some(({ step }) => step === "command");
  const context = image && "dockerfile" in image ? [image.dockerfile, dir] : [];
  const files = [main, entries?.isolate, entries?.wasi, assetsDir, build.tsconfig, ...context, ...found];
  return [...new Set([configFile, ...(hasCommand ? build.watchDirs : files)])]
    .filter((path) => path !== undefined)
    .sort();
}

/** Where what is missing may appear: beside the entries. */
export function listEntryDirs({ project: { main, entries } }: BuildPlan): string[] {
  return [main, entries?.isolate, entries?.wasi].flatMap((path) => (path === undefined ? [] : [dirname(path)]));
}
