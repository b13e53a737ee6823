/**
 * The network as a function sees it: only hosts of its allow-list, and never an address that a name was not
 * allowed to lead to.
 *
 * Deny by default. A name that resolves to a private, loopback or link-local address is refused, but for localhost;
 * such an address itself may stand on the list. Every hop of a redirect is held to the same.
 */

import { type LookupAddress, type LookupAllOptions, lookup } from "node:dns";
import { BlockList, isIP } from "node:net";
import { Agent, type Dispatcher, fetch } from "undici";
import { NebulaError, toNebulaError } from "../model/errors.ts";
import type { Call, HeaderList } from "../model/exchange.ts";
import type { OutboundReason } from "../model/outbound-reason.ts";
import { type Capabilities, type Clock, type OutboundAnswer, systemClock } from "../model/ports.ts";
import { toTrailers } from "../model/trailers.ts";
import { findReason } from "./outbound-failure.ts";

/** Whose way to the network it is, and where it may lead. */
export interface OutboundOptions {
  /** The function, for messages. */
  readonly name: string;
  /** `api.example.com`, `*.example.com`, `127.0.0.1:9000`; see FunctionSpec. */
  readonly allow: readonly string[];
  readonly headersTimeoutMs: number;
  /** Default the system's. */
  readonly clock?: Clock;
  /** For tests; default the system's. */
  readonly resolve?: Resolve;
}

/** Finds the addresses of a host name; calls back with an error or with all of them. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

/** One function's way to the network. */
export interface Outbound extends AsyncDisposable {
  readonly fetch: Capabilities["outbound"];
}

const MAX_REDIRECTS = 20;
/** Sockets of one function to one origin; more requests wait for one. */
const MAX_CONNECTIONS = 128;
/** Headers that belong to one connection, or that undici sets itself. */
const HOP_BY_HOP = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** Gone when a redirect leads to another origin (https://fetch.spec.whatwg.org/#http-redirect-fetch). */
const CREDENTIALS = new Set(["authorization", "cookie", "proxy-authorization"]);
/** Gone when a redirect turns a request into a GET. */
const OF_BODY = new Set(["content-encoding", "content-language", "content-location", "content-type"]);

/** Addresses that are not the public internet (RFC 6890). */
function createPrivateRanges(): BlockList {
  const ranges = new BlockList();
  const v4 = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
  ];
  const v6 = [
    "::/127",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
  ];
  for (const [family, list] of [
    ["ipv4", v4],
    ["ipv6", v6],
  ] as const) {
    for (const range of list) {
      const [network = "", prefix = "0"] = range.split("/");
      ranges.addSubnet(network, Number(prefix), family);
    }
  }
  return ranges;
}

/** One function's way to the network. Holds kept-alive connections until it is disposed. */
export function createOutbound(options: OutboundOptions): Outbound {
  const { name, allow, headersTimeoutMs, resolve = lookup, clock = systemClock } = options;
  const privateRanges = createPrivateRanges();
  const isPrivate = (address: string) => privateRanges.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  const denied = (host: string, why: string, { hint, reason = "denied" }: Partial<Denial> = {}) =>
    new NebulaError("NEBULA_OUTBOUND_DENIED", `Cannot fetch from "${host}": ${why}`, {
      hint,
      details: { function: name, host, reason },
    });

  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    headersTimeout: headersTimeoutMs,
    connect: {
      lookup: (hostname, options, callback) => {
        resolve(hostname, { ...options, all: true }, (error, addresses) => {
          if (error !== null) return callback(error, []);
          const found = addresses.filter(({ address }) => hostname === "localhost" || !isPrivate(address));
          if (found.length > 0) return callback(null, found);
          const hint = "name the address itself in outbound";
          callback(denied(hostname, "its name leads to a private address", { hint, reason: "address-denied" }), []);
        });
      },
    },
  });

  const check = (url: URL) => {
    if (url.protocol !== "http:" && url.protocol !== "https:")
      throw denied(url.protocol, "only http and https leave the node");
    // because what stands before the host is a secret, and undici would repeat it
    if (url.username !== "" || url.password !== "")
      throw denied(url.host, "its URL holds a user or a password", {
        hint: "send them as the header authorization",
        reason: "url",
      });
    if (!allow.some((pattern) => mayReach(pattern, url))) {
      const hint = `add "${url.host}" to outbound under [nebula]`;
      throw denied(url.host, "it is not on the function's allow-list", { hint });
    }
  };

  const send = async (
    call: Call,
    { redirect, connectTimeoutMs }: Parameters<Capabilities["outbound"]>[1],
  ): Promise<OutboundAnswer> => {
    let url = parseUrl(call.head.url);
    let { method } = call.head;
    let headers = toPairs(call.head.headers).filter(([key]) => !HOP_BY_HOP.has(key));
    let { body } = call;
    for (let hops = 0; ; hops += 1) {
      check(url);
      const asked = new Asked(url, { connectTimeoutMs, clock });
      const signal = asked.limit(call.signal);
      const init = { method, headers, body, redirect: "manual" as const, signal, dispatcher: asked.over(agent) };
      const response = await fetch(url, body === null ? init : { ...init, duplex: "half" as const });
      const location = response.headers.get("location");
      const isRedirect = [301, 302, 303, 307, 308].includes(response.status) && location !== null;
      if (!isRedirect || redirect === "manual") {
        return {
          head: { status: response.status, headers: readHeaders(response.headers) },
          body: toBody(response.body),
          url: url.href,
          trailers: response.body === null ? undefined : asked.trailers,
          explain: (thrown) => explain(thrown, call),
        };
      }
      await response.body?.cancel();
      if (redirect === "error") throw failed(url, "it answered with a redirect");
      if (hops >= MAX_REDIRECTS) throw failed(url, `it led through more than ${MAX_REDIRECTS} redirects`);
      const next = parseUrl(new URL(location, url).href);
      const becomesGet = response.status === 303 ? method !== "HEAD" : response.status < 303 && method === "POST";
      if (!becomesGet && body instanceof ReadableStream)
        throw failed(url, "it redirects a request whose body is spent");
      if (becomesGet) {
        method = "GET";
        body = null;
        headers = headers.filter(([key]) => !OF_BODY.has(key));
      }
      if (next.origin !== url.origin) headers = headers.filter(([key]) => !CREDENTIALS.has(key));
      url = next;
    }
  };

  const explain = (thrown: unknown, { head, signal }: Call): NebulaError => {
    const inner = thrown instanceof TypeError && thrown.cause instanceof NebulaError ? thrown.cause : thrown;
    if (inner instanceof NebulaError) return inner;
    if (signal.aborted) return toNebulaError(signal.reason);
    const why = inner instanceof Error ? describe(inner) : "the network failed";
    return failed(parseUrl(head.url), why, { cause: inner, reason: findReason(inner) });
  };

  return {
    fetch: async (call, options) => {
      try {
        return await send(call, options);
      } catch (thrown) {
        throw explain(thrown, call);
      }
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

/** How to go on after a refusal, and its word for guests. */
interface Denial {
  readonly hint: string;
  readonly reason: OutboundReason;
}

/** One request on the wire: how long its connection may take, and what comes after the body of its answer. */
class Asked {
  readonly #trailers = Promise.withResolvers<HeaderList | undefined>();
  readonly #late: AbortController | undefined;
  readonly #timer: Disposable | undefined;

  constructor(url: URL, { connectTimeoutMs, clock }: { connectTimeoutMs: number | undefined; clock: Clock }) {
    if (connectTimeoutMs === undefined) return;
    const late = new AbortController();
    this.#late = late;
    this.#timer = clock.after(connectTimeoutMs, () =>
      late.abort(failed(url, `it was not connected after ${connectTimeoutMs} ms`, { reason: "connect-timeout" })),
    );
  }

  /** Known when the answer is whole; one that breaks off has none. */
  get trailers(): Promise<HeaderList | undefined> {
    return this.#trailers.promise;
  }

  /** The signal, with the time limit where there is one. */
  limit(signal: AbortSignal): AbortSignal {
    return this.#late === undefined ? signal : AbortSignal.any([signal, this.#late.signal]);
  }

  /** The agent as the request sees it: with an eye on what fetch does not tell. */
  over(agent: Agent): Dispatcher {
    return agent.compose((dispatch) => (options, handler) => dispatch(options, this.#watch(handler)));
  }

  #watch(inner: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler {
    return {
      // Called when a connection is there and the request is about to be written to it.
      onRequestStart: (controller, context) => {
        this.#timer?.[Symbol.dispose]();
        inner.onRequestStart?.(controller, context);
      },
      onRequestUpgrade: (...all) => inner.onRequestUpgrade?.(...all),
      onResponseStarted: () => inner.onResponseStarted?.(),
      onResponseStart: (...all) => inner.onResponseStart?.(...all),
      onResponseData: (...all) => inner.onResponseData?.(...all),
      onResponseEnd: (controller, trailers) => {
        const list = Object.entries(trailers ?? {}).flatMap(([name, value]) =>
          [value ?? []].flat().flatMap((one) => [name, one]),
        );
        this.#trailers.resolve(toTrailers(list));
        inner.onResponseEnd?.(controller, trailers);
      },
      onResponseError: (controller, error) => {
        this.#timer?.[Symbol.dispose]();
        this.#trailers.resolve(undefined);
        inner.onResponseError?.(controller, error);
      },
      onRequestSent: () => inner.onRequestSent?.(),
    };
  }
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/** `host[:port]`, where the host may begin with `*.`; without a port the default one of each scheme is meant. */
function mayReach(pattern: string, url: URL): boolean {
  const [, host = "", port = ""] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(pattern.toLowerCase()) ?? [];
  if (port === "" ? url.port !== "" : port !== (url.port || DEFAULT_PORTS[url.protocol])) return false;
  return host.startsWith("*.") ? url.hostname.endsWith(host.slice(1)) : url.hostname === host;
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null) {
    throw new NebulaError("NEBULA_OUTBOUND_DENIED", "Cannot fetch: the URL is not one", { details: { reason: "url" } });
  }
  return url;
}

function toPairs(list: HeaderList): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < list.length; i += 2) pairs.push([list[i] ?? "", list[i + 1] ?? ""]);
  return pairs;
}

/** undici has decoded the body already, so its coding and length are not true any more. */
function readHeaders(headers: Iterable<[string, string]>): string[] {
  return [...headers].filter(([key]) => !HOP_BY_HOP.has(key) && key !== "content-encoding").flat();
}

function toBody(body: unknown): ReadableStream<Uint8Array> | null {
  return body instanceof ReadableStream ? body : null;
}

function failed(
  url: URL,
  why: string,
  { cause, reason }: { cause?: unknown; reason?: OutboundReason | undefined } = {},
): NebulaError {
  const details = reason === undefined ? {} : { reason };
  return new NebulaError("NEBULA_OUTBOUND_FAILED", `Cannot fetch from "${url.host}": ${why}`, { details, cause });
}

function describe(error: Error): string {
  const { cause = error } = error;
  if (cause instanceof Error) return "code" in cause ? String(cause.code) : cause.message;
  return error.message;
}
