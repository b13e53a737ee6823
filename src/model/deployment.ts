/**
 * One immutable version of a function.
 *
 *     ready ─▶ active ─▶ retired
 *       └────▶ failed                 prepare said no: it never received a request
 */

import type { Artifact, AssetsManifest, Blob, Digest } from "./artifact.ts";
import type { EngineName, FunctionSpec } from "./function.ts";
import type { Migrations } from "./migrations.ts";

/** Unique on a node. */
export type DeploymentId = `d_${string}`;
/** Where a deployment is in the picture above. */
export type DeploymentState = "ready" | "active" | "retired" | "failed";

/** A function in the form that one engine runs, or why its build has failed. */
export type Form =
  | { readonly engine: EngineName; readonly artifact: Artifact }
  | { readonly engine: EngineName; readonly failure: string };

/** What an author hands to a node, once every blob that it names is there. */
export interface DeploymentInput {
  readonly spec: FunctionSpec;
  /** One for each engine of the spec, in that order; none for static files alone. */
  readonly forms: readonly Form[];
  readonly assets?: AssetsManifest;
  /** What the databases need before the function may be active; one for each of them that has migrations. */
  readonly migrations?: readonly Migrations[];
}

/** A deployment as a node keeps it. */
export interface Deployment extends DeploymentInput {
  readonly id: DeploymentId;
  /** Over spec, artifact and assets: two deployments with one digest are the same. */
  readonly digest: Digest;
  readonly createdAtMs: number;
  readonly state: DeploymentState;
}

/** A deployment in one of its forms: what an engine gets. */
export interface Runnable extends Omit<Deployment, "forms"> {
  readonly artifact: Artifact;
}

/** Every blob that a deployment names. */
export function listBlobs({ forms, assets, migrations = [] }: DeploymentInput): Blob[] {
  const code = forms.flatMap((form) => ("artifact" in form ? listCode(form.artifact) : []));
  const files = Object.values(assets?.files ?? {}).flatMap((file) => [file, ...Object.values(file.encoded ?? {})]);
  const scripts = migrations.flatMap((each) => each.files);
  return [...code, ...files, ...scripts.map(({ digest, bytes }) => ({ digest, bytes }))];
}

function listCode(artifact: Artifact): Blob[] {
  if (artifact.kind === "image") return artifact.archive === undefined ? [] : [artifact.archive];
  const { main, sourceMap } = artifact;
  const others = artifact.kind === "js" ? artifact.modules : Object.values(artifact.files);
  return [main, ...others, ...(sourceMap === undefined ? [] : [sourceMap])];
}
