/**
 * The head of a request on the data port, as story 1 wants it: target, host and headers, checked and in one form.
 *
 * Node's parser has refused by now what is not HTTP; here is what HTTP allows and a function must not see.
 */

import type { IncomingMessage } from "node:http";
import type { InvokeRequest } from "../invoke.ts";
import { NebulaError } from "../model/errors.ts";
import type { HeaderList } from "../model/exchange.ts";
import type { Trace } from "../model/trace.ts";
import { isHopByHop } from "./hop-by-hop.ts";
import { openBody } from "./request-body.ts";

/** Cloudflare's limit (developers.cloudflare.com/workers/platform/limits/#url-limits). */
const URL_LIMIT_BYTES = 16_384;
/** The gateway says these itself; a client may not. */
const OURS = new Set(["cf-connecting-ip", "x-real-ip"]);
const HOST = /^(?:[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const MAY_NORMALISE = /\/\.|%2e|\\|[^\x21-\x7e]/i;

/**
 * Reads the head of a request, and makes its body ready to be opened.
 *
 * @throws {NebulaError} NEBULA_REQUEST_INVALID or NEBULA_URL_TOO_LONG.
 */
export function toInvokeRequest(message: IncomingMessage, trace: Trace, signal: AbortSignal): InvokeRequest {
  const { method = "GET", url: target = "/" } = message;
  if (target.length > URL_LIMIT_BYTES) {
    throw new NebulaError(
      "NEBULA_URL_TOO_LONG",
      `Cannot take the request: its URL has more than ${URL_LIMIT_BYTES} bytes`,
    );
  }
  if (method === "TRACE" || method === "TRACK") throw invalid(`the method ${method} is not served`);
  const { host, path, query } = splitTarget(target, message.headers.host ?? "");
  return {
    method,
    host,
    path,
    query,
    headers: toHeaderList(message),
    openBody: (limits) =>
      openBody(message, {
        limitBytes: limits.requestBodyBytes,
        onBytes: (bytes) => {
          trace.bytesIn += bytes;
        },
      }),
    signal,
  };
}

/** Forms of RFC 9112, section 3.2: `/path?query`, `http://host/path?query`, and `*` for OPTIONS. */
function splitTarget(target: string, hostHeader: string): { host: string; path: string; query: string } {
  const absolute = /^https?:\/\//i.test(target) ? URL.parse(target) : undefined;
  if (absolute === null) throw invalid("its target is not a URL");
  const host = absolute?.host ?? hostHeader;
  if (!HOST.test(host)) throw invalid("its Host header is not a host");
  const origin = absolute === undefined ? target : absolute.pathname + absolute.search;
  if (origin === "*") return { host, path: "/", query: "" };
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

function toHeaderList({ rawHeaders, socket }: IncomingMessage): HeaderList {
  const headers: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? "";
    if (!isHopByHop(name) && !OURS.has(name)) headers.push(name, rawHeaders[i + 1] ?? "");
  }
  headers.push("cf-connecting-ip", socket.remoteAddress ?? "");
  return headers;
}

function invalid(why: string): NebulaError {
  return new NebulaError("NEBULA_REQUEST_INVALID", `Cannot take the request: ${why}`);
}
