/**
 * One immutable version of a function.
 *
 *     ready ─▶ active ─▶ retired
 *       └────▶ failed                 prepare said no: it never received a request
 */

import type { Artifact, AssetsManifest, Blob, Digest } from "./artifact.ts";
import type { FunctionSpec } from "./function.ts";

/** Unique on a node. */
export type DeploymentId = `d_${string}`;
/** Where a deployment is in the picture above. */
export type DeploymentState = "ready" | "active" | "retired" | "failed";

/** What an author hands to a node, once every blob that it names is there. */
export interface DeploymentInput {
  readonly spec: FunctionSpec;
  /** Absent for static files alone. */
  readonly artifact?: Artifact;
  readonly assets?: AssetsManifest;
}

/** A deployment as a node keeps it. */
export interface Deployment extends DeploymentInput {
  readonly id: DeploymentId;
  /** Over spec, artifact and assets: two deployments with one digest are the same. */
  readonly digest: Digest;
  readonly createdAtMs: number;
  readonly state: DeploymentState;
}

/** Every blob that a deployment names. */
export function listBlobs({ artifact, assets }: DeploymentInput): Blob[] {
  const files = Object.values(assets?.files ?? {}).flatMap((file) => [file, ...Object.values(file.encoded ?? {})]);
  return artifact === undefined ? files : [...listCode(artifact), ...files];
}

function listCode(artifact: Artifact): Blob[] {
  if (artifact.kind !== "js") {
    return [artifact.main, ...Object.values(artifact.files), ...(artifact.sourceMap ? [artifact.sourceMap] : [])];
  }
  const { main, modules, sourceMap } = artifact;
  return [main, ...modules, ...(sourceMap === undefined ? [] : [sourceMap])];
}
