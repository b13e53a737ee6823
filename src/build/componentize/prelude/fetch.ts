/**
 * Requests to the network and to bindings, through wasi:http.
 *
 * A binding is asked at `nebula-binding://NAME/path`; the URL that the function wrote goes along in a header of its
 * own, which the host takes off.
 */

import type { NebulaAbortSignal } from "./abort.ts";
import { type BodySource, takeBody } from "./body.ts";
import { type BodyIo, openBody, sendBody } from "./body-io.ts";
import { headersFromWire, NebulaHeaders } from "./headers.ts";
import {
  type FutureIncomingResponse,
  type IncomingResponse,
  type OutgoingRequest,
  payloadOf,
  type Tagged,
} from "./host.ts";
import { NebulaRequest, type RequestOptions } from "./request.ts";
import { fromWire, type NebulaResponse } from "./response.ts";
import { NebulaURL } from "./url.ts";
import { readFields, toMethod, writeFields } from "./wire.ts";

/** The header with the URL of a request to a binding. */
export const URL_HEADER = "nebula-binding-url";
const BINDING_SCHEME = "nebula-binding";
const MAX_HOPS = 20;
const NULL_BODY = [101, 204, 205, 304];
/** What the host sets itself. */
const OWN_LINES = new Set([
  "host",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
  "proxy-connection",
  "te",
]);

interface Hop {
  readonly url: NebulaURL;
  readonly method: string;
  readonly headers: NebulaHeaders;
  readonly body: BodySource | null;
  readonly signal: NebulaAbortSignal;
  readonly binding: string | undefined;
  readonly isAsked: boolean;
}

/** Where requests go: to the network, or to a binding. */
interface Way {
  readonly binding?: string;
  /** Not by the function itself: also at addresses that nothing can be fetched from. */
  readonly isAsked?: boolean;
}

/** `fetch`, or with a binding the `fetch` of that. `io` is there while a request is being answered. */
export function createFetch(io: () => BodyIo | undefined, { binding, isAsked = false }: Way = {}) {
  return async (input: unknown, options?: RequestOptions): Promise<NebulaResponse> => {
    const request = new NebulaRequest(input, options);
    const now = io();
    if (now === undefined) throw new TypeError("Cannot call out: no request is being answered");
    request.signal.throwIfAborted();
    const body = takeBody(request);
    if (body === undefined) throw new TypeError("Cannot send a request whose body has been used already");
    const url = new NebulaURL(request.url);
    const { method, headers, signal } = request;
    return await follow(now, { url, method, headers, body, signal, binding, isAsked }, request.redirect);
  };
}

async function follow(io: BodyIo, first: Hop, redirect: string): Promise<NebulaResponse> {
  let hop = first;
  for (let hops = 0; ; hops++) {
    const answer = await send(io, hop);
    const location = findLocation(answer, hop.url);
    const isFollowed = location !== undefined && redirect !== "manual" && hop.binding === undefined;
    if (!isFollowed)
      return toResponse(io, { answer, url: hop.url.href.replace(/#.*/s, ""), isRedirected: hops > 0 }, hop.signal);
    answer.response[Symbol.dispose]();
    if (redirect === "error") throw new TypeError("fetch failed: unexpected redirect");
    if (hops === MAX_HOPS) throw new TypeError("fetch failed: redirect count exceeded");
    hop = nextHop(hop, location, answer.status);
  }
}

interface Answer {
  readonly response: IncomingResponse;
  readonly status: number;
  readonly headers: NebulaHeaders;
}

function findLocation({ status, headers }: Answer, base: NebulaURL): NebulaURL | undefined {
  const location = [301, 302, 303, 307, 308].includes(status) ? headers.get("location") : null;
  if (location === null) return undefined;
  const url = NebulaURL.parse(location, base);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new TypeError("fetch failed: the redirect leads nowhere");
  return url;
}

function nextHop(hop: Hop, url: NebulaURL, status: number): Hop {
  const becomesGet = status === 303 ? hop.method !== "HEAD" : status <= 302 && hop.method === "POST";
  if (!becomesGet && typeof hop.body === "object" && hop.body !== null && !(hop.body instanceof Uint8Array)) {
    throw new TypeError("fetch failed: a streamed body cannot be sent again");
  }
  const headers = new NebulaHeaders(hop.headers);
  if (becomesGet)
    for (const name of ["content-encoding", "content-language", "content-location", "content-type", "content-length"])
      headers.delete(name);
  if (url.origin !== hop.url.origin)
    for (const name of ["authorization", "cookie", "proxy-authorization"]) headers.delete(name);
  return { ...hop, url, headers, ...(becomesGet && { method: "GET", body: null }) };
}

/** One request; its answer's head. */
async function send(io: BodyIo, hop: Hop): Promise<Answer> {
  const { host, loop } = io;
  const request = makeRequest(io, hop);
  const outgoing = hop.body === null ? undefined : request.body();
  const future = tell(() => host.outgoing.handle(request, null), hop);
  // Its failure is that of the answer, which tells more.
  // Without its end, the host knows that what it has of the body is not all.
  if (outgoing !== undefined) sendBody(io, outgoing, hop.body).catch(() => outgoing[Symbol.dispose]());
  const response = await new Promise<IncomingResponse>((resolve, reject) => {
    const waiting = loop.wait(future.subscribe());
    const onAbort = () => {
      waiting.cancel();
      future[Symbol.dispose]();
      reject(hop.signal.reason);
    };
    hop.signal.addEventListener("abort", onAbort);
    waiting.ready
      .then(() => {
        hop.signal.removeEventListener("abort", onAbort);
        resolve(tell(() => takeAnswer(future), hop));
      })
      .catch(reject);
  });
  return {
    response,
    status: response.status(),
    headers: headersFromWire(readFields(response.headers()), { isImmutable: true }),
  };
}

function makeRequest({ host }: BodyIo, { url, method, headers, binding, isAsked }: Hop): OutgoingRequest {
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== "http" && scheme !== "https" && !isAsked)
    throw new TypeError(`fetch failed: cannot fetch "${url.protocol}" URLs`);
  const fields = new NebulaHeaders(headers);
  if (binding !== undefined) fields.set(URL_HEADER, url.href.replace(/#.*/, ""));
  const request = new host.types.OutgoingRequest(writeFields(host, fields, (name) => OWN_LINES.has(name)));
  request.setMethod(toMethod(method));
  request.setScheme(
    binding === undefined ? { tag: scheme === "http" ? "HTTP" : "HTTPS" } : { tag: "other", val: BINDING_SCHEME },
  );
  request.setAuthority(binding ?? url.host);
  request.setPathWithQuery(isAsked ? "/" : url.pathname + url.search);
  return request;
}

function takeAnswer(future: FutureIncomingResponse): IncomingResponse {
  const outer = future.get();
  future[Symbol.dispose]();
  const result = isTagged(outer?.val) ? outer.val : undefined;
  if (result?.tag === "ok") return fromHost(result.val);
  throw Object.assign(new TypeError("fetch failed"), { payload: result?.val });
}

/** What the host throws, as `fetch` fails: with the host's own sentence where it has one. */
function tell<T>(call: () => T, { url, binding }: Hop): T {
  try {
    return call();
  } catch (thrown) {
    const payload = payloadOf(thrown);
    if (payload === undefined) throw thrown;
    if (payload.tag === "internal-error" && typeof payload.val === "string") throw new TypeError(payload.val);
    if (payload.tag === "HTTP-request-denied")
      throw new TypeError(`Cannot reach "${binding ?? url.host}": it is not in the list of allowed hosts`);
    throw new TypeError(`fetch failed: ${payload.tag}`);
  }
}

function toResponse(
  io: BodyIo,
  { answer, url, isRedirected }: { answer: Answer; url: string; isRedirected: boolean },
  signal: NebulaAbortSignal,
): NebulaResponse {
  const { response, status, headers } = answer;
  const hasBody = !NULL_BODY.includes(status);
  const body = hasBody ? openBody(io, { body: response.consume(), onFailure: () => {} }) : null;
  if (body !== null) signal.addEventListener("abort", () => void body.cancel(signal.reason).catch(() => {}));
  return fromWire({ status, statusText: "", headers, body, url, isRedirected, type: "basic" });
}

function isTagged(value: unknown): value is Tagged {
  return typeof value === "object" && value !== null && "tag" in value;
}

/** The border with the host, whose words are trusted. */
function fromHost(value: unknown): IncomingResponse {
  return value as IncomingResponse;
}
