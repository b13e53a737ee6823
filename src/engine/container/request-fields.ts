/**
 * The header fields of a request on its way to a container: what ends with the client's connection is gone, how the
 * body is framed is decided here, and the fields are added by which a server behind a proxy learns who asks.
 */

import type { Body, Call, HeaderList } from "../../model/exchange.ts";
import { findHeader } from "../../model/exchange.ts";
import { findConnection, findNamed, HOP_BY_HOP } from "../../model/hop-by-hop.ts";

/** Of what a proxy before us has said; see `addForwarded`. */
const FORWARDED = new Set([
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-prefix",
  "x-forwarded-proto",
]);
const NOT_PASSED_ON = new Set([...HOP_BY_HOP, ...FORWARDED, "content-length", "expect"]);
/** Methods that say nothing by having no body (RFC 9110, section 8.6). */
const MAY_BE_BARE = new Set(["GET", "HEAD", "DELETE", "OPTIONS"]);
const LENGTH = /^\d{1,15}$/;

/** As they are written, and how long the body is where the fields say so. */
export interface RequestFields {
  readonly fields: string[];
  readonly lengthBytes: number | undefined;
}

/** Called once per request. */
export function toRequestFields({ head, body, upgrade }: Call): RequestFields {
  const connection = findConnection(head.headers);
  const named = connection === undefined ? undefined : findNamed(connection);
  const fields: string[] = [];
  for (let i = 0; i + 1 < head.headers.length; i += 2) {
    const name = head.headers[i] ?? "";
    if (!NOT_PASSED_ON.has(name) && named?.has(name) !== true) fields.push(name, head.headers[i + 1] ?? "");
  }
  addForwarded(fields, head);
  if (upgrade !== undefined) fields.push("connection", "Upgrade", "upgrade", upgrade);
  const lengthBytes = findLength(body, head);
  if (lengthBytes !== undefined) fields.push("content-length", String(lengthBytes));
  else if (body !== null) fields.push("transfer-encoding", "chunked");
  return { fields, lengthBytes };
}

/** A stream keeps the length that the client declared: not every server reads chunks. */
function findLength(body: Body, { method, headers }: Call["head"]): number | undefined {
  if (body instanceof Uint8Array) return body.byteLength;
  if (body === null) return MAY_BE_BARE.has(method) ? undefined : 0;
  const declared = findHeader(headers, "content-length");
  return declared !== undefined && LENGTH.test(declared) ? Number(declared) : undefined;
}

/**
 * Who asked, for which host, over what, and what stands before the path. A proxy on this machine is believed, as one
 * that ends TLS; whoever comes over the network is not.
 */
function addForwarded(fields: string[], { url, headers, basePath }: Call["head"]): void {
  const client = findHeader(headers, "cf-connecting-ip") ?? "";
  const before = isLoopback(client) ? headers : [];
  const chain = joinAll(before, "x-forwarded-for");
  fields.push("x-forwarded-for", chain === "" ? client : `${chain}, ${client}`);
  fields.push("x-forwarded-proto", findHeader(before, "x-forwarded-proto") ?? url.slice(0, url.indexOf(":")));
  fields.push("x-forwarded-host", findHeader(before, "x-forwarded-host") ?? findHeader(headers, "host") ?? "");
  const prefix = (findHeader(before, "x-forwarded-prefix") ?? "") + (basePath ?? "");
  if (prefix !== "") fields.push("x-forwarded-prefix", prefix);
}

/** Such a list may stand in several lines. */
function joinAll(headers: HeaderList, name: string): string {
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === name).join(", ");
}

function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.") || address.startsWith("::ffff:127.");
}
