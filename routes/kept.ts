/**
 * Keeps answers until what they are made from changes.
 *
 * A page of the gallery is the same for everybody until something is published or voted for, and then the number
 * `version()` is another one. So a request costs one small question; the page is made once. No page is ever out of date.
 */

import type { Context, MiddlewareHandler } from "hono";
import type { Site } from "./model.ts";

const MAX_BYTES = 8 * 1024 * 1024;
const MAX_BODY_BYTES = 256 * 1024;

interface Kept {
  readonly version: number;
  readonly body: ArrayBuffer;
  readonly headers: [string, string][];
}

/**
 * Makes a keeper with a memory of its own, of at most 8 MiB. What was not asked for the longest goes first.
 *
 * For routes whose answer follows from their URL and what has the version alone: nothing of a visitor may be in it.
 */
export function createKeeper(findVersion: (c: Context<Site>) => number | Promise<number>): MiddlewareHandler<Site> {
  const all = new Map<string, Kept>();
  let bytes = 0;

  const forget = (url: string) => {
    bytes -= all.get(url)?.body.byteLength ?? 0;
    all.delete(url);
  };
  const remember = (url: string, kept: Kept) => {
    forget(url);
    bytes += kept.body.byteLength;
    all.set(url, kept);
    for (const oldest of all.keys()) {
      if (bytes <= MAX_BYTES) break;
      forget(oldest);
    }
  };

  return async (c, next) => {
    if (c.req.method !== "GET" && c.req.method !== "HEAD") return next();
    const { url } = c.req;
    // Asked before the page is made: what changes meanwhile makes the page newer than it says, and it is made again.
    const version = await findVersion(c);
    const kept = all.get(url);
    if (kept?.version === version) {
      all.delete(url);
      all.set(url, kept);
      return new Response(kept.body, { headers: kept.headers });
    }
    await next();
    if (c.res.status !== 200) return;
    const body = await c.res.arrayBuffer();
    const headers: [string, string][] = [...c.res.headers, ["etag", await toEtag(body)]];
    if (body.byteLength <= MAX_BODY_BYTES) remember(url, { version, body, headers });
    c.res = undefined; // or its headers would be added to the new ones
    c.res = new Response(body, { headers });
  };
}

/** A strong validator of these bytes. */
export async function toEtag(body: ArrayBuffer | Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body)).subarray(0, 12);
  return `"${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}"`;
}
