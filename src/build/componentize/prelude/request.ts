/**
 * Requests.
 *
 * @see https://fetch.spec.whatwg.org/#request-class
 */

import { createSignal, NebulaAbortSignal } from "./abort.ts";
import { BodyReader, type BodySource, extractBody, splitBody, takeBody } from "./body.ts";
import { type HeadersSource, NebulaHeaders } from "./headers.ts";
import { NebulaURL } from "./url.ts";

/** What a Request is made with. */
export interface RequestOptions {
  readonly method?: string;
  readonly headers?: HeadersSource;
  readonly body?: unknown;
  readonly signal?: NebulaAbortSignal | null;
  readonly redirect?: string;
  readonly [key: string]: unknown;
}

const UPPER = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);
const FORBIDDEN = new Set(["CONNECT", "TRACE", "TRACK"]);
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const REDIRECTS = ["follow", "manual", "error"];

/** What a request consists of; any of it may be a getter. */
export interface RequestParts {
  readonly url: string;
  readonly method: string;
  readonly headers: NebulaHeaders;
  readonly body: BodySource | null;
  readonly signal: NebulaAbortSignal;
  readonly redirect: string;
}

/** `Request`. */
export class NebulaRequest extends BodyReader {
  readonly #parts: Omit<RequestParts, "body">;

  constructor(input: unknown, options: RequestOptions = {}) {
    const parts = input instanceof Received ? input.parts : toParts(input, options ?? {});
    super(parts.body);
    this.#parts = parts;
  }

  get method(): string {
    return this.#parts.method;
  }

  get url(): string {
    return this.#parts.url;
  }

  get headers(): NebulaHeaders {
    return this.#parts.headers;
  }

  get signal(): NebulaAbortSignal {
    return this.#parts.signal;
  }

  get redirect(): string {
    return this.#parts.redirect;
  }

  get credentials(): string {
    return "same-origin";
  }

  get mode(): string {
    return "cors";
  }

  get cache(): string {
    return "default";
  }

  get destination(): string {
    return "";
  }

  get integrity(): string {
    return "";
  }

  get keepalive(): boolean {
    return false;
  }

  get referrer(): string {
    return "about:client";
  }

  get referrerPolicy(): string {
    return "";
  }

  get duplex(): string {
    return "half";
  }

  clone(): NebulaRequest {
    const { method, url, headers, redirect, signal } = this.#parts;
    const body = splitBody(this);
    return received({
      method,
      url,
      headers: new NebulaHeaders(headers),
      redirect,
      signal: NebulaAbortSignal.any([signal]),
      body,
    });
  }

  get [Symbol.toStringTag](): string {
    return "Request";
  }

  protected override contentType(): string {
    return this.headers.get("content-type") ?? "";
  }
}

/** Parts that need no check. */
class Received {
  readonly parts: RequestParts;

  constructor(parts: RequestParts) {
    this.parts = parts;
  }
}

/** A request that came over the wire. */
export function received(parts: RequestParts): NebulaRequest {
  return new NebulaRequest(new Received(parts));
}

function toParts(input: unknown, options: RequestOptions): RequestParts {
  const source = input instanceof NebulaRequest ? input : undefined;
  const url = source?.url ?? toUrl(input);
  const method = options.method === undefined ? (source?.method ?? "GET") : toMethod(options.method);
  const headers = new NebulaHeaders(options.headers ?? source?.headers);
  const redirect = options.redirect ?? source?.redirect ?? "follow";
  if (!REDIRECTS.includes(redirect)) throw new TypeError(`Cannot make a Request: "${redirect}" is no redirect mode`);
  if (options.signal !== undefined && options.signal !== null && !(options.signal instanceof NebulaAbortSignal)) {
    throw new TypeError("Cannot make a Request: the signal is no AbortSignal");
  }
  const followed = options.signal === undefined ? source?.signal : options.signal;
  const signal = followed ? NebulaAbortSignal.any([followed]) : createSignal();
  return { url, method, headers, signal, redirect, body: toBody(source, { options, method, headers }) };
}

interface BodyContext {
  readonly options: RequestOptions;
  readonly method: string;
  readonly headers: NebulaHeaders;
}

function toBody(source: NebulaRequest | undefined, { options, method, headers }: BodyContext): BodySource | null {
  const hasOwn = options.body !== undefined && options.body !== null;
  if ((method === "GET" || method === "HEAD") && (hasOwn || (source !== undefined && source.body !== null))) {
    if (hasOwn || method !== source?.method) throw new TypeError("Request with GET/HEAD method cannot have body");
  }
  if (hasOwn) {
    const { source: given, type } = extractBody(options.body);
    if (type !== undefined && !headers.has("content-type")) headers.append("content-type", type);
    return given;
  }
  if (source === undefined) return null;
  const taken = takeBody(source);
  if (taken === undefined) throw new TypeError("Cannot make a Request of one whose body has been used already");
  return taken;
}

function toUrl(input: unknown): string {
  const url = NebulaURL.parse(input);
  if (url === null) throw new TypeError(`Failed to parse URL from ${String(input)}`);
  if (url.username !== "" || url.password !== "")
    throw new TypeError("Cannot make a Request: its URL includes credentials");
  return url.href;
}

function toMethod(text: string): string {
  const method = String(text);
  if (!TOKEN.test(method) || FORBIDDEN.has(method.toUpperCase()))
    throw new TypeError(`'${method}' is not a valid HTTP method.`);
  return UPPER.has(method.toUpperCase()) ? method.toUpperCase() : method;
}
