/**
 * Records read back from disk: the one place where unknown data becomes a deployment.
 *
 * Checks what the rest of the node relies on to be there and of its type; it guards against a damaged or foreign file,
 * not against an author (what they sent was checked before it was written). Limits that a record does not have, because
 * an older node wrote it, get their defaults.
 */

import { isDigest } from "../model/artifact.ts";
import type { Deployment, DeploymentId, DeploymentState } from "../model/deployment.ts";
import type { ErrorCode } from "../model/errors.ts";
import { ERROR_TABLE } from "../model/errors.ts";
import type { FunctionSpec } from "../model/function.ts";
import { DEFAULT_LIMITS, DEFAULT_SCALING, ENGINE_NAMES } from "../model/function.ts";
import { type Check, either, hasShape, isNumber, isText, listOf, oneOf, optional, recordOf } from "../model/shape.ts";
import { damagedRecord } from "./registry-error.ts";
import type { deployments } from "./schema.ts";

/** A deployment as the registry keeps it. */
export interface DeploymentRecord extends Deployment {
  /** Why it never became active; there when its state is `failed`. */
  readonly failure?: DeploymentFailure;
}

/** The error that `prepare` ended with. */
export interface DeploymentFailure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** As drizzle claims it; nothing of it is believed. */
export type DeploymentRow = typeof deployments.$inferSelect;

const STATES: readonly DeploymentState[] = ["ready", "active", "retired", "failed"];

const isBlob = hasShape({ digest: isDigest, bytes: isNumber });
const isModuleFile = hasShape({ digest: isDigest, bytes: isNumber, name: isText, kind: isText });

const isSpec = hasShape({
  name: isText,
  engines: listOf(oneOf(...ENGINE_NAMES)),
  compatibility: hasShape({ date: isText, flags: listOf(isText) }),
  routes: listOf(isText),
  bindings: listOf(hasShape({ type: isText, name: isText })),
  assets: optional(hasShape({ htmlHandling: isText, notFoundHandling: isText })),
  wasi: optional(
    hasShape({
      interface: isText,
      args: listOf(isText),
      state: optional(isText),
      proof: listOf(hasShape({ method: isText, path: isText, body: optional(isText) })),
    }),
  ),
  container: optional(hasShape({ interface: isText, cpus: isNumber, pids: isNumber })),
  chain: optional(hasShape({ strategy: isText, weaker: listOf(isText) })),
  limits: recordOf(isNumber),
  scaling: recordOf(isNumber),
  outbound: listOf(isText),
});

/** What each kind of artifact has; its engine looks at the rest. */
const isArtifact = either(
  hasShape({
    kind: oneOf("js"),
    main: isModuleFile,
    modules: listOf(isModuleFile),
    sourceMap: optional(isBlob),
  }),
  hasShape({
    kind: oneOf("wasi-p1", "component"),
    main: isBlob,
    files: recordOf(isBlob),
    sourceMap: optional(isBlob),
    savings: listOf(hasShape({ step: isText, beforeMs: isNumber, afterMs: isNumber })),
  }),
  hasShape({ kind: oneOf("image"), image: isText, archive: optional(isBlob), platform: optional(isText) }),
);

const isForms = listOf(
  either(
    hasShape({ engine: oneOf(...ENGINE_NAMES), artifact: isArtifact }),
    hasShape({ engine: oneOf(...ENGINE_NAMES), failure: isText }),
  ),
);

const isAssets = hasShape({
  files: recordOf(
    hasShape({ digest: isDigest, bytes: isNumber, contentType: isText, encoded: optional(recordOf(isBlob)) }),
  ),
  headersFile: optional(isText),
  redirectsFile: optional(isText),
});

const isMigrations = listOf(
  hasShape({
    database: isText,
    table: isText,
    files: listOf(hasShape({ name: isText, digest: isDigest, bytes: isNumber })),
  }),
);

/**
 * Reads one row.
 *
 * @throws {NebulaError} NEBULA_STATE_FAILED when it is not what `insert` wrote.
 */
export function fromRow(row: DeploymentRow): DeploymentRecord {
  const subject = String(row.id);
  const id = fromUnknown<DeploymentId>(row.id, /^d_./.test(subject), subject, "id");
  const spec = fromJson<FunctionSpec>(row.spec, isSpec, subject, "spec");
  return {
    id,
    digest: fromUnknown(row.digest, isDigest(row.digest), subject, "digest"),
    state: fromUnknown(row.state, STATES.includes(row.state), subject, "state"),
    createdAtMs: fromUnknown(row.createdAtMs, isNumber(row.createdAtMs), subject, "created_at_ms"),
    spec: {
      ...spec,
      limits: { ...DEFAULT_LIMITS, ...spec.limits },
      scaling: { ...DEFAULT_SCALING, ...spec.scaling },
    },
    forms: fromJson(row.forms, isForms, subject, "forms"),
    ...(row.assets !== null && { assets: fromJson(row.assets, isAssets, subject, "assets") }),
    ...(row.migrations !== null && { migrations: fromJson(row.migrations, isMigrations, subject, "migrations") }),
    ...(row.failureCode !== null && {
      failure: {
        code: fromUnknown(row.failureCode, Object.hasOwn(ERROR_TABLE, row.failureCode), subject, "failure_code"),
        message: fromUnknown(row.failureMessage, isText(row.failureMessage), subject, "failure_message"),
      },
    }),
  };
}

function fromJson<T>(text: string, check: Check, subject: string, column: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message is dropped because it quotes the text, which may hold what belongs in no log.
    throw damagedRecord(subject, `"${column}" is not JSON`);
  }
  return fromUnknown(value, check(value), subject, column);
}

/** The border's one cast. */
function fromUnknown<T>(value: unknown, isGood: boolean, subject: string, column: string): T {
  if (!isGood) throw damagedRecord(subject, `"${column}" does not hold what it should`);
  return value as T;
}
