/**
 * What the control API answers, as plain data: written by `http/control.ts`, read by `client/`.
 *
 *     GET    /v1/node                 → NodeStatus
 *     GET    /v1/top                  → Top, in top.ts
 *     GET    /v1/functions            → FunctionList
 *     GET    /v1/functions/:name      → FunctionDetail
 *     GET    /v1/functions/:name/explain?method=&path= → Explanation
 *     DELETE /v1/functions/:name      → 204
 *     POST   /v1/blobs/missing        MissingRequest  → MissingAnswer
 *     PUT    /v1/blobs/:digest        bytes           → 201
 *     POST   /v1/deployments          DeploymentInput → DeployAnswer, 201
 *     …/secrets                       in http/secrets-api.ts
 *     anything that fails             → Problem, application/problem+json
 */

import type { ArtifactKind, Digest } from "./artifact.ts";
import type { DeploymentId, DeploymentState } from "./deployment.ts";
import type { Diagnostic, ErrorCode } from "./errors.ts";
import type { EngineName, Limits, Scaling, Strategy } from "./function.ts";
import type { Isolation } from "./isolation.ts";

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

/** One form of a function that serves: the function as one engine runs it. */
export interface FormStatus {
  readonly engine: EngineName;
  /** How well the engine keeps functions apart. */
  readonly isolation: Isolation;
  /** `failed`: not built, or it could not be prepared. `weaker`: it isolates less than one before it, and its owner has not allowed that. */
  readonly state: "preparing" | "ready" | "failed" | "weaker";
  readonly failure?: { readonly code: ErrorCode; readonly message: string };
  /** Absent when the build failed. */
  readonly artifact?: ArtifactSummary;
  /** `open`: it keeps failing, and is left alone for `opensInMs` more. */
  readonly breaker: { readonly state: "closed" | "open" | "half-open"; readonly opensInMs: number };
  readonly instances: InstanceCounts & { readonly frozen: number; readonly stopped: number };
  readonly estimates: FormEstimates;
}

/** The name and the size of what an engine runs. */
export interface ArtifactSummary {
  readonly kind: ArtifactKind;
  /** Of its main file, or the image's name. */
  readonly digest: string;
  /** Absent where the node pulls it. */
  readonly bytes?: number;
}

/** Medians over the last ones, where there were any. */
export interface FormEstimates {
  /** Until the response head. */
  readonly runMs?: number;
  readonly coldMs?: number;
  readonly thawMs?: number;
}

/** What would answer a request now, and why. */
export interface Explanation {
  readonly name: string;
  readonly deployment: DeploymentId;
  readonly strategy: Strategy;
  readonly request: { readonly method: string; readonly path: string };
  /** Absent when nothing can answer. */
  readonly answers?: Answering;
  /** Who would be asked if that one failed before its first byte, and the request may be made again. */
  readonly next?: Answering;
  readonly forms: readonly ExplainedForm[];
}

/** Who answers, and why. */
export interface Answering {
  readonly engine: EngineName | "assets";
  readonly why: string;
}

/** A form, and what this request is expected to take there. */
export interface ExplainedForm extends FormStatus {
  readonly expectedMs?: number;
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
  /** Of all forms together. */
  readonly instances: InstanceCounts;
  /** In the order wanted; none for static files alone. */
  readonly forms: readonly FormStatus[];
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
  /** Forms that cannot answer, each with the reason; absent when all can. */
  readonly warnings?: readonly string[];
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
