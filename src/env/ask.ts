/**
 * How what stands in `env` reaches its host: one call at a time, HTTP-shaped and plain.
 *
 * Used by every host of JavaScript, so it knows web globals alone.
 */

import type { Body, HeaderList } from "../model/exchange.ts";

/** What is asked. */
export interface AskCall {
  readonly method: string;
  /** Absolute; a binding that has no addresses takes `http://binding/…`. */
  readonly url: string;
  /** Names are lower case. */
  readonly headers: HeaderList;
  readonly body: Body;
  readonly signal?: AbortSignal | undefined;
}

/** What came back. */
export interface AskAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Body;
}

/** Asks one binding. Rejects with a TypeError that has the host's words when there is no answer. */
export type Ask = (call: AskCall) => Promise<AskAnswer>;

/** The whole body. */
export async function readAll(body: Body): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) return first;
  const all = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}
