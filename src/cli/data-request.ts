/**
 * One request to a function through the node's data port, as a client outside would send it.
 *
 * On `node:http`, because the name of the function travels as the Host header, which fetch does not let us set.
 */

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { resolve } from "node:path";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { findProblem } from "../client/answers.ts";
import { findErrno } from "../model/errno.ts";
import { describeThrown, NebulaError } from "../model/errors.ts";
import { usageError } from "./args.ts";
import type { CliIo } from "./io.ts";

/** A body on its way out. */
export interface RequestBody {
  readonly content: Readable | Uint8Array;
  /** Absent where only the end will tell. */
  readonly bytes?: number;
}

/** One request to a function. */
export interface InvokeRequest {
  readonly dataUrl: string;
  /** The function. */
  readonly name: string;
  /** With its query. */
  readonly path: string;
  readonly method: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: RequestBody | undefined;
  readonly signal: AbortSignal;
}

/** The answer, its body still coming. */
export interface Invoked {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

/**
 * `["accept: text/html"]` → `["accept", "text/html"]`
 *
 * @throws {NebulaError} NEBULA_USAGE for what is no header.
 */
export function parseHeaders(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? [];
    // The line itself may hold a secret and is not repeated.
    if (name === undefined || value === undefined) throw usageError('Cannot read "--header": it must be "name: value"');
    return [name, value];
  });
}

/**
 * The body that `--data` names.
 *
 * @throws {NebulaError} NEBULA_USAGE when its file cannot be read.
 */
export async function openBody(data: string, { stdin, cwd }: Pick<CliIo, "stdin" | "cwd">): Promise<RequestBody> {
  if (data === "-") return { content: stdin };
  if (!data.startsWith("@")) return { content: Buffer.from(data), bytes: Buffer.byteLength(data) };
  const path = resolve(cwd, data.slice(1));
  const stats = await stat(path).catch(() => undefined);
  if (!stats?.isFile()) throw usageError(`Cannot read "${data.slice(1)}": there is no such file`);
  return { content: createReadStream(path), bytes: stats.size };
}

/**
 * Sends it. Resolves when the head of the answer is there.
 *
 * @throws {NebulaError} NEBULA_NODE_UNREACHABLE when no node answers.
 */
export async function sendRequest(options: InvokeRequest): Promise<Invoked> {
  const { dataUrl, name, path, method, headers, body, signal } = options;
  const { hostname, port } = new URL(dataUrl);
  const length = body?.bytes === undefined ? [] : ["content-length", String(body.bytes)];
  try {
    const { promise, resolve: answer, reject } = Promise.withResolvers<IncomingMessage>();
    const outgoing = request({
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port,
      path: path.startsWith("/") ? path : `/${path}`,
      method,
      headers: ["host", `${name}.localhost:${port}`, ...headers, ...length],
      agent: false,
      signal,
    });
    outgoing.on("response", answer).on("error", reject);
    // The function may answer before it has read everything: what it does not want is no failure.
    if (body === undefined) outgoing.end();
    else if (body.content instanceof Uint8Array) outgoing.end(body.content);
    else pipeline(body.content, outgoing).catch(reject);
    const response = await promise;
    return { status: response.statusCode ?? 0, headers: response.headers, body: response };
  } catch (thrown) {
    signal.throwIfAborted();
    const isRefused = findErrno(thrown) === "ECONNREFUSED";
    const what = isRefused ? "nothing listens there" : describeThrown(thrown);
    throw new NebulaError("NEBULA_NODE_UNREACHABLE", `Cannot send a request to "${dataUrl}": ${what}`, {
      hint: "Start the node with nebula serve",
      cause: thrown,
    });
  }
}

const PROBLEM_LIMIT_BYTES = 1024 * 1024;

/** The failure that the node tells of in place of an answer; otherwise the answer, to be read by whoever asked. */
export async function readProblem(answer: Invoked): Promise<NebulaError | Invoked> {
  const { headers, body } = answer;
  const isProblem = headers["content-type"]?.startsWith("application/problem+json") === true;
  if (!isProblem || Number(headers["content-length"] ?? 0) > PROBLEM_LIMIT_BYTES) return answer;
  const bytes = await readAll(body);
  return findProblem(bytes.toString()) ?? { ...answer, body: Readable.from([bytes]) };
}

/** All bytes of an answer. @throws {NebulaError} NEBULA_RESPONSE_INVALID when it breaks off. */
export async function readAll(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of body) chunks.push(Buffer.from(chunk));
  } catch (thrown) {
    throw brokenOff(thrown);
  }
  return Buffer.concat(chunks);
}

/**
 * Passes an answer on as it comes. Ends quietly when nobody reads any more.
 *
 * @throws {NebulaError} NEBULA_RESPONSE_INVALID when it breaks off.
 */
export async function printBody(body: Readable, stdout: Writable, signal: AbortSignal): Promise<void> {
  try {
    await pipeline(body, stdout, { end: false, signal });
  } catch (thrown) {
    signal.throwIfAborted();
    if (findErrno(thrown) === "EPIPE") return;
    throw brokenOff(thrown);
  }
}

function brokenOff(cause: unknown): NebulaError {
  return new NebulaError("NEBULA_RESPONSE_INVALID", "Cannot read the answer: its body breaks off", {
    hint: "The log of the node says why",
    cause,
  });
}
