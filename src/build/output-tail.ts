/**
 * Keeps the end of an output of any length in bounded memory.
 */

import { stripVTControlCharacters } from "node:util";

/** The last lines of an output, whatever its length. */
export interface Tail {
  push(chunk: Uint8Array): void;
  /** The last bytes as text without terminal control sequences, and how many bytes came before them. */
  end(): { readonly output: string; readonly droppedBytes: number };
}

/** Keeps the last `limitBytes`, and never more than that and one chunk. */
export function createTail(limitBytes: number): Tail {
  const chunks: Uint8Array[] = [];
  let keptBytes = 0;
  let droppedBytes = 0;
  return {
    push(chunk) {
      chunks.push(chunk);
      keptBytes += chunk.byteLength;
      for (let first = chunks[0]; first !== undefined; first = chunks[0]) {
        if (keptBytes - first.byteLength < limitBytes) break;
        chunks.shift();
        keptBytes -= first.byteLength;
        droppedBytes += first.byteLength;
      }
    },
    end() {
      const all = Buffer.concat(chunks);
      const kept = all.subarray(Math.max(0, all.byteLength - limitBytes));
      const output = stripVTControlCharacters(kept.toString());
      return { output, droppedBytes: droppedBytes + all.byteLength - kept.byteLength };
    },
  };
}

/** The last lines of a text that have something on them. */
export function toLastLines(text: string, count: number): string {
  return text
    .split(/\r?\n|\r/)
    .filter((line) => line.trim() !== "")
    .slice(-count)
    .join("\n");
}
