/**
 * What a build hands over, and how it is put together from what the steps made.
 */

import type { AssetsManifest } from "../model/artifact.ts";
import type { Form } from "../model/deployment.ts";
import type { Diagnostic } from "../model/errors.ts";
import type { EngineName } from "../model/function.ts";
import type { BlobSources } from "./blob-source.ts";
import type { BuildPlan, StepName } from "./plan.ts";
import type { StepOutput } from "./step.ts";
import { findMounts, findProgram, toWasmArtifact } from "./wasm-artifact.ts";

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
  /** The bytes of every blob that forms and assets name. */
  readonly blobs: BlobSources;
  /** Absolute files and folders whose change makes another build worthwhile, sorted. */
  readonly inputs: readonly string[];
  /** In the order in which they ended. */
  readonly steps: readonly StepTime[];
  readonly warnings: readonly Diagnostic[];
}

/**
 * Puts the steps' outputs together; at most one of them has an artifact, and one has assets. Where there is a program
 * in the end, an artifact is what it was made of, and stays behind.
 */
export function mergeOutputs(
  outputs: readonly StepOutput[],
  engines: readonly EngineName[],
): Omit<Built, "inputs" | "steps"> {
  const program = findProgram(outputs);
  const kept: readonly StepOutput[] = program
    ? [...outputs.filter(({ artifact }) => artifact === undefined), toWasmArtifact(program, findMounts(outputs))]
    : outputs;
  const artifact = kept.find((output) => output.artifact)?.artifact;
  const [engine] = engines;
  const assets = kept.find((output) => output.assets)?.assets;
  return {
    forms: artifact !== undefined && engine !== undefined ? [{ engine, artifact }] : [],
    ...(assets && { assets }),
    blobs: new Map(kept.flatMap(({ blobs = [] }) => [...blobs])),
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
