/**
 * What the top level of a function prints, for whoever builds it.
 *
 * The tool gives a top level nothing to write to. So its lines are left in memory behind a mark, and the build reads
 * them from the snapshot, which has every run of bytes that are not zero in one piece.
 */

import { encodeText } from "./encoding.ts";

/** More is not kept. */
const LIMIT_CHARS = 32_768;
/** Stand before the lines, each with JOIN behind it: in no text of the snapshot, where these words are apart. */
export const MARK_WORDS = ["nebula", "top-level", "printed"] as const;
/** Byte between words. */
export const JOIN = 3;
/** Byte that ends the lines. */
export const END = 4;

/** The lines. */
export class Printed {
  #text = "";
  /** Held so that it is in the snapshot. */
  #kept: Uint8Array | undefined;

  get text(): string {
    return this.#text;
  }

  /** How much is in memory for the build. */
  get keptBytes(): number {
    return this.#kept?.length ?? 0;
  }

  add(line: string): void {
    if (this.#text.length < LIMIT_CHARS) this.#text += `${line.slice(0, LIMIT_CHARS)}\n`;
  }

  /** Leaves the lines to the build. */
  keep(): void {
    if (this.#text === "") return;
    const words = [...MARK_WORDS, this.#text].map(encodeText);
    const bytes = new Uint8Array(words.reduce((sum, { length }) => sum + length + 1, 0));
    let at = 0;
    for (const word of words) {
      bytes.set(
        word.map((byte) => (byte === 0 || byte === END ? 0x20 : byte)),
        at,
      );
      at += word.length + 1;
      bytes[at - 1] = JOIN;
    }
    bytes[at - 1] = END;
    this.#kept = bytes;
  }
}
