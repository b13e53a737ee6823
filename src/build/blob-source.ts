/**
 * Where the bytes of a built blob are until somebody uploads them: in memory, or in a file of the author's.
 */

import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Blob, Digest } from "../model/artifact.ts";

/** A file is named rather than held where it may be large; it can change under us, so whoever reads it checks the digest. */
export type BlobSource =
  | { readonly from: "memory"; readonly content: Uint8Array }
  | { readonly from: "file"; readonly path: string; readonly bytes: number };

/** What a build hands over by digest. */
export type BlobSources = ReadonlyMap<Digest, BlobSource>;

/** The SHA-256 name of some bytes. */
export function toDigest(content: Uint8Array): Digest {
  return `sha256:${hash("sha256", content, "hex")}`;
}

/** Names bytes by digest and size. */
export function toBlob(content: Uint8Array): Blob {
  return { digest: toDigest(content), bytes: content.byteLength };
}

/** The bytes themselves. Rejects with the file system's error when the file has gone. */
export async function readBlobSource(source: BlobSource): Promise<Uint8Array> {
  return source.from === "memory" ? source.content : await readFile(source.path);
}
