/**
 * What came over the wire → what the model says it is. The one place where the client believes the control API,
 * after a look at everything that its callers rely on.
 */

import { isDigest } from "../model/artifact.ts";
import type {
  DeployAnswer,
  Explanation,
  FunctionDetail,
  FunctionList,
  MissingAnswer,
  NodeStatus,
  Problem,
} from "../model/control.ts";
import { type Diagnostic, ERROR_TABLE, NebulaError } from "../model/errors.ts";
import type { RotateAnswer, SecretAnswer, SecretList } from "../model/secrets.ts";
import {
  type Check,
  either,
  hasShape,
  isBoolean,
  isNumber,
  isText,
  listOf,
  optional,
  recordOf,
} from "../model/shape.ts";
import type { Top } from "../model/top.ts";

const isDeployment = hasShape({ id: isText, digest: isDigest, createdAtMs: isNumber });

const isDeploymentSummary = hasShape({
  id: isText,
  digest: isDigest,
  createdAtMs: isNumber,
  state: isText,
  failure: optional(hasShape({ code: isText, message: isText })),
});

const isFormStatus = hasShape({
  engine: isText,
  isolation: isText,
  state: isText,
  failure: optional(hasShape({ code: isText, message: isText })),
  artifact: optional(hasShape({ kind: isText, digest: isText, bytes: optional(isNumber) })),
  breaker: hasShape({ state: isText, opensInMs: isNumber }),
  instances: recordOf(isNumber),
  estimates: recordOf(isNumber),
  expectedMs: optional(isNumber),
});

const isAnswering = optional(hasShape({ engine: isText, why: isText }));

const isFunctionStatus = hasShape({
  name: isText,
  deployment: isDeployment,
  engine: isText,
  urls: listOf(isText),
  routes: listOf(isText),
  instances: hasShape({ starting: isNumber, idle: isNumber, busy: isNumber }),
  forms: listOf(isFormStatus),
  limits: recordOf(isNumber),
  scaling: recordOf(isNumber),
});

const isUsage = hasShape({ cpuMs: isNumber, memoryBytes: isNumber });

const isForm = hasShape({
  engine: isText,
  instances: hasShape({
    starting: isNumber,
    idle: isNumber,
    busy: isNumber,
    frozen: isNumber,
    stopped: isNumber,
    inFlight: isNumber,
    waiting: isNumber,
  }),
  usage: optional(isUsage),
  requests: hasShape({
    count: isNumber,
    errors: hasShape({ caller: isNumber, owner: isNumber, host: isNumber }),
    starts: hasShape({ cold: isNumber, warm: isNumber, thaw: isNumber }),
    bytesIn: isNumber,
    bytesOut: isNumber,
    perSecond: hasShape({ last1s: isNumber, last10s: isNumber, last60s: isNumber }),
    phases: recordOf(hasShape({ count: isNumber, p50Ms: isNumber, p99Ms: isNumber })),
  }),
});

const isTop = hasShape({
  atMs: isNumber,
  node: hasShape({
    version: isText,
    uptimeMs: isNumber,
    cpuMs: isNumber,
    memoryBytes: isNumber,
    pssBytes: optional(isNumber),
    loopDelay: optional(hasShape({ p50Ms: isNumber, p99Ms: isNumber })),
  }),
  functions: listOf(hasShape({ name: isText, deployment: isText, forms: listOf(isForm) })),
  shared: listOf(hasShape({ engine: isText, usage: isUsage })),
});

const isDiagnostic = hasShape({
  severity: isText,
  message: isText,
  file: isText,
  line: isNumber,
  column: isNumber,
  hint: optional(isText),
});

const isProblem = hasShape({
  status: isNumber,
  code: (value) => typeof value === "string" && Object.hasOwn(ERROR_TABLE, value),
  detail: optional(isText),
  hint: optional(isText),
  instance: optional(isText),
  details: optional(recordOf(either(isText, isNumber, isBoolean))),
  diagnostics: optional(listOf(isDiagnostic)),
  stack: optional(isText),
});

/** Answers by what was asked for. */
export interface Answers {
  readonly node: NodeStatus;
  readonly top: Top;
  readonly functions: FunctionList;
  readonly function: FunctionDetail;
  readonly explanation: Explanation;
  readonly missing: MissingAnswer;
  readonly deployment: DeployAnswer;
  readonly secrets: SecretList;
  readonly secret: SecretAnswer;
  readonly rotation: RotateAnswer;
}

const CHECKS: Readonly<Record<keyof Answers, Check>> = {
  node: hasShape({
    version: isText,
    dataUrl: isText,
    controlUrl: isText,
    layers: listOf(hasShape({ name: isText, isActive: isBoolean, reason: optional(isText) })),
    functions: isNumber,
  }),
  top: isTop,
  functions: hasShape({ functions: listOf(isFunctionStatus) }),
  function: hasShape({ function: isFunctionStatus, deployments: listOf(isDeploymentSummary) }),
  explanation: hasShape({
    name: isText,
    deployment: isText,
    strategy: isText,
    request: hasShape({ method: isText, path: isText }),
    answers: isAnswering,
    next: isAnswering,
    forms: listOf(isFormStatus),
  }),
  missing: hasShape({ missing: listOf(isDigest) }),
  deployment: hasShape({
    deployment: isDeploymentSummary,
    isNew: isBoolean,
    steps: listOf(hasShape({ step: isText, ms: isNumber })),
    warnings: optional(listOf(isText)),
  }),
  secrets: hasShape({ secrets: listOf(hasShape({ name: isText, changedAtMs: isNumber })) }),
  secret: hasShape({ name: isText, isServed: isBoolean }),
  rotation: hasShape({ secrets: isNumber }),
};

/**
 * Reads an answer of the control API.
 *
 * @throws {NebulaError} NEBULA_NODE_UNREACHABLE when it is not what Nebula's control API answers.
 */
export function parseAnswer<Name extends keyof Answers>(name: Name, text: string): Answers[Name] {
  const value = findJson(text);
  if (!CHECKS[name](value)) {
    throw new NebulaError("NEBULA_NODE_UNREACHABLE", `Cannot read the node's answer "${name}": it has another form`, {
      hint: "Something other than a Nebula node of this version answers at the control URL",
    });
  }
  return fromUnknown(value);
}

/**
 * The failure that a problem+json body tells of; `undefined` when the text is none of Nebula's.
 *
 *     {"status":404,"code":"NEBULA_FUNCTION_NOT_FOUND","detail":"…"}  →  NebulaError
 *
 * The stack of a guest becomes the error's cause.
 */
export function findProblem(text: string): NebulaError | undefined {
  const value = findJson(text);
  if (!isProblem(value)) return undefined;
  const { code, detail, title, hint, details, diagnostics, stack, instance } = fromUnknown<Problem>(value);
  return new NebulaError(code, detail ?? title ?? "The node gave no reason", {
    hint,
    details: { ...details, ...(instance !== undefined && { requestId: instance }) },
    diagnostics: (diagnostics ?? []).map(toDiagnostic),
    ...(stack !== undefined && { cause: toRemoteError(stack) }),
  });
}

function toDiagnostic({ severity, message, file, line, column, hint }: Diagnostic): Diagnostic {
  return {
    severity: severity === "warning" ? "warning" : "error",
    message,
    file,
    line,
    column,
    ...(hint !== undefined && { hint }),
  };
}

/** An error that happened elsewhere: its stack is the other side's. */
function toRemoteError(stack: string): Error {
  const error = new Error(stack.split("\n", 1)[0]);
  error.stack = stack;
  return error;
}

function findJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // because an answer that is no JSON is as unknown as any other form
    return undefined;
  }
}

/** Only after a check has looked at the value. */
function fromUnknown<Known>(value: unknown): Known {
  return value as Known;
}
