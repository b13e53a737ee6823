/**
 * Outgoing requests of a component: calls to the host, which checks them against the function's allow-list.
 *
 *     http://example.com/          the network
 *     nebula-binding://NAME/path   a binding of the function; JavaScript in Wasm calls `env.NAME.fetch` this way
 *
 * Trailers of an answer are handed on. Trailers of a request are not: the HTTP client of the host cannot send any.
 */

import { RemoteError } from "../../frames/outgoing-call.ts";
import type { HeaderList } from "../../model/exchange.ts";
import type { OutboundReason } from "../../model/outbound-reason.ts";
import { type ErrorCode, errorCode, HttpError } from "./preview2/http-error-code.guest.ts";
import type { HttpHost, HttpHostAnswer, HttpHostOptions, HttpHostRequest } from "./preview2/http-host.guest.ts";
import type { ProgramCall } from "./program.guest.ts";

const BINDING_SCHEME = "nebula-binding";
/** The URL that the function wrote; the name of the binding takes the place of the host. */
const URL_HEADER = "nebula-binding-url";

/** What the host's reasons are in the words of `wasi:http`. */
const CODES: Readonly<Record<OutboundReason, ErrorCode>> = {
  denied: errorCode("HTTP-request-denied"),
  "address-denied": errorCode("destination-IP-prohibited"),
  url: errorCode("HTTP-request-URI-invalid"),
  dns: { tag: "DNS-error", val: { rcode: undefined, infoCode: undefined } },
  "dns-timeout": errorCode("DNS-timeout"),
  refused: errorCode("connection-refused"),
  unroutable: errorCode("destination-IP-unroutable"),
  "connect-timeout": errorCode("connection-timeout"),
  terminated: errorCode("connection-terminated"),
  "head-timeout": errorCode("HTTP-response-timeout"),
  "body-timeout": errorCode("connection-read-timeout"),
  tls: errorCode("TLS-protocol-error"),
  "tls-certificate": errorCode("TLS-certificate-error"),
  protocol: errorCode("HTTP-protocol-error"),
  "headers-too-large": { tag: "HTTP-response-header-section-size", val: undefined },
  "content-coding": { tag: "HTTP-response-content-coding", val: undefined },
  "request-length": { tag: "HTTP-request-body-size", val: undefined },
  "response-length": errorCode("HTTP-response-incomplete"),
};
/** Failures without a reason. */
const PLAIN_CODES: Readonly<Record<string, ErrorCode>> = {
  NEBULA_OUTBOUND_DENIED: errorCode("HTTP-request-denied"),
  NEBULA_SUBREQUEST_LIMIT: errorCode("HTTP-request-denied"),
  NEBULA_OUTBOUND_FAILED: errorCode("destination-unavailable"),
};

/** The way out of one invocation. */
export function createHttpHost(call: Pick<ProgramCall, "reach">): HttpHost {
  return { send: (request, options) => send(request, options, call) };
}

async function send(
  { method, scheme, authority, pathWithQuery, headers, body }: HttpHostRequest,
  { signal, connectTimeoutMs }: HttpHostOptions,
  call: Pick<ProgramCall, "reach">,
): Promise<HttpHostAnswer> {
  const isBinding = scheme === BINDING_SCHEME;
  const at = isBinding ? headers.findIndex((text, i) => i % 2 === 0 && text === URL_HEADER) : -1;
  const url = (at < 0 ? undefined : headers[at + 1]) ?? `${isBinding ? "http" : scheme}://${authority}${pathWithQuery}`;
  const lines = at < 0 ? headers : headers.toSpliced(at, 2);
  const to = isBinding ? { op: "binding" as const, binding: authority } : { op: "outbound" as const, binding: "" };
  const asked = await call.reach({ ...to, method, url, headers: lines, connectTimeoutMs }, body, signal);
  const onAbort = () => asked.cancel(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort);
  void asked.settled.then(() => signal.removeEventListener("abort", onAbort));
  try {
    const answer = await asked.answer;
    const explain = isBinding ? toBindingError : toHttpError;
    return {
      head: fromHost(answer.head),
      body: answer.body,
      trailers: answer.trailers?.then(toTrailers),
      explain,
    };
  } catch (thrown) {
    throw isBinding ? toBindingError(thrown) : toHttpError(thrown);
  }
}

/** What the host says of a failure; everything else as it is. */
function toHttpError(thrown: unknown): unknown {
  if (!(thrown instanceof RemoteError)) return thrown;
  const { name, message, reason } = thrown.wire;
  const code = (isReason(reason) ? CODES[reason] : PLAIN_CODES[name]) ?? { tag: "internal-error", val: message };
  return new HttpError(code, message);
}

/** A binding is no network: what the host says of it stands for itself. */
function toBindingError(thrown: unknown): unknown {
  if (!(thrown instanceof RemoteError)) return thrown;
  const { message } = thrown.wire;
  return new HttpError({ tag: "internal-error", val: message }, message);
}

function isReason(text: string | undefined): text is OutboundReason {
  return text !== undefined && Object.hasOwn(CODES, text);
}

/** The border with the host, whose words are trusted. */
function fromHost(head: unknown): HttpHostAnswer["head"] {
  return head as HttpHostAnswer["head"];
}

function toTrailers(trailers: unknown): HeaderList | undefined {
  return trailers as HeaderList | undefined;
}
