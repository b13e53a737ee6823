/**
 * The border of the control API: what an author sends is a deployment, or it is refused.
 */

import { isDigest, MAX_ARCHIVE_BYTES, MAX_BLOB_BYTES } from "../model/artifact.ts";
import type { DeploymentInput } from "../model/deployment.ts";
import { NebulaError } from "../model/errors.ts";
import {
  DEFAULT_LIMITS,
  DEFAULT_SCALING,
  ENGINE_NAMES,
  MAX_HEADER_BYTES,
  RUNTIME_NAMES,
  STRATEGIES,
} from "../model/function.ts";
import {
  isMigrationName,
  isMigrationsTable,
  MAX_MIGRATION_BYTES,
  MAX_MIGRATIONS,
  type Migrations,
} from "../model/migrations.ts";
import {
  between,
  type Check,
  either,
  hasShape,
  isBoolean,
  isCount,
  isNumber,
  isRecord,
  isText,
  listOf,
  matches,
  oneOf,
  optional,
  recordOf,
} from "../model/shape.ts";
import { GIB, KIB, MIB } from "../model/units.ts";

const MAX_LIST = 1_000;
/** All bindings with their values, as JSON: they reach a guest in one frame. */
const MAX_BINDINGS_LENGTH = 262_144;
/** Proof requests, and all settings of a Wasm program as JSON. */
const MAX_PROOFS = 16;
const MAX_SAVINGS = 10;
const MAX_WASI_LENGTH = 262_144;
/** Files that ship with a Wasm program. */
const MAX_FILES = 20_000;
/** Nothing that is meant needs more, and every recursion after this is safe. */
const MAX_DEPTH = 100;
const DAY_MS = 86_400_000;

/** A whole number within both bounds. */
const isCountIn = (least: number, most: number): Check => {
  const isWithin = between(least, most);
  return (value) => isCount(value) && isWithin(value);
};

const isBlobSize = isCountIn(0, MAX_BLOB_BYTES);
const isBlob = hasShape({ digest: isDigest, bytes: isBlobSize });
const isModuleFile = hasShape({
  digest: isDigest,
  bytes: isBlobSize,
  name: matches(/^\.?[^\0]{1,512}$/),
  kind: oneOf("js", "wasm", "text", "data", "json"),
});

const isLimits = hasShape({
  wallMs: between(1, DAY_MS),
  cpuMs: between(1, DAY_MS),
  memoryBytes: between(16 * MIB, 64 * GIB),
  requestBodyBytes: isCount,
  responseBodyBytes: isCount,
  headerBytes: between(KIB, MAX_HEADER_BYTES),
  subrequests: isCount,
  logBytes: isCount,
  waitUntilMs: between(0, DAY_MS),
  startMs: between(1, DAY_MS),
});

const isScaling = hasShape({
  minInstances: isCountIn(0, 1_000),
  maxInstances: isCountIn(1, 1_000),
  concurrency: isCountIn(1, 100_000),
  queueDepth: isCount,
  queueMs: between(0, DAY_MS),
  // No timer of Node waits for longer than 24 days: it would fire at once, and for ever.
  idleMs: between(0, DAY_MS),
});

const isBindingName = matches(/^(?!__proto__$)[A-Za-z_$][\w$]{0,255}$/);
/** The id of a database or a namespace; also the name of a folder. */
export const isResourceId = matches(/^[A-Za-z0-9][\w.-]{0,127}$/);
/** The name of a function. */
export const isFunctionName = matches(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
const isBinding = either(
  hasShape({ type: oneOf("var"), name: isBindingName, value: (value) => value !== undefined }),
  hasShape({ type: oneOf("assets", "secret"), name: isBindingName }),
  hasShape({ type: oneOf("d1", "kv"), name: isBindingName, id: isResourceId }),
  hasShape({
    type: oneOf("service"),
    name: isBindingName,
    service: isFunctionName,
    entrypoint: optional(isBindingName),
    props: optional(isRecord),
  }),
);

/** A path inside a Wasm program: absolute, in its shortest writing. */
const isGuestPath = matches(/^(?!.*\/\.\.?(?:\/|$))(?:\/[^/\0]+){1,100}$/);
const isText4k = matches(/^[^\0]{0,4096}$/);

const isWasi = hasShape({
  interface: oneOf("stdio", "cgi"),
  args: listOf(isText4k, MAX_LIST),
  state: optional(isGuestPath),
  proof: listOf(
    hasShape({ method: matches(/^[A-Z]{1,20}$/), path: matches(/^\/[^\s#]{0,4096}$/), body: optional(isText) }),
    MAX_PROOFS,
  ),
});

const isContainer = hasShape({
  interface: oneOf("http", "stdio"),
  port: optional(isCountIn(1, 65_535)),
  probe: optional(matches(/^\/[\x21-\x7e]{0,2000}$/)),
  args: optional(listOf(isText4k, MAX_LIST)),
  user: optional(matches(/^[1-9]\d{0,8}(?::[1-9]\d{0,8})?$/)),
  cpus: between(0.01, 1_024),
  pids: isCountIn(1, 32_768),
  tmpBytes: between(0, 64 * GIB),
  stopMs: between(0, DAY_MS),
  removeMs: between(0, DAY_MS),
});

const isSpec: Readonly<Record<string, Check>> = {
  name: isFunctionName,
  engines: listOf(oneOf(...ENGINE_NAMES), ENGINE_NAMES.length),
  runtime: optional(oneOf(...RUNTIME_NAMES)),
  compatibility: hasShape({ date: matches(/^\d{4}-\d{2}-\d{2}$/), flags: listOf(isText, MAX_LIST) }),
  routes: listOf(matches(/^[^\s]{1,2000}$/), MAX_LIST),
  bindings: (value) => listOf(isBinding, MAX_LIST)(value) && JSON.stringify(value).length <= MAX_BINDINGS_LENGTH,
  assets: optional(
    hasShape({
      htmlHandling: oneOf("auto-trailing-slash", "force-trailing-slash", "drop-trailing-slash", "none"),
      notFoundHandling: oneOf("none", "404-page", "single-page-application"),
      runWorkerFirst: either(isBoolean, listOf(isText, MAX_LIST)),
    }),
  ),
  wasi: optional((value) => isWasi(value) && JSON.stringify(value).length <= MAX_WASI_LENGTH),
  container: optional(isContainer),
  chain: optional(
    hasShape({
      strategy: oneOf(...STRATEGIES),
      isIdempotent: isBoolean,
      weaker: listOf(oneOf(...ENGINE_NAMES), ENGINE_NAMES.length),
    }),
  ),
  limits: isLimits,
  scaling: isScaling,
  outbound: listOf(matches(/^[^\s]{1,300}$/), MAX_LIST),
};

const isWasmFiles: Check = (value) => {
  if (!recordOf(isBlob)(value) || !isRecord(value)) return false;
  const paths = Object.keys(value);
  return paths.length <= MAX_FILES && paths.every(isGuestPath);
};

const isSaving = hasShape({
  step: oneOf("snapshot", "optimise"),
  beforeMs: between(0, DAY_MS),
  afterMs: between(0, DAY_MS),
  isKept: isBoolean,
  reason: optional(matches(/^[^\0]{0,1000}$/)),
});

const isWasmArtifact = hasShape({
  kind: oneOf("wasi-p1", "component"),
  main: isBlob,
  files: isWasmFiles,
  sourceMap: optional(isBlob),
  savings: listOf(isSaving, MAX_SAVINGS),
});

const isJsArtifact = hasShape({
  kind: oneOf("js"),
  main: isModuleFile,
  modules: listOf(isModuleFile, MAX_LIST),
  sourceMap: optional(isBlob),
  style: oneOf("module", "deno", "listener"),
});

/** An id, or a name with a digest: nothing that can be moved to other bytes. */
const isImage = matches(/^(?:sha256:[0-9a-f]{64}|[a-z0-9][\w.:/-]{0,400}@sha256:[0-9a-f]{64})$/);

const isImageArtifact = hasShape({
  kind: oneOf("image"),
  image: isImage,
  archive: optional(hasShape({ digest: isDigest, bytes: isCountIn(1, MAX_ARCHIVE_BYTES) })),
  platform: optional(matches(/^[a-z0-9]+(?:\/[a-z0-9]+){1,2}$/)),
});

const isArtifact = either(isJsArtifact, isWasmArtifact, isImageArtifact);

const isForms = listOf(
  either(
    hasShape({ engine: oneOf(...ENGINE_NAMES), artifact: isArtifact }),
    hasShape({ engine: oneOf(...ENGINE_NAMES), failure: matches(/^[^\0]{0,4000}$/) }),
  ),
  ENGINE_NAMES.length,
);

const isFile = hasShape({
  digest: isDigest,
  bytes: isBlobSize,
  contentType: matches(/^[\x20-\x7e]{1,200}$/),
  encoded: optional(recordOf(isBlob)),
});
const isAssets = hasShape({
  files: (value) =>
    recordOf(isFile)(value) && isRecord(value) && Object.keys(value).every((path) => path.startsWith("/")),
  headersFile: optional(isText),
  redirectsFile: optional(isText),
});

const MAX_DATABASES = 100;
const isMigrations = listOf(
  hasShape({
    database: isResourceId,
    table: isMigrationsTable,
    files: listOf(
      hasShape({ name: isMigrationName, digest: isDigest, bytes: isCountIn(0, MAX_MIGRATION_BYTES) }),
      MAX_MIGRATIONS,
    ),
  }),
  MAX_DATABASES,
);

/** Each file is there once: what has been applied is known by name. */
function hasNoTwins(migrations: readonly Migrations[]): boolean {
  const names = migrations.flatMap(({ database, table, files }) =>
    files.map(({ name }) => JSON.stringify([database, table, name])),
  );
  return new Set(names).size === names.length;
}

/**
 * Reads a deployment; limits and scaling that an author leaves out get their defaults.
 * @throws {NebulaError} NEBULA_REQUEST_INVALID that names the first part that is not as it should be.
 */
export function parseDeploymentInput(value: unknown): DeploymentInput {
  if (!isShallow(value)) throw invalid(`it is more than ${MAX_DEPTH} levels deep`);
  const { spec, forms, assets, migrations } = hasShape({ spec: hasShape({}) })(value)
    ? fromUnknown<DeploymentInput>(value)
    : refuse("spec");
  for (const field of ["limits", "scaling"] as const) {
    if (!optional(recordOf(isNumber))(spec[field])) refuse(`spec.${field}`);
  }
  const whole = {
    ...spec,
    limits: { ...DEFAULT_LIMITS, ...spec.limits },
    scaling: { ...DEFAULT_SCALING, ...spec.scaling },
  };
  for (const [field, check] of Object.entries(isSpec)) {
    if (!check(Reflect.get(whole, field))) refuse(`spec.${field}`);
  }
  if (!isForms(forms) || new Set(forms.map(({ engine }) => engine)).size < forms.length) refuse("forms");
  if (!forms.every(({ engine }) => whole.engines.includes(engine))) refuse("forms");
  if (assets !== undefined && !isAssets(assets)) refuse("assets");
  if (!forms.some((form) => "artifact" in form) && (forms.length > 0 || assets === undefined)) refuse("forms");
  if (migrations !== undefined && !(isMigrations(migrations) && hasNoTwins(migrations))) refuse("migrations");
  const ids = new Set(whole.bindings.map((each) => (each.type === "d1" ? each.id : undefined)));
  if (!(migrations ?? []).every(({ database }) => ids.has(database))) refuse("migrations");
  if (whole.scaling.minInstances > whole.scaling.maxInstances) refuse("spec.scaling");
  if (new Set(whole.bindings.map(({ name }) => name)).size < whole.bindings.length) refuse("spec.bindings");
  return {
    spec: whole,
    forms,
    ...(assets !== undefined && { assets }),
    ...(migrations !== undefined && { migrations }),
  };
}

/** Asks level by level: a recursion would end where the stack does. */
function isShallow(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth += 1) {
    level = level.flatMap((item) => (typeof item === "object" && item !== null ? Object.values(item) : []));
  }
  return level.length === 0;
}

function refuse(part: string): never {
  throw invalid(`"${part}" is missing or not as it should be`);
}

function invalid(why: string): NebulaError {
  return new NebulaError("NEBULA_REQUEST_INVALID", `Cannot read the deployment: ${why}`);
}

/** The border's one cast; what it gives is checked field by field. */
function fromUnknown<T>(value: unknown): T {
  return value as T;
}
