/**
 * A Wasm program on its way through the build, and the artifact that it becomes.
 */

import type { Blob, Digest, Saving, WasmArtifact } from "../model/artifact.ts";
import { type BlobSource, toBlob } from "./blob-source.ts";
import type { StepOutput } from "./step.ts";

/** What one step hands to the next. */
export interface WasmProgram {
  readonly kind: WasmArtifact["kind"];
  readonly bytes: Uint8Array;
  /** The export that fills its memory before it is snapshotted. */
  readonly snapshotHook?: string;
  /** What the steps so far were worth. */
  readonly savings: readonly Saving[];
}

/** Files that ship with a program: absolute path inside it → where the bytes are. */
export type Mounts = ReadonlyMap<string, Blob & { readonly source: BlobSource }>;

/** The program as the last of these steps left it. */
export function findProgram(outputs: readonly StepOutput[]): WasmProgram | undefined {
  return outputs.findLast((output) => output.program)?.program;
}

/** The files; none when no step brought any. */
export function findMounts(outputs: readonly StepOutput[]): Mounts {
  return outputs.find((output) => output.mounts)?.mounts ?? new Map();
}

/** The artifact and the bytes of all blobs that it names. Paths are in order, so that the same files give the same digest. */
export function toWasmArtifact({ kind, bytes, savings }: WasmProgram, mounts: Mounts) {
  const main = toBlob(bytes);
  const sorted = [...mounts].sort(([a], [b]) => (a < b ? -1 : 1));
  const artifact: WasmArtifact = {
    kind,
    main,
    files: Object.fromEntries(sorted.map(([path, file]) => [path, { digest: file.digest, bytes: file.bytes }])),
    savings,
  };
  const blobs = new Map<Digest, BlobSource>(sorted.map(([, { digest, source }]) => [digest, source]));
  blobs.set(main.digest, { from: "memory", content: bytes });
  return { artifact, blobs };
}
