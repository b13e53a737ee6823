/**
 * A page of keys, as one JSON text that is made while it is sent: the storage process gives some of them at a time.
 */

import { readBody } from "../../frames/read-body.ts";
import type { Body } from "../../model/exchange.ts";
import type { AskStore } from "./pieces.ts";
import type { KvAnswers } from "./protocol.ts";

/** Which keys are wanted, and who is asked. */
export interface PageOptions {
  readonly ask: AskStore;
  readonly prefix: string;
  readonly limit: number;
  /** Where the page before ended. */
  readonly cursor: string | undefined;
  readonly nowSeconds: number;
}

interface Part {
  readonly head: KvAnswers["list"];
  readonly text: Uint8Array;
}

/** A KvPage. */
export async function readPage(options: PageOptions): Promise<Body> {
  const { limit, cursor } = options;
  const first = await ask(options, { limit, cursor });
  const text = write(first, options);
  const isAll = first.head.cursor === undefined || first.head.count === limit;
  const body = ReadableStream.from(text);
  return isAll ? await readBody(body) : body;
}

async function ask(
  { ask, prefix, nowSeconds }: PageOptions,
  { limit, cursor }: Pick<PageOptions, "limit" | "cursor">,
): Promise<Part> {
  const { head, body } = await ask<"list">({ op: "list", prefix, limit, cursor, now: nowSeconds });
  return { head, text: await readBody(body) };
}

async function* write(first: Part, options: PageOptions): AsyncGenerator<Uint8Array> {
  let left = options.limit;
  yield Buffer.from('{"keys":[');
  for (let part = first; ; ) {
    const { count, cursor } = part.head;
    yield part.text;
    left -= count;
    if (cursor === undefined || left === 0) {
      const end = { list_complete: cursor === undefined, ...(cursor !== undefined && { cursor }) };
      yield Buffer.from(`],${JSON.stringify(end).slice(1)}`);
      return;
    }
    part = await ask(options, { limit: left, cursor });
    if (part.head.count > 0) yield Buffer.from(",");
  }
}
