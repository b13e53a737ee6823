/**
 * Large values on their way between a function and the storage process: a piece at a time, so that no value is whole in
 * the host's memory.
 *
 * Pieces that a key had before are dropped when nobody reads them any more.
 */

import { randomInt } from "node:crypto";
import { readBody } from "../../frames/read-body.ts";
import type { Body } from "../../model/exchange.ts";
import { findValueProblem, type KvRefusal } from "../../model/kv.ts";
import { type KvAnswers, type KvHead, PIECE_BYTES, type Pieces, WHOLE_BYTES } from "./protocol.ts";

/** How the storage process is asked about one namespace. */
export type AskStore = <Op extends keyof KvAnswers>(
  head: Extract<KvHead, { op: Op }> extends infer Head ? Omit<Head, "namespace"> & { readonly op: Op } : never,
  body?: Uint8Array | null,
) => Promise<{ readonly head: KvAnswers[Op]; readonly body: Body }>;

/** Numbers are drawn from so many that no two are ever the same. */
const MOST_ID = 2 ** 48 - 1;

/** The pieces of the values of one namespace. */
export class PieceStore {
  readonly #ask: AskStore;
  /** By number, how many read it. */
  readonly #readers = new Map<number, number>();
  /** To be dropped when the last has read them. */
  readonly #unwanted = new Set<number>();

  constructor(ask: AskStore) {
    this.#ask = ask;
  }

  /** The value itself where it is small, otherwise the pieces that it was written as; or why it is refused. */
  async write(body: Body): Promise<Uint8Array | Pieces | KvRefusal> {
    if (body === null) return new Uint8Array();
    if (!(body instanceof Uint8Array)) return await this.#writeStream(body);
    if (body.byteLength <= WHOLE_BYTES) return body;
    return findValueProblem(body.byteLength) ?? (await this.#writeStream(ReadableStream.from([body])));
  }

  /** A value as it comes off the disk. Its pieces stay until it was read or given up. */
  read({ id, bytes }: Pieces): ReadableStream<Uint8Array> {
    let at = 0;
    this.#readers.set(id, (this.#readers.get(id) ?? 0) + 1);
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const { body } = await this.#ask<"read">({ op: "read", id, at }).catch((error: unknown) => {
            this.#release(id);
            throw error;
          });
          const part = await readBody(body);
          controller.enqueue(part);
          at += part.byteLength;
          if (at < bytes) return;
          this.#release(id);
          controller.close();
        },
        cancel: () => this.#release(id),
      },
      { highWaterMark: 0 },
    );
  }

  /** Takes away what no key has any more. Those that are being read go later; a failure leaves them to the next start. */
  drop(ids: readonly number[]): void {
    const free = ids.filter((id) => !this.#readers.has(id));
    for (const id of ids) if (this.#readers.has(id)) this.#unwanted.add(id);
    if (free.length > 0) this.#ask<"drop">({ op: "drop", ids: free }).catch(() => {});
  }

  #release(id: number): void {
    const left = (this.#readers.get(id) ?? 1) - 1;
    if (left > 0) {
      this.#readers.set(id, left);
      return;
    }
    this.#readers.delete(id);
    if (this.#unwanted.delete(id)) this.drop([id]);
  }

  async #writeStream(stream: ReadableStream<Uint8Array>): Promise<Uint8Array | Pieces | KvRefusal> {
    const id = randomInt(MOST_ID);
    let piece = new Uint8Array(0);
    let filled = 0;
    let written = 0;
    let isKept = false;
    const flush = async () => {
      await this.#ask<"piece">({ op: "piece", id, at: written }, piece.subarray(0, filled));
      written += filled;
      filled = 0;
    };
    try {
      for await (const part of stream) {
        const problem = findValueProblem(written + filled + part.byteLength);
        if (problem !== undefined) return problem;
        for (let taken = 0; taken < part.byteLength; ) {
          if (filled === PIECE_BYTES) await flush();
          const some = part.subarray(taken, taken + PIECE_BYTES - filled);
          piece = withRoom(piece, filled + some.byteLength);
          piece.set(some, filled);
          filled += some.byteLength;
          taken += some.byteLength;
        }
      }
      if (written === 0 && filled <= WHOLE_BYTES) return piece.subarray(0, filled);
      await flush();
      isKept = true;
      return { id, bytes: written };
    } finally {
      if (!isKept && written > 0) this.drop([id]);
    }
  }
}

/** Small values need no room for a whole piece. */
function withRoom(piece: Uint8Array<ArrayBuffer>, bytes: number): Uint8Array<ArrayBuffer> {
  if (bytes <= piece.byteLength) return piece;
  const larger = new Uint8Array(Math.min(PIECE_BYTES, Math.max(bytes, piece.byteLength * 4)));
  larger.set(piece);
  return larger;
}
