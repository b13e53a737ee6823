/**
 * The head of a request on the data port, as story 1 wants it: target, host and headers, checked and in one form.
 *
 * Node's parser has refused by now what is not HTTP; here is what HTTP allows and a function must not see.
 */

import type { IncomingMessage } from "node:http";
import type { InvokeRequest } from "../invoke.ts";
import { NebulaError } from "../model/errors.ts";
import type { HeaderList } from "../model/exchange.ts";
import { findNamed, HOP_BY_HOP, hasOption } from "../model/hop-by-hop.ts";
import type { Trace } from "../model/trace.ts";
import type { Exchange } from "./connections.ts";
import { openBody, readTrailers } from "./request-body.ts";

/** Cloudflare's limit (developers.cloudflare.com/workers/platform/limits/#url-limits). */
const URL_LIMIT_BYTES = 16_384;
/** The gateway says or answers the last ones itself. */
const NOT_PASSED_ON = new Set([...HOP_BY_HOP, "cf-connecting-ip", "expect", "x-real-ip"]);
const HOST = /^(?:[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const MAY_NORMALISE = /\/\.|%2e|\\|[^\x21-\x7e]/i;

/**
 * Reads the head of a request, and makes its body ready to be opened.
 *
 * @throws {NebulaError} NEBULA_REQUEST_INVALID or NEBULA_URL_TOO_LONG.
 */
export function toInvokeRequest({ message, response, abort, upgrade }: Exchange, trace: Trace): InvokeRequest {
  const { method = "GET", url: target = "/", headers, httpVersion } = message;
  if (target.length > URL_LIMIT_BYTES) {
    throw new NebulaError(
      "NEBULA_URL_TOO_LONG",
      `Cannot take the request: its URL has more than ${URL_LIMIT_BYTES} bytes`,
    );
  }
  if (method === "TRACE" || method === "TRACK") throw notServed(method);
  checkFraming(httpVersion, headers["transfer-encoding"]);
  const { host, path, query } = splitTarget(target, { method, hostHeader: headers.host ?? "" });
  return {
    method,
    host,
    path,
    query,
    headers: toHeaderList(message, host),
    openBody: (limits) =>
      openBody(message, {
        limitBytes: limits.requestBodyBytes,
        onBytes: (bytes) => {
          trace.bytesIn += bytes;
        },
        onWanted: () => {
          if (httpVersion === "1.1" && headers.expect?.toLowerCase() === "100-continue") response.writeContinue();
        },
        onTooLarge: (error) => abort.abort(error),
      }),
    trailers: readTrailers(message),
    upgrade,
    signal: abort.signal,
  };
}

/**
 * The protocol that a request asks to go on with: only WebSocket, and only where nothing of HTTP would be left over.
 * @see https://www.rfc-editor.org/rfc/rfc6455#section-4.1
 */
export function findUpgrade({ method, httpVersion, headers }: IncomingMessage): "websocket" | undefined {
  const { connection = "", upgrade = "" } = headers;
  const hasBody = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  if (method !== "GET" || httpVersion !== "1.1" || hasBody || !hasOption(connection, "upgrade")) return undefined;
  return upgrade.toLowerCase() === "websocket" ? "websocket" : undefined;
}

/** Where a request leads, or undefined when `toInvokeRequest` would refuse it for that. */
export function findTarget({ method = "GET", url = "/", headers }: IncomingMessage): Target | undefined {
  try {
    return splitTarget(url, { method, hostHeader: headers.host ?? "" });
  } catch {
    // because it is told when the request is answered
    return undefined;
  }
}

/** What routes are found by, and the rest of the URL. */
interface Target {
  readonly host: string;
  readonly path: string;
  readonly query: string;
}

/** Forms of RFC 9112, section 3.2: `/path?query`, `http://host/path?query`, and `*` for OPTIONS. */
function splitTarget(target: string, { method, hostHeader }: { method: string; hostHeader: string }): Target {
  // because the function's URL would end where it begins, and the route would not
  if (target.includes("#")) throw invalid("its target has a fragment");
  const absolute = /^https?:\/\//i.test(target) ? URL.parse(target) : undefined;
  if (absolute === null) throw invalid("its target is not a URL");
  if (absolute && (absolute.username !== "" || absolute.password !== "")) throw invalid("its target names a user");
  const host = absolute?.host ?? hostHeader;
  // The pattern keeps out what a URL would read as something else than a host; the parser knows addresses and ports.
  if (!HOST.test(host) || !URL.canParse(`http://${host}`)) throw invalid("its Host header is not a host");
  const origin = absolute === undefined ? target : absolute.pathname + absolute.search;
  if (origin === "*" && method === "OPTIONS") return { host, path: "/", query: "" };
  if (!origin.startsWith("/")) throw invalid("its target is neither a path nor a URL");
  const at = origin.indexOf("?");
  const path = at < 0 ? origin : origin.slice(0, at);
  const query = at < 0 ? "" : origin.slice(at);
  // Routes must see the path that the function will see.
  return { host, path: MAY_NORMALISE.test(path) ? normalise(path) : path, query };
}

function normalise(path: string): string {
  const url = URL.parse(`http://localhost${path}`);
  if (url === null) throw invalid("its path is not one");
  return url.pathname;
}

/**
 * The only transfer coding that we can undo. Node tells the others, and codings under HTTP/1.0, only when the function
 * has seen the request already.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-6.1
 */
function checkFraming(httpVersion: string, coding: string | undefined): void {
  if (httpVersion !== "1.1" && httpVersion !== "1.0") throw invalid("it is not HTTP/1.1");
  if (coding === undefined) return;
  if (coding.toLowerCase() !== "chunked" || httpVersion === "1.0") throw invalid("its transfer coding is not known");
}

/** `host` is that of the target, which the header's value gives way to (RFC 9112, section 3.2.2). */
function toHeaderList({ rawHeaders, headers: { connection }, socket }: Exchange["message"], host: string): HeaderList {
  const named = connection === undefined ? undefined : findNamed(connection);
  const headers: string[] = [];
  let hosts = 0;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? "";
    if (NOT_PASSED_ON.has(name) || named?.has(name) === true) continue;
    if (name === "host") hosts += 1;
    headers.push(name, name === "host" ? host : (rawHeaders[i + 1] ?? ""));
  }
  if (hosts > 1) throw invalid("it has more than one Host header");
  headers.push("cf-connecting-ip", socket.remoteAddress ?? "");
  return headers;
}

/** The refusal of a method that no function can be asked with. */
export function notServed(method: string): NebulaError {
  return invalid(`the method ${method} is not served`);
}

function invalid(why: string): NebulaError {
  return new NebulaError("NEBULA_REQUEST_INVALID", `Cannot take the request: ${why}`);
}
