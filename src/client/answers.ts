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
import type { Top } from "../model/top.ts";

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);
const isFlag: Check = (value) => typeof value === "boolean";
const isAbsent: Check = (value) => value === undefined;

const anyOf =
  (...checks: readonly Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

/** Keys that are not named are not looked at: a newer node may say more. */
function shape(checks: Readonly<Record<string, Check>>): Check {
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    const fields: Record<string, unknown> = { ...value };
    return Object.entries(checks).every(([key, check]) => check(fields[key]));
  };
}

const isRecordOf =
  (check: Check): Check =>
  (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every(check);

const isDeployment = shape({ id: isText, digest: isDigest, createdAtMs: isNumber });

const isDeploymentSummary = shape({
  id: isText,
  digest: isDigest,
  createdAtMs: isNumber,
  state: isText,
  failure: anyOf(isAbsent, shape({ code: isText, message: isText })),
});

const isFormStatus = shape({
  engine: isText,
  isolation: isText,
  state: isText,
  failure: anyOf(isAbsent, shape({ code: isText, message: isText })),
  artifact: anyOf(isAbsent, shape({ kind: isText, digest: isText, bytes: anyOf(isAbsent, isNumber) })),
  breaker: shape({ state: isText, opensInMs: isNumber }),
  instances: isRecordOf(isNumber),
  estimates: isRecordOf(isNumber),
  expectedMs: anyOf(isAbsent, isNumber),
});

const isAnswering = anyOf(isAbsent, shape({ engine: isText, why: isText }));

const isFunctionStatus = shape({
  name: isText,
  deployment: isDeployment,
  engine: isText,
  urls: listOf(isText),
  routes: listOf(isText),
  instances: shape({ starting: isNumber, idle: isNumber, busy: isNumber }),
  forms: listOf(isFormStatus),
  limits: isRecordOf(isNumber),
  scaling: isRecordOf(isNumber),
});

const isUsage = shape({ cpuMs: isNumber, memoryBytes: isNumber });

const isForm = shape({
  engine: isText,
  instances: shape({
    starting: isNumber,
    idle: isNumber,
    busy: isNumber,
    frozen: isNumber,
    stopped: isNumber,
    inFlight: isNumber,
    waiting: isNumber,
  }),
  usage: anyOf(isAbsent, isUsage),
  requests: shape({
    count: isNumber,
    errors: shape({ caller: isNumber, owner: isNumber, host: isNumber }),
    starts: shape({ cold: isNumber, warm: isNumber, thaw: isNumber }),
    bytesIn: isNumber,
    bytesOut: isNumber,
    perSecond: shape({ last1s: isNumber, last10s: isNumber, last60s: isNumber }),
    phases: isRecordOf(shape({ count: isNumber, p50Ms: isNumber, p99Ms: isNumber })),
  }),
});

const isTop = shape({
  atMs: isNumber,
  node: shape({
    version: isText,
    uptimeMs: isNumber,
    cpuMs: isNumber,
    memoryBytes: isNumber,
    pssBytes: anyOf(isAbsent, isNumber),
    loopDelay: anyOf(isAbsent, shape({ p50Ms: isNumber, p99Ms: isNumber })),
  }),
  functions: listOf(shape({ name: isText, deployment: isText, forms: listOf(isForm) })),
  shared: listOf(shape({ engine: isText, usage: isUsage })),
});

const isDiagnostic = shape({
  severity: isText,
  message: isText,
  file: isText,
  line: isNumber,
  column: isNumber,
  hint: anyOf(isAbsent, isText),
});

const isProblem = shape({
  status: isNumber,
  code: (value) => typeof value === "string" && Object.hasOwn(ERROR_TABLE, value),
  detail: anyOf(isAbsent, isText),
  hint: anyOf(isAbsent, isText),
  instance: anyOf(isAbsent, isText),
  details: anyOf(isAbsent, isRecordOf(anyOf(isText, isNumber, isFlag))),
  diagnostics: anyOf(isAbsent, listOf(isDiagnostic)),
  stack: anyOf(isAbsent, isText),
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
}

const CHECKS: Readonly<Record<keyof Answers, Check>> = {
  node: shape({
    version: isText,
    dataUrl: isText,
    controlUrl: isText,
    layers: listOf(shape({ name: isText, isActive: isFlag, reason: anyOf(isAbsent, isText) })),
    functions: isNumber,
  }),
  top: isTop,
  functions: shape({ functions: listOf(isFunctionStatus) }),
  function: shape({ function: isFunctionStatus, deployments: listOf(isDeploymentSummary) }),
  explanation: shape({
    name: isText,
    deployment: isText,
    strategy: isText,
    request: shape({ method: isText, path: isText }),
    answers: isAnswering,
    next: isAnswering,
    forms: listOf(isFormStatus),
  }),
  missing: shape({ missing: listOf(isDigest) }),
  deployment: shape({
    deployment: isDeploymentSummary,
    isNew: isFlag,
    steps: listOf(shape({ step: isText, ms: isNumber })),
    warnings: anyOf(isAbsent, listOf(isText)),
  }),
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
