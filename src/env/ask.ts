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

/** What answers requests: static files, another function. Its types are those of the host of JavaScript. */
export interface Fetcher {
  readonly fetch: (...args: never[]) => Promise<unknown>;
}

/** The whole body. @throws {TypeError} when it is longer than it may be. */
export async function readAll(body: Body, limitBytes = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body instanceof Uint8Array ? [body] : body) {
    bytes += chunk.byteLength;
    if (bytes > limitBytes) throw new TypeError(`Cannot read a body of more than ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) return first;
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}
