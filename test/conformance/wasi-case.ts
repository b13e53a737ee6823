/**
 * What a WASI test's `.json` says: which program is started how, and what is done and expected then, in order.
 *
 *     before 2025   { args, env, dirs | root, stdin, stdout, stderr, exit_code }
 *     since         { proposals, world, servers, operations: [{ type: "run" }, …, { type: "wait" }] }
 *
 * @see https://github.com/WebAssembly/wasi-testsuite/blob/main/doc/specification.md
 */

import { join } from "node:path";

/** One test. */
export interface WasiCase {
  readonly run: RunOperation;
  /** After the start, in order. */
  readonly operations: readonly Operation[];
  /** What it is: a command, or a handler of HTTP requests. */
  readonly isService: boolean;
  readonly servers: readonly ServerCase[];
  readonly skipped?: string;
  /** Fields that mean nothing here; the test is run without them. */
  readonly unknown: readonly string[];
}

/** How the program is started. */
export interface RunOperation {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly preopens: readonly { readonly from: string; readonly path: string }[];
}

/** A step of a test. `isWhole`: nothing else may have been written. */
export type Operation =
  | { readonly type: "write"; readonly payload: string }
  | { readonly type: "close" }
  | { readonly type: "read"; readonly id: "stdout" | "stderr"; readonly payload: string; readonly isWhole: boolean }
  | { readonly type: "request"; readonly request: RequestCase }
  | { readonly type: "kill"; readonly signal: NodeJS.Signals }
  | { readonly type: "wait"; readonly exitCode: number };

/** A request to a handler, and the answer that is expected; headers that are not named may be anything. */
export interface RequestCase {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly response: ResponseCase;
}

/** A response, as expected or as given. */
export interface ResponseCase {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A server that the program is to reach; without endpoints nobody listens there. */
export interface ServerCase {
  readonly name: string;
  readonly endpoints: readonly EndpointCase[] | undefined;
}

/** What a server answers to one method and path. */
export interface EndpointCase {
  readonly method: string;
  readonly path: string;
  readonly mode: "static" | "echo-body" | "echo-headers";
  readonly response: ResponseCase;
  readonly chunks: readonly string[] | undefined;
  readonly trailers: Readonly<Record<string, string>>;
}

const OLD_KEYS = new Set(["args", "env", "dirs", "root", "stdin", "stdout", "stderr", "exit_code", "wasi_functions"]);
const NEW_KEYS = new Set(["operations", "proposals", "world", "servers", "debug"]);

/** @throws {Error} when it holds something that nobody here knows how to follow. */
export function parseCase(json: unknown, dir: string): WasiCase {
  const fields = toRecord(json, "the test");
  const isNew = Object.keys(fields).some((key) => NEW_KEYS.has(key));
  const known = isNew ? NEW_KEYS : OLD_KEYS;
  const unknown = Object.keys(fields).filter((key) => !known.has(key));
  return { ...(isNew ? parseNew(fields, dir) : parseOld(fields, dir)), unknown };
}

function parseOld(fields: Fields, dir: string): Omit<WasiCase, "unknown"> {
  const expected = (["stdout", "stderr"] as const).flatMap((id): Operation[] =>
    fields[id] === undefined ? [] : [{ type: "read", id, payload: toText(fields[id], id), isWhole: true }],
  );
  const input = fields.stdin === undefined ? [] : [{ type: "write", payload: toText(fields.stdin, "stdin") } as const];
  const wait = { type: "wait", exitCode: toNumber(fields.exit_code ?? 0, "exit_code") } as const;
  return {
    run: parseRun(fields, dir),
    operations: [...input, { type: "close" }, ...expected, wait],
    isService: false,
    servers: [],
  };
}

function parseNew(fields: Fields, dir: string): Omit<WasiCase, "unknown"> {
  const list = toList(fields.operations ?? [{ type: "run" }, { type: "wait" }], "operations").map((each) =>
    toRecord(each, "an operation"),
  );
  const runs = list.filter(({ type }) => type === "run");
  if (runs.length > 1) throw new Error("it has more than one run operation");
  const operations = list.filter(({ type }) => type !== "run");
  const isSocket = operations.some(
    ({ type }) => typeof type === "string" && ["connect", "send", "recv"].includes(type),
  );
  const isSkipped = isSocket || toList(fields.proposals ?? [], "proposals").includes("sockets");
  const world = toText(fields.world ?? "wasi:cli/command", "world");
  return {
    run: parseRun(runs[0] ?? {}, dir),
    operations: isSkipped ? [] : operations.map(parseOperation),
    isService: /^wasi:http\/(?:service|proxy)\b/.test(world),
    servers: toList(fields.servers ?? [], "servers").map((each) => parseServer(toRecord(each, "a server"))),
    ...(isSkipped && { skipped: "it needs sockets" }),
  };
}

function parseRun({ args = [], env = {}, dirs = [], root }: Fields, dir: string): RunOperation {
  const named = toList(dirs, "dirs").map((each) => toText(each, "dirs"));
  return {
    args: toList(args, "args").map((each) => toText(each, "args")),
    env: toTexts(env, "env"),
    preopens: [
      ...named.map((path) => ({ from: join(dir, path), path })),
      ...(root == null ? [] : [{ from: join(dir, toText(root, "root")), path: "/" }]),
    ],
  };
}

function parseOperation(fields: Fields): Operation {
  const payload = () => toText(fields.payload ?? "", "payload");
  switch (fields.type) {
    case "write":
      return { type: "write", payload: payload() };
    case "read": {
      const id = fields.id ?? "stdout";
      if (id !== "stdout" && id !== "stderr") throw new Error(`a read of "${String(id)}"`);
      return { type: "read", id, payload: payload(), isWhole: false };
    }
    case "wait":
      return { type: "wait", exitCode: toNumber(fields.exit_code ?? 0, "exit_code") };
    case "kill":
      return { type: "kill", signal: toSignal(fields.signal ?? "SIGTERM") };
    case "request":
      return { type: "request", request: parseRequest(fields) };
    default:
      throw new Error(`unknown operation: ${String(fields.type)}`);
  }
}

function parseRequest({ method = "GET", path = "/", headers = {}, body = "", response = {} }: Fields): RequestCase {
  return {
    method: toText(method, "method"),
    path: toText(path, "path"),
    headers: toTexts(headers, "headers"),
    body: toText(body, "body"),
    response: parseResponse(toRecord(response, "response")),
  };
}

function parseResponse({ status = 200, headers = {}, body = "" }: Fields): ResponseCase {
  return { status: toNumber(status, "status"), headers: toTexts(headers, "headers"), body: toText(body, "body") };
}

function parseServer({ name, kind = "listening", endpoints = [] }: Fields): ServerCase {
  if (kind === "closed") return { name: toText(name, "name"), endpoints: undefined };
  if (kind !== "listening") throw new Error(`unknown kind of server: ${String(kind)}`);
  const list = toList(endpoints, "endpoints").map((each) => parseEndpoint(toRecord(each, "an endpoint")));
  return { name: toText(name, "name"), endpoints: list };
}

function parseEndpoint({ method = "GET", path = "/", mode = "static", response = "" }: Fields): EndpointCase {
  if (mode !== "static" && mode !== "echo-body" && mode !== "echo-headers") {
    throw new Error(`unknown mode of an endpoint: ${String(mode)}`);
  }
  const given = typeof response === "string" ? { body: response } : toRecord(response, "response");
  return {
    method: toText(method, "method").toUpperCase(),
    path: toText(path, "path"),
    mode,
    response: parseResponse(given),
    chunks:
      given.chunks === undefined ? undefined : toList(given.chunks, "chunks").map((each) => toText(each, "chunks")),
    trailers: toTexts(given.trailers ?? {}, "trailers"),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function toRecord(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`${what} is no object`);
  return Object.fromEntries(Object.entries(value));
}

function toTexts(value: unknown, what: string): Record<string, string> {
  return Object.fromEntries(Object.entries(toRecord(value, what)).map(([key, each]) => [key, toText(each, what)]));
}

function toList(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${what} is no list`);
  return value;
}

function toText(value: unknown, what: string): string {
  if (typeof value !== "string") throw new Error(`${what} is no text`);
  return value;
}

function toNumber(value: unknown, what: string): number {
  if (typeof value !== "number") throw new Error(`${what} is no number`);
  return value;
}

function toSignal(value: unknown): NodeJS.Signals {
  if (value !== "SIGINT" && value !== "SIGTERM" && value !== "SIGKILL") throw new Error(`signal ${String(value)}`);
  return value;
}
