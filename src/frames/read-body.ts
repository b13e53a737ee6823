/**
 * Reads a body to its end, without the weight of a web Response.
 */

import type { Body } from "../model/exchange.ts";

/** All of it as one piece. Rejects with the stream's error. */
export async function readBody(body: Body): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  if (body instanceof Uint8Array) return body;
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts);
}
