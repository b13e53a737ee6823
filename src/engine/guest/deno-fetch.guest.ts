/**
 * The web's `fetch` for a runtime whose own would open sockets: the host is called instead, once for each hop of a
 * redirect, so that it sees and checks them all.
 *
 * `data:` and `blob:` addresses lead nowhere outside, and stay the runtime's own affair.
 * @see https://fetch.spec.whatwg.org/#http-fetch
 */

import type { OutgoingCall } from "../../frames/outgoing-call.ts";
import type { Body } from "../../model/exchange.ts";
import type { SendOut } from "./platform.guest.ts";
import type { GuestAnswerHead } from "./protocol.ts";
import { toHeaderList, toResponse } from "./web.guest.ts";

const MAX_HOPS = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** What a request says where the function has not said it. */
const DEFAULTS = [
  ["accept", "*/*"],
  ["accept-language", "*"],
  ["accept-encoding", "gzip, deflate, br"],
  ["user-agent", "Nebula"],
] as const;
/** Gone when a redirect turns a request into a GET. */
const OF_BODY = ["content-encoding", "content-language", "content-location", "content-type", "content-length"];
/** Gone when a redirect leads to another origin. */
const CREDENTIALS = ["authorization", "cookie", "proxy-authorization", "host"];
type Format = "gzip" | "deflate" | "brotli";

/** Content codings, and what undoes them. */
const CODINGS: Readonly<Record<string, Format>> = {
  gzip: "gzip",
  "x-gzip": "gzip",
  deflate: "deflate",
  br: "brotli",
};

interface Hop {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Body;
}

/** `fetch` with `send` as its only way out. `nativeFetch` reads what is in the process already. */
export function createWebFetch(send: SendOut, nativeFetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    if (url.protocol === "data:" || url.protocol === "blob:") return await nativeFetch(request);
    if (url.protocol !== "http:" && url.protocol !== "https:")
      throw new TypeError(`Cannot fetch: "${url.protocol}" is no scheme of the network`);
    request.signal.throwIfAborted();
    const headers = new Headers(request.headers);
    for (const [name, value] of DEFAULTS) if (!headers.has(name)) headers.set(name, value);
    const body = await toBody(request, isStreamed(input, init));
    if (body instanceof Uint8Array) headers.set("content-length", String(body.byteLength));
    return await follow({ url, method: request.method, headers, body }, { request, send });
  };
}

interface Way {
  readonly request: Request;
  readonly send: SendOut;
}

async function follow(first: Hop, { request, send }: Way): Promise<Response> {
  let hop = first;
  for (let hops = 0; ; hops++) {
    const { url, method, headers, body } = hop;
    request.signal.throwIfAborted();
    const call = await send({ method, url: url.href, headers: toHeaderList(headers), body });
    const answer = await abortable(call, request.signal);
    const head = answer.head as GuestAnswerHead;
    const location = request.redirect === "manual" ? undefined : findLocation(head, url);
    if (location === undefined) {
      const decoded = method === "HEAD" ? null : decode(head, answer.body);
      return await finish(head, { request, body: decoded, url, isRedirected: hops > 0 });
    }
    call.cancel(new DOMException("The body is not wanted", "AbortError"));
    if (request.redirect === "error") throw new TypeError("Cannot fetch: unexpected redirect");
    if (hops === MAX_HOPS) throw new TypeError(`Cannot fetch: more than ${MAX_HOPS} redirects`);
    hop = nextHop(hop, location, head.status);
  }
}

/** The answer to a call that is cancelled when the signal is aborted, until its body is over. */
async function abortable(call: OutgoingCall, signal: AbortSignal) {
  const onAbort = () => call.cancel(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort);
  void call.settled.then(() => signal.removeEventListener("abort", onAbort));
  return await call.answer;
}

function findLocation({ status, headers }: GuestAnswerHead, base: URL): URL | undefined {
  const at = REDIRECTS.has(status) ? headers.findIndex((text, i) => i % 2 === 0 && /^location$/i.test(text)) : -1;
  if (at < 0) return undefined;
  const location = URL.parse(headers[at + 1] ?? "", base);
  if (location?.protocol !== "http:" && location?.protocol !== "https:")
    throw new TypeError("Cannot fetch: the redirect leads nowhere");
  if (location.hash === "") location.hash = base.hash;
  return location;
}

function nextHop({ method, headers, body, url: from }: Hop, url: URL, status: number): Hop {
  const becomesGet = status === 303 ? method !== "GET" && method !== "HEAD" : status <= 302 && method === "POST";
  if (!becomesGet && body instanceof ReadableStream)
    throw new TypeError("Cannot fetch: a streamed body cannot be sent again");
  const next = new Headers(headers);
  if (becomesGet) for (const name of OF_BODY) next.delete(name);
  if (url.origin !== from.origin) for (const name of CREDENTIALS) next.delete(name);
  return { url, method: becomesGet ? "GET" : method, headers: next, body: becomesGet ? null : body };
}

function decode({ headers }: GuestAnswerHead, body: Body): Body {
  if (body === null) return null;
  const coded = headers.filter((_, i) => i % 2 === 1 && /^content-encoding$/i.test(headers[i - 1] ?? "")).join(",");
  const names = coded.toLowerCase().split(",");
  const formats = names.map((name) => CODINGS[name.trim()]).filter((format) => format !== undefined);
  // A coding that nobody here knows: the bytes are the function's to make something of.
  if (formats.length < names.length) return body;
  return formats.reduceRight((stream, format) => stream.pipeThrough(toUnpacker(format)), toStream(body));
}

function toUnpacker(format: Format): TransformStream<Uint8Array, Uint8Array> {
  return new DecompressionStream(format) as TransformStream<Uint8Array, Uint8Array>;
}

function toStream(body: Body): ReadableStream<Uint8Array> {
  return body instanceof ReadableStream ? body : ReadableStream.from(body === null ? [] : [body]);
}

interface Ending {
  readonly request: Request;
  readonly body: Body;
  readonly url: URL;
  readonly isRedirected: boolean;
}

async function finish(head: GuestAnswerHead, { request, body, url, isRedirected }: Ending): Promise<Response> {
  const whole = request.integrity === "" ? body : await checkIntegrity(request.integrity, body);
  const response = toResponse(head, { body: whole, url: url.href.replace(/#.*/, ""), isRedirected });
  return markFetched(response, head.statusText ?? "");
}

/** What a Response from the network has beyond one that was made: its type, and headers that cannot be changed. */
function markFetched(response: Response, statusText: string): Response {
  const refuse = () => {
    throw new TypeError("Cannot change the headers of a response that was fetched");
  };
  const fixed = { value: refuse, configurable: true };
  Object.defineProperties(response.headers, { append: fixed, delete: fixed, set: fixed });
  return Object.defineProperties(response, {
    type: { value: "basic", configurable: true },
    statusText: { value: statusText, configurable: true },
  });
}

/** @see https://www.w3.org/TR/sri-2/#does-response-match-metadatalist */
async function checkIntegrity(metadata: string, body: Body): Promise<Uint8Array> {
  const bytes = new Uint8Array(await new Response(toStream(body)).arrayBuffer());
  const parsed = [...metadata.matchAll(/(?:^|\s)sha(256|384|512)-([A-Za-z0-9+/_-]+)=*/g)];
  const strongest = Math.max(...parsed.map(([, bits]) => Number(bits)));
  if (parsed.length === 0) return bytes;
  const digest = new Uint8Array(await crypto.subtle.digest(`SHA-${strongest}`, bytes)).toBase64().replace(/=+$/, "");
  const isWanted = ([, bits, wanted = ""]: RegExpExecArray) =>
    Number(bits) === strongest && wanted.replaceAll("-", "+").replaceAll("_", "/") === digest;
  if (!parsed.some(isWanted)) throw new TypeError("Cannot fetch: the answer is not what integrity says");
  return bytes;
}

/** Whether a body comes piece by piece: it is then sent as it comes, and cannot be sent twice. */
function isStreamed(input: unknown, init: RequestInit | undefined): boolean {
  const body: unknown = init?.body;
  return body === undefined || body === null ? input instanceof Request : body instanceof ReadableStream;
}

async function toBody(request: Request, isStream: boolean): Promise<Body> {
  if (request.body === null || isStream) return request.body;
  return new Uint8Array(await request.arrayBuffer());
}
