/**
 * What a build hands over, and how it is put together from what the steps made.
 */

import type { Artifact, AssetsManifest } from "../model/artifact.ts";
import type { Diagnostic } from "../model/errors.ts";
import type { BlobSources } from "./blob-source.ts";
import type { BuildPlan, StepName } from "./plan.ts";
import type { StepOutput } from "./step.ts";

/** How long one step took. */
export interface StepTime {
  readonly step: StepName;
  readonly ms: number;
}

/** What a build gives: manifests, and the bytes that they name. */
export interface Built {
  /** Absent for a project of static files alone. */
  readonly artifact?: Artifact;
  readonly assets?: AssetsManifest;
  /** The bytes of every blob that artifact and assets name. */
  readonly blobs: BlobSources;
  /** Absolute files and folders whose change makes another build worthwhile, sorted. */
  readonly inputs: readonly string[];
  /** In the order in which they ended. */
  readonly steps: readonly StepTime[];
  readonly warnings: readonly Diagnostic[];
}

/** Puts the steps' outputs together; at most one of them has an artifact, and one has assets. */
export function mergeOutputs(outputs: readonly StepOutput[]): Omit<Built, "inputs" | "steps"> {
  const artifact = outputs.find((output) => output.artifact)?.artifact;
  const assets = outputs.find((output) => output.assets)?.assets;
  return {
    ...(artifact && { artifact }),
    ...(assets && { assets }),
    blobs: new Map(outputs.flatMap(({ blobs = [] }) => [...blobs])),
    warnings: outputs.flatMap(({ warnings = [] }) => warnings),
  };
}

/**
 * What to watch: the configuration, what the project names, and what the steps found.
 *
 * With a build command only its own sources count: to watch what it writes would mean to build for ever.
 */
export function toWatched({ project, steps }: BuildPlan, found: readonly string[]): string[] {
  const { configFile, main, assetsDir, build } = project;
  const hasCommand = steps.some(({ step }) => step === "command");
  const own = hasCommand ? build.watchDirs : [main, assetsDir, build.tsconfig, ...found];
  return [...new Set([configFile, ...own])].filter((path) => path !== undefined).sort();
}
