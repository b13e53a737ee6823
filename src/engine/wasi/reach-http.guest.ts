/**
 * Outgoing requests of a component: calls to the host, which checks them against the function's allow-list.
 *
 *     http://example.com/          the network
 *     nebula-binding://NAME/path   a binding of the function; JavaScript in Wasm calls `env.NAME.fetch` this way
 */

import { RemoteError } from "../frames/outgoing-call.ts";
import { errorCode, HttpError, type PlainErrorCode } from "./preview2/http-error-code.guest.ts";
import type { HttpHost, HttpHostAnswer, HttpHostOptions, HttpHostRequest } from "./preview2/http-host.guest.ts";
import type { ProgramCall } from "./program.guest.ts";

const BINDING_SCHEME = "nebula-binding";

/** What the host's refusals are in the words of `wasi:http`. */
const CODES: Readonly<Record<string, PlainErrorCode>> = {
  NEBULA_OUTBOUND_DENIED: "HTTP-request-denied",
  NEBULA_SUBREQUEST_LIMIT: "HTTP-request-denied",
  NEBULA_OUTBOUND_FAILED: "destination-unavailable",
};

/** The way out of one invocation. */
export function createHttpHost(call: Pick<ProgramCall, "reach">): HttpHost {
  return { send: (request, options) => send(request, options, call) };
}

async function send(
  { method, scheme, authority, pathWithQuery, headers, body }: HttpHostRequest,
  { signal }: HttpHostOptions,
  call: Pick<ProgramCall, "reach">,
): Promise<HttpHostAnswer> {
  const isBinding = scheme === BINDING_SCHEME;
  const url = `${isBinding ? "http" : scheme}://${authority}${pathWithQuery}`;
  const to = isBinding ? { op: "binding" as const, binding: authority } : { op: "outbound" as const, binding: "" };
  const asked = call.reach({ ...to, method, url, headers }, body);
  const onAbort = () => asked.cancel(signal.reason);
  signal.addEventListener("abort", onAbort);
  void asked.settled.then(() => signal.removeEventListener("abort", onAbort));
  try {
    const answer = await asked.answer;
    return { head: fromHost(answer.head), body: answer.body };
  } catch (thrown) {
    if (!(thrown instanceof RemoteError)) throw thrown;
    const code = CODES[thrown.wire.name];
    throw new HttpError(
      code === undefined ? { tag: "internal-error", val: thrown.wire.message } : errorCode(code),
      thrown.wire.message,
    );
  }
}

/** The border with the host, whose words are trusted. */
function fromHost(head: unknown): HttpHostAnswer["head"] {
  return head as HttpHostAnswer["head"];
}
