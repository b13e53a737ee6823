/**
 * Between heads of the protocol and the web's Request and Response.
 *
 * `installFastBodies` remembers the text or bytes that a Response was made of, so that a small answer is sent
 * without being read through a stream: most answers are small.
 */

import type { Body, HeaderList, RequestHead, ResponseHead } from "../../model/exchange.ts";

const NO_BODY = new Set(["GET", "HEAD"]);

/** Node's own constructors, taken before a guest could replace the globals. */
const { Request: NodeRequest, Response: NodeResponse, Headers: NodeHeaders } = globalThis;
const encoder = new TextEncoder();
const BYTES_GIVE_BYTE_STREAMS = giveByteStreams();

/** The Request that a handler gets. `signal` is asked for only when the guest does. */
export function toRequest(head: RequestHead, options: { body: Body; signal(): AbortSignal }): Request {
  const body = NO_BODY.has(head.method) ? null : options.body;
  const request = new NodeRequest(head.url, {
    method: head.method,
    headers: toHeaders(head.headers),
    redirect: "manual",
    ...(body !== null && { body: toBodyInit(body), duplex: "half" as const }),
  });
  let signal: AbortSignal | undefined;
  Object.defineProperty(request, "signal", {
    configurable: true,
    get: () => {
      signal ??= options.signal();
      return signal;
    },
  });
  return request;
}

/** A Headers object from names and values in turn. */
export function toHeaders(list: HeaderList): Headers {
  const headers = new NodeHeaders();
  for (let i = 0; i + 1 < list.length; i += 2) headers.append(list[i] ?? "", list[i + 1] ?? "");
  return headers;
}

/** Names and values in turn; each Set-Cookie stands for itself. */
/** More than any limit on headers allows: what is beyond it would only be sent to be refused. */
export const HEADERS_LIMIT = 131_072;

/** The headers as they are sent; cut off past `HEADERS_LIMIT` characters, so that they fit a frame whatever they hold. */
export function toHeaderList(headers: Headers): string[] {
  const list: string[] = [];
  let left = HEADERS_LIMIT;
  // Deno's iterator sorts all of them again for each one.
  headers.forEach((value, name) => {
    if (left < 0) return;
    list.push(name, value.length > HEADERS_LIMIT ? value.slice(0, HEADERS_LIMIT) : value);
    left -= name.length + value.length;
  });
  return list;
}

function toBodyInit(
  body: Uint8Array | ReadableStream<Uint8Array>,
): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> {
  if (!(body instanceof Uint8Array)) return body;
  const bytes = new Uint8Array(body);
  return BYTES_GIVE_BYTE_STREAMS ? bytes : toByteStream(bytes);
}

function toByteStream(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
  const source = {
    type: "bytes",
    start: (controller: ReadableByteStreamController) => {
      if (bytes.byteLength > 0) controller.enqueue(bytes);
      controller.close();
    },
  };
  // because a guest may have given Object.prototype a `pull`
  return new ReadableStream(Object.setPrototypeOf(source, null));
}

/** As the web asks for; the body of a Request made of bytes is no byte stream on Deno. */
function giveByteStreams(): boolean {
  const { body } = new NodeRequest("http://localhost/", { method: "POST", body: new Uint8Array(1) });
  try {
    body?.getReader({ mode: "byob" });
    return true;
  } catch {
    // because the question is whether it throws
    return false;
  }
}

/** What a Response was made of, where it is text or bytes. */
export interface FastBodies {
  find(response: Response): string | Uint8Array | undefined;
}

/**
 * Replaces the global Response by one that behaves the same and remembers what it was made of.
 * Called once, before the guest's code.
 */
export function installFastBodies(): FastBodies {
  const sources = new WeakMap<Response, string | Uint8Array>();
  const remember = (response: Response, source: unknown) => {
    if (typeof source === "string") sources.set(response, source);
    return response;
  };
  const proxy = new Proxy(NodeResponse, {
    construct: (target, args, newTarget) => remember(Reflect.construct(target, args, newTarget), args[0]),
  });
  // The original makes its Response without this constructor.
  const json = (data: unknown, init?: ResponseInit) => {
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError("Cannot make a Response: the value is not JSON");
    const headers = new NodeHeaders(init?.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return remember(new NodeResponse(text, { ...init, headers }), text);
  };
  // As Web IDL counts: arguments that may be left out do not.
  Object.defineProperty(json, "length", { value: 1 });
  const shared = { writable: true, configurable: true };
  Object.defineProperty(NodeResponse, "json", { ...shared, enumerable: true, value: json });
  Object.defineProperty(NodeResponse.prototype, "constructor", { ...shared, value: proxy });
  Object.defineProperty(globalThis, "Response", { ...shared, value: proxy });
  return {
    find: (response) => sources.get(response),
  };
}

/** Whether a handler's result is a Response that can be sent. */
export function isResponse(value: unknown): value is Response {
  return value instanceof NodeResponse;
}

/**
 * Head and body of what a handler answered.
 * @throws {TypeError} when it is no Response, or one whose body is used up.
 */
export function fromResponse(
  value: unknown,
  options: { method: string; bodies: FastBodies },
): { head: ResponseHead; body: Body } {
  if (!isResponse(value)) {
    throw new TypeError(`Cannot answer: the handler gave ${describe(value)}, not a Response`);
  }
  if (value.bodyUsed || value.body?.locked === true) {
    throw new TypeError("Cannot answer: the body of this Response has been used already");
  }
  if (value.status === 0) throw new TypeError("Cannot answer: the handler gave a network error (Response.error())");
  const head = { status: value.status, headers: toHeaderList(value.headers) };
  const source = options.bodies.find(value);
  if (options.method !== "HEAD" && source === undefined) return { head, body: value.body };
  // Also marks it as used: the same Response cannot be sent twice. How the guest's source takes it is no concern here.
  value.body?.cancel().catch(() => {});
  if (options.method === "HEAD" || source === undefined) return { head, body: null };
  return { head, body: typeof source === "string" ? encoder.encode(source) : source };
}

/** A Response made of what the host answered. `url` is where it came from. */
export function toResponse(head: ResponseHead, options: { body: Body; url: string; isRedirected: boolean }): Response {
  const isNullBody = [101, 204, 205, 304].includes(head.status);
  const response = new NodeResponse(isNullBody || options.body === null ? null : toBodyInit(options.body), {
    status: head.status,
    headers: toHeaders(head.headers),
  });
  Object.defineProperty(response, "url", { value: options.url, configurable: true });
  Object.defineProperty(response, "redirected", { value: options.isRedirected, configurable: true });
  return response;
}

function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  return "an object";
}
