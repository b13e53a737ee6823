/**
 * The files of a `.tar.gz`, for tests that mount what others have packed.
 */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const BLOCK = 512;

/** Path → content of every regular file; `to` goes before each path. Names longer than a header holds are not read. */
export function readTarGz(file: string, to = "/"): Record<string, Uint8Array> {
  const tar = gunzipSync(readFileSync(file));
  const files: Record<string, Uint8Array> = {};
  for (let at = 0; at + BLOCK <= tar.byteLength; ) {
    const text = (from: number, length: number) =>
      tar
        .subarray(at + from, at + from + length)
        .toString("latin1")
        .replace(/\0.*$/s, "");
    const name = text(345, 155) === "" ? text(0, 100) : `${text(345, 155)}/${text(0, 100)}`;
    const bytes = Number.parseInt(text(124, 12), 8) || 0;
    const content = tar.subarray(at + BLOCK, at + BLOCK + bytes);
    if (["0", ""].includes(text(156, 1)) && name !== "") files[to + name.replace(/^\.?\//, "")] = content;
    at += BLOCK + Math.ceil(bytes / BLOCK) * BLOCK;
  }
  return files;
}
