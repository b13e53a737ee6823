/**
 * May a response be kept, and for how long? The rules of a shared cache, with the lifetimes that Cloudflare gives to what
 * says nothing of its own.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9111#section-3
 * @see https://developers.cloudflare.com/cache/concepts/default-cache-behavior/ (Edge TTL)
 */

import { findHeader, type HeaderList } from "../../model/exchange.ts";

/** What is to be kept. */
export interface Candidate {
  readonly status: number;
  readonly headers: HeaderList;
  /** The request that it answers had an Authorization header. */
  readonly isAuthorized: boolean;
}

/** What may be kept. */
export interface Keepable {
  /** Without those of the connection, and without cookies. */
  readonly headers: HeaderList;
  readonly lifetimeMs: number;
  /** In seconds, what it said when it came. */
  readonly age: number;
}

type Directives = ReadonlyMap<string, string>;

/** Statuses that a cache understands, by what they mean for the URL. */
const UNDERSTOOD: ReadonlySet<number> = new Set([200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501]);
/** In seconds, by status. */
const DEFAULT_LIFETIMES: Readonly<Record<number, number>> = {
  200: 7_200,
  301: 7_200,
  302: 1_200,
  303: 1_200,
  404: 180,
  410: 180,
};
const OF_A_CONNECTION: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** `undefined` when it may not be kept, or would be stale at once. */
export function findKeepable({ status, headers, isAuthorized }: Candidate, nowMs: number): Keepable | undefined {
  const directives = readDirectives(findHeader(headers, "cache-control") ?? "");
  const isWithoutCookies = directives.get("private")?.toLowerCase() === "set-cookie";
  if (!UNDERSTOOD.has(status) || directives.has("no-store") || directives.has("no-cache")) return undefined;
  if (directives.has("private") && !isWithoutCookies) return undefined;
  if (findHeader(headers, "set-cookie") !== undefined && !isWithoutCookies) return undefined;
  if (isAuthorized && !["public", "s-maxage", "must-revalidate"].some((name) => directives.has(name))) return undefined;
  const age = toSeconds(findHeader(headers, "age") ?? "0");
  const lifetime = findLifetime({ status, headers, directives, nowMs }) - age;
  if (!(lifetime > 0)) return undefined;
  const kept = headers.filter((_, i) => {
    const name = headers[i - (i % 2)] ?? "";
    return !OF_A_CONNECTION.has(name) && name !== "set-cookie" && name !== "age";
  });
  return { headers: kept, lifetimeMs: lifetime * 1_000, age };
}

/** In seconds from when the response was made. */
function findLifetime({
  status,
  headers,
  directives,
  nowMs,
}: Omit<Candidate, "isAuthorized"> & { directives: Directives; nowMs: number }): number {
  const told = directives.get("s-maxage") ?? directives.get("max-age");
  if (told !== undefined) return toSeconds(told);
  const expires = findHeader(headers, "expires");
  if (expires === undefined) return DEFAULT_LIFETIMES[status] ?? 0;
  const date = Date.parse(findHeader(headers, "date") ?? "");
  return (Date.parse(expires) - (Number.isNaN(date) ? nowMs : date)) / 1_000;
}

/** Names are lower case; what has no value has an empty one. */
function readDirectives(text: string): Directives {
  const found = new Map<string, string>();
  for (const [, name = "", value = ""] of text.matchAll(/([^\s,;="]+)\s*(?:=\s*("[^"]*"|[^\s,;"]*))?/g)) {
    found.set(name.toLowerCase(), value.replaceAll('"', ""));
  }
  return found;
}

/** Nonsense is 0. */
function toSeconds(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : 0;
}
