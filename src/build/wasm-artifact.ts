/**
 * Puts a Wasm artifact together out of what the steps made.
 */

import type { Digest, WasmArtifact } from "../model/artifact.ts";
import { type BlobSource, toBlob, toDigest } from "./blob-source.ts";
import type { StepOutput } from "./step.ts";
import type { Mounts, WasmProgram } from "./wasm-program.ts";

/** The program as the last of these steps left it. */
export function findProgram(outputs: readonly StepOutput[]): WasmProgram | undefined {
  return outputs.findLast((output) => output.program)?.program;
}

/** The files; none when no step brought any. */
export function findMounts(outputs: readonly StepOutput[]): Mounts {
  return outputs.find((output) => output.mounts)?.mounts ?? new Map();
}

/** The artifact and the bytes of all blobs that it names. Paths are in order, so that the same files give the same digest. */
export function toWasmArtifact({ kind, bytes, sourceMap, savings }: WasmProgram, mounts: Mounts) {
  const main = toBlob(bytes);
  const sorted = [...mounts].sort(([a], [b]) => (a < b ? -1 : 1));
  const artifact: WasmArtifact = {
    kind,
    main,
    files: Object.fromEntries(sorted.map(([path, file]) => [path, { digest: file.digest, bytes: file.bytes }])),
    ...(sourceMap && { sourceMap: toBlob(sourceMap) }),
    savings,
  };
  const blobs = new Map<Digest, BlobSource>(sorted.map(([, { digest, source }]) => [digest, source]));
  for (const content of [bytes, ...(sourceMap ? [sourceMap] : [])]) {
    blobs.set(toDigest(content), { from: "memory", content });
  }
  return { artifact, blobs };
}
