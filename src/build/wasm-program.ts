/**
 * A Wasm program on its way through the build, and the files that ship with it.
 */

import type { Blob, Saving, WasmArtifact } from "../model/artifact.ts";
import type { BlobSource } from "./blob-source.ts";

/** What one step hands to the next. */
export interface WasmProgram {
  readonly kind: WasmArtifact["kind"];
  readonly bytes: Uint8Array;
  /** Of JavaScript inside it. */
  readonly sourceMap?: Uint8Array;
  /** The export that fills its memory before it is snapshotted. */
  readonly snapshotHook?: string;
  /** What the steps so far were worth. */
  readonly savings: readonly Saving[];
}

/** Files that ship with a program: absolute path inside it → where the bytes are. */
export type Mounts = ReadonlyMap<string, Blob & { readonly source: BlobSource }>;
