/**
 * What the control API answers, as plain data: written by `http/control.ts`, read by `client/`.
 *
 *     GET    /v1/node                 → NodeStatus
 *     GET    /v1/top                  → Top, in top.ts
 *     GET    /v1/functions            → FunctionList
 *     GET    /v1/functions/:name      → FunctionDetail
 *     DELETE /v1/functions/:name      → 204
 *     POST   /v1/blobs/missing        MissingRequest  → MissingAnswer
 *     PUT    /v1/blobs/:digest        bytes           → 201
 *     POST   /v1/deployments          DeploymentInput → DeployAnswer, 201
 *     anything that fails             → Problem, application/problem+json
 */

import type { Digest } from "./artifact.ts";
import type { DeploymentId, DeploymentState } from "./deployment.ts";
import type { Diagnostic, ErrorCode } from "./errors.ts";
import type { EngineName, Limits, Scaling } from "./function.ts";

/** One layer of the sandbox, and why it does not hold here where it does not. */
export interface SandboxLayer {
  readonly name: string;
  readonly isActive: boolean;
  readonly reason?: string;
}

/** The node itself. */
export interface NodeStatus {
  readonly version: string;
  /** `http://127.0.0.1:8787`, without a slash at the end. */
  readonly dataUrl: string;
  readonly controlUrl: string;
  readonly layers: readonly SandboxLayer[];
  /** How many functions have an active deployment. */
  readonly functions: number;
}

/** Instances of the active deployment by state. */
export interface InstanceCounts {
  readonly starting: number;
  readonly idle: number;
  readonly busy: number;
}

/** A function that serves. */
export interface FunctionStatus {
  readonly name: string;
  readonly deployment: Pick<DeploymentSummary, "id" | "digest" | "createdAtMs">;
  /** What answers: `assets` for static files alone. */
  readonly engine: EngineName | "assets";
  /** Where it answers on this node, the shortest first. */
  readonly urls: readonly string[];
  /** Cloudflare route patterns. */
  readonly routes: readonly string[];
  readonly instances: InstanceCounts;
  readonly limits: Limits;
  readonly scaling: Scaling;
}

/** A deployment without what it is made of. */
export interface DeploymentSummary {
  readonly id: DeploymentId;
  readonly digest: Digest;
  readonly createdAtMs: number;
  readonly state: DeploymentState;
  /** Why it never became active; with state `failed` only. */
  readonly failure?: { readonly code: string; readonly message: string };
}

/** Every function that serves. */
export interface FunctionList {
  /** By name. */
  readonly functions: readonly FunctionStatus[];
}

/** One function and its history. */
export interface FunctionDetail {
  readonly function: FunctionStatus;
  /** The newest first. */
  readonly deployments: readonly DeploymentSummary[];
}

/** The digests that an author wants to deploy. */
export interface MissingRequest {
  readonly digests: readonly Digest[];
}

/** What is to be uploaded. */
export interface MissingAnswer {
  /** Those of the digests asked for that the node does not hold. */
  readonly missing: readonly Digest[];
}

/** One step of story 2 that has ended, named by the story's word: `validate`, `bundle`, `prepare`. */
export interface StepDone {
  readonly step: string;
  readonly ms: number;
  /** What it was worth, or why it did nothing: `1.90 ms → 0.11 ms`. */
  readonly note?: string;
}

/** How a deployment went. */
export interface DeployAnswer {
  readonly deployment: DeploymentSummary;
  /** False when the same deployment was active already, and nothing moved. */
  readonly isNew: boolean;
  /** What the node did, in order. */
  readonly steps: readonly StepDone[];
}

/**
 * A failure on the wire. What an owner alone may read (`detail` of their faults, `diagnostics`, `stack`) is absent
 * where a stranger listens.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
export interface Problem {
  readonly type?: string;
  readonly title?: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail?: string;
  /** The id of the request. */
  readonly instance?: string;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, string | number | boolean>>;
  readonly diagnostics?: readonly Diagnostic[];
  readonly stack?: string;
}
