/**
 * Responses.
 *
 * @see https://fetch.spec.whatwg.org/#response-class
 */

import { BodyReader, type BodySource, extractBody, splitBody } from "./body.ts";
import { type HeadersSource, headersFromWire, NebulaHeaders } from "./headers.ts";
import { NebulaURL } from "./url.ts";

/** What a Response is made with. */
export interface ResponseOptions {
  readonly status?: number;
  readonly statusText?: string;
  readonly headers?: HeadersSource;
}

interface Parts {
  readonly status: number;
  readonly statusText: string;
  readonly headers: NebulaHeaders;
  readonly body: BodySource | null;
  readonly url: string;
  readonly isRedirected: boolean;
  readonly type: "default" | "basic" | "error";
}

/** `Response`. */
export class NebulaResponse extends BodyReader {
  readonly #parts: Omit<Parts, "body">;

  constructor(body: unknown = null, options: ResponseOptions = {}) {
    const parts = body instanceof Received ? body.parts : toParts(body, options ?? {});
    super(parts.body);
    this.#parts = parts;
  }

  get status(): number {
    return this.#parts.status;
  }

  get ok(): boolean {
    return this.#parts.status >= 200 && this.#parts.status < 300;
  }

  get statusText(): string {
    return this.#parts.statusText;
  }

  get headers(): NebulaHeaders {
    return this.#parts.headers;
  }

  get url(): string {
    return this.#parts.url;
  }

  get redirected(): boolean {
    return this.#parts.isRedirected;
  }

  get type(): string {
    return this.#parts.type;
  }

  clone(): NebulaResponse {
    const body = splitBody(this);
    return fromWire({ ...this.#parts, headers: new NebulaHeaders(this.#parts.headers), body });
  }

  get [Symbol.toStringTag](): string {
    return "Response";
  }

  static error(): NebulaResponse {
    const headers = headersFromWire([], { isImmutable: true });
    return fromWire({ status: 0, statusText: "", headers, body: null, url: "", isRedirected: false, type: "error" });
  }

  static redirect(url: unknown, status = 302): NebulaResponse {
    const target = NebulaURL.parse(url);
    if (target === null) throw new TypeError(`Failed to parse URL from ${String(url)}`);
    if (![301, 302, 303, 307, 308].includes(status)) throw new RangeError(`Invalid status code ${status}`);
    return new NebulaResponse(null, { status, headers: [["location", target.href]] });
  }

  static json(data: unknown, options: ResponseOptions = {}): NebulaResponse {
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError("Cannot make a Response: the value is not JSON");
    const headers = new NebulaHeaders(options.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return new NebulaResponse(text, { ...options, headers });
  }

  protected override contentType(): string {
    return this.headers.get("content-type") ?? "";
  }
}

/** Parts that need no check. */
class Received {
  readonly parts: Parts;

  constructor(parts: Parts) {
    this.parts = parts;
  }
}

/** A response that came over the wire. */
export function fromWire(parts: Parts): NebulaResponse {
  return new NebulaResponse(new Received(parts));
}

function toParts(body: unknown, { status = 200, statusText = "", headers: given }: ResponseOptions): Parts {
  const code = Number(status) & 0xffff;
  if (code < 200 || code > 599) {
    throw new RangeError('init["status"] must be in the range of 200 to 599, inclusive.');
  }
  if (/[^\t\u0020-\u007e\u0080-\u00ff]/.test(String(statusText))) throw new TypeError("Invalid statusText");
  const headers = new NebulaHeaders(given);
  const made = {
    status: code,
    statusText: String(statusText),
    headers,
    url: "",
    isRedirected: false,
    type: "default",
  } as const;
  if (body === null) return { ...made, body: null };
  if ([101, 204, 205, 304].includes(code))
    throw new TypeError(`Response constructor: Invalid response status code ${code}`);
  const { source, type } = extractBody(body);
  if (type !== undefined && !headers.has("content-type")) headers.append("content-type", type);
  return { ...made, body: source };
}
