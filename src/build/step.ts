/**
 * What every step of a build looks like to the runner, and how a step says that it failed.
 *
 * A step is opened once per builder and run once per build, so that it can keep what makes the next run fast.
 */

import type { Artifact, AssetsManifest } from "../model/artifact.ts";
import { type Diagnostic, NebulaError, type NebulaErrorOptions } from "../model/errors.ts";
import type { Migrations } from "../model/migrations.ts";
import type { BlobSources } from "./blob-source.ts";
import type { StepName } from "./plan.ts";
import type { Mounts, WasmProgram } from "./wasm-program.ts";

/** What a step is given each time. */
export interface StepOptions {
  readonly signal: AbortSignal;
  /** What the steps made that this one comes after, in the order of its plan. */
  readonly earlier: readonly StepOutput[];
  /** Receives what a tool prints, as it comes. */
  readonly onOutput?: ((text: string) => void) | undefined;
}

/** What one step adds to the build. */
export interface StepOutput {
  readonly artifact?: Artifact;
  readonly assets?: AssetsManifest;
  readonly migrations?: readonly Migrations[];
  readonly blobs?: BlobSources;
  /** A Wasm program on its way; the last step that has one decides. */
  readonly program?: WasmProgram;
  /** Files that ship with it, by their paths inside it. */
  readonly mounts?: Mounts;
  /** What is worth knowing of this run besides its time, a few words. */
  readonly note?: string;
  /** Absolute files and folders whose change makes another build worthwhile. */
  readonly inputs?: readonly string[];
  readonly warnings?: readonly Diagnostic[];
}

/** One step of a build. */
export interface Step extends AsyncDisposable {
  /** Never called while an earlier run of the same step is under way. Rejects with `signal.reason` when aborted. */
  run(options: StepOptions): Promise<StepOutput>;
}

/** A failure of the named step. Messages follow "Cannot <action> "<subject>": <what is so>". */
export function buildFailed(step: StepName, message: string, options: NebulaErrorOptions = {}): NebulaError {
  return new NebulaError("NEBULA_BUILD_FAILED", message, { ...options, details: { step, ...options.details } });
}

/**
 * Turns what a step threw into what leaves the build: our own errors as they are, the file system's as
 * NEBULA_BUILD_FAILED, since the owner's files are at fault, and anything else as NEBULA_INTERNAL.
 */
export function toBuildError(step: StepName, thrown: unknown): NebulaError {
  if (thrown instanceof NebulaError) return "step" in thrown.details ? thrown : withStep(step, thrown);
  if (thrown instanceof Error && "syscall" in thrown) {
    return buildFailed(step, `Cannot finish step "${step}": ${thrown.message}`, { cause: thrown });
  }
  return new NebulaError("NEBULA_INTERNAL", "Internal error", { details: { step }, cause: thrown });
}

function withStep(step: StepName, { code, message, hint, details, diagnostics, cause }: NebulaError): NebulaError {
  return new NebulaError(code, message, {
    hint,
    details: { step, ...details },
    diagnostics,
    cause,
  });
}
