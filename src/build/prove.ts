/**
 * What a step that claims to save time has to show: the same answers, and not more time.
 *
 * How a program is run is not known here: whoever composes the build hands in an engine's way of doing it.
 */

import type { Saving, WasmArtifact } from "../model/artifact.ts";
import type { FunctionSpec } from "../model/function.ts";
import { formatMs } from "../model/units.ts";

/** A program with all that it is run with. */
export interface ProofSubject {
  readonly kind: WasmArtifact["kind"];
  readonly bytes: Uint8Array;
  /** Its proof requests are in `wasi.proof`. */
  readonly spec: FunctionSpec;
  /** Absolute path inside the program → content. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** How it did. */
export interface ProofResult {
  /** Equal exactly when all answers are: status, body, exit code. */
  readonly answers: string;
  /** Of whole invocations, each with a fresh instance. */
  readonly medianMs: number;
}

/** Runs a program on its proof requests. Rejects when it cannot be loaded, breaks a limit or fails. */
export type Prove = (subject: ProofSubject, options: { signal: AbortSignal }) => Promise<ProofResult>;

/** What a step was worth; `atMost` is the share of the time before that it may take. */
export function toSaving(
  step: Saving["step"],
  { before, after, atMost }: { before: ProofResult; after: ProofResult; atMost: number },
): Saving {
  const isSame = before.answers === after.answers;
  const isFaster = after.medianMs <= before.medianMs * atMost;
  const reason = isSame ? "it is not faster" : "an answer changed";
  return {
    step,
    beforeMs: before.medianMs,
    afterMs: after.medianMs,
    isKept: isSame && isFaster,
    ...(!(isSame && isFaster) && { reason }),
  };
}

/** `1.9 ms → 0.11 ms`, and where it is not kept, why. */
export function formatSaving({ beforeMs, afterMs, isKept, reason = "" }: Saving): string {
  const times = `${formatMs(beforeMs)} → ${formatMs(afterMs)}`;
  return isKept ? times : `${times}, dropped: ${reason}`;
}
