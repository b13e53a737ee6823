/**
 * A program as it is sent to a process: the head that says what it is, and its bytes in one piece.
 */

import type { WasmArtifact } from "../../model/artifact.ts";
import { DEFAULT_WASI, type FunctionSpec } from "../../model/function.ts";
import type { LoadHead } from "./protocol.ts";

/** What a process is sent to have a program. */
export interface Loadable {
  readonly head: LoadHead;
  readonly body: Uint8Array;
}

/** What a program consists of. */
export interface LoadableParts {
  readonly id: string;
  readonly spec: FunctionSpec;
  readonly kind: WasmArtifact["kind"];
  readonly main: Uint8Array;
  /** By absolute path inside it. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** What it has kept, and machine code of before. */
  readonly state?: Uint8Array | undefined;
  readonly code?: Uint8Array | undefined;
  /** The most that one memory of it may grow to. */
  readonly memoryBytes: number;
}

/** Puts it together. */
export function toLoadable(parts: LoadableParts): Loadable {
  const { id, spec, kind, main, files, state, code, memoryBytes } = parts;
  const pieces = [main, ...files.values(), ...[state, code].filter((piece) => piece !== undefined)];
  return {
    head: {
      op: "load",
      id,
      name: spec.name,
      kind,
      settings: spec.wasi ?? DEFAULT_WASI,
      bindings: spec.bindings,
      memoryBytes: Math.min(spec.limits.memoryBytes, memoryBytes),
      logBytes: spec.limits.logBytes,
      mainBytes: main.byteLength,
      files: [...files].map(([path, { byteLength }]) => ({ path, bytes: byteLength })),
      stateBytes: state?.byteLength ?? 0,
      codeBytes: code?.byteLength ?? 0,
    },
    body: Buffer.concat(pieces),
  };
}
