/**
 * Several values at once, as one JSON text that is made while it is sent: no more than some pieces of it are in memory.
 */

import { readBody } from "../../frames/read-body.ts";
import type { Body } from "../../model/exchange.ts";
import { type KvRefusal, MAX_VALUE_BYTES, TOO_MUCH_AT_ONCE } from "../../model/kv.ts";
import type { AskStore, PieceStore } from "./pieces.ts";
import type { Found } from "./protocol.ts";

/** What is asked for, and with what. */
export interface ManyOptions {
  readonly ask: AskStore;
  readonly pieces: PieceStore;
  readonly keys: readonly string[];
  readonly nowSeconds: number;
}

/** What the storage gave for the first of the keys. */
interface Part {
  readonly found: readonly (Found | null)[];
  readonly values: Uint8Array;
}

/** A list with `{ value, metadata }` or null for each key; refused when the values are too much together. */
export async function readMany(options: ManyOptions): Promise<Body | KvRefusal> {
  const { keys } = options;
  const { bytes, ...part } = await ask(options, keys);
  if (bytes > MAX_VALUE_BYTES) return TOO_MUCH_AT_ONCE;
  const isAll = part.found.length === keys.length && part.found.every((each) => each?.pieces === undefined);
  if (!isAll) return ReadableStream.from(write(part, options));
  const texts: Uint8Array[] = [];
  for await (const text of write(part, options)) texts.push(text);
  return Buffer.concat(texts);
}

async function ask({ ask, nowSeconds }: ManyOptions, keys: readonly string[]): Promise<Part & { bytes: number }> {
  const { head, body } = await ask<"many">({ op: "many", keys, now: nowSeconds });
  return { ...head, values: await readBody(body) };
}

async function* write(first: Part, options: ManyOptions): AsyncGenerator<Uint8Array> {
  const { keys, pieces } = options;
  let written = 0;
  for (let part = first; ; part = await ask(options, keys.slice(written))) {
    let at = 0;
    for (const each of part.found) {
      yield Buffer.from(written === 0 ? "[" : ",");
      written += 1;
      if (each === null) {
        yield Buffer.from("null");
        continue;
      }
      const { bytes, metadata = "null" } = each;
      const whole = part.values.subarray(at, at + bytes);
      at += bytes;
      yield* writeValue(each.pieces === undefined ? [whole] : pieces.read(each.pieces));
      yield Buffer.from(`,"metadata":${metadata}}`);
    }
    if (written >= keys.length) break;
  }
  yield Buffer.from("]");
}

async function* writeValue(parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  yield Buffer.from('{"value":"');
  for await (const part of parts) yield inQuotes(decoder.decode(part, { stream: true }));
  yield inQuotes(decoder.decode());
  yield Buffer.from('"');
}

/** As it stands within the quotes of JSON. */
function inQuotes(text: string): Uint8Array {
  return Buffer.from(JSON.stringify(text).slice(1, -1));
}
