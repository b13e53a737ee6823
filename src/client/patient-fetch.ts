/**
 * A request whose answer may take as long as it likes: a node that pulls an image has nothing to say for minutes, and
 * fetch waits for five of them at the most.
 */

import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { NebulaError } from "../model/errors.ts";
import { MIB } from "../model/units.ts";

/** What is asked; the body is a text. */
export interface PatientRequest {
  readonly method: string;
  readonly headers: Headers;
  readonly body: string;
  readonly signal?: AbortSignal;
}

/** No answer of a node is nearly as long. */
const MAX_ANSWER_BYTES = 16 * MIB;

/** Rejects with the system's error, or the signal's reason. Follows no redirect: it is an answer like any other. */
export async function fetchPatiently(
  url: string,
  { method, headers, body, signal }: PatientRequest,
): Promise<Response> {
  signal?.throwIfAborted();
  const send = url.startsWith("https:") ? requestHttps : requestHttp;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { method, headers: { ...Object.fromEntries(headers), "content-length": Buffer.byteLength(body) } };
  const sent = send(url, { ...options, agent: false, ...(signal && { signal }) }, resolve);
  sent.on("error", reject);
  sent.end(body);
  try {
    const answer = await promise;
    return new Response(await readText(answer), { status: answer.statusCode ?? 500 });
  } catch (thrown) {
    signal?.throwIfAborted();
    throw thrown;
  } finally {
    sent.destroy();
  }
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function tooLong(): NebulaError {
  return new NebulaError("NEBULA_NODE_UNREACHABLE", "Cannot read the node's answer: it is too long", {
    hint: "Something other than a Nebula node answers at the control URL",
  });
}
