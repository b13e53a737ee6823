/**
 * What host and Wasm guest process say to each other over frames.
 *
 *     host ─▶ guest   load     a program, many to a process     body: its bytes, its files, its machine code
 *                              answer's head: it begins         answer's trailers: it is there
 *                     unload   it is not needed any more
 *                     fetch    one request to a program          body: the request's
 *                     prove    runs a program on requests of its own, again and again; tells answers and times
 *                     keep     what V8 has compiled so far        answer's body: that
 *                     ping     is the event loop alive?
 *     guest ─▶ host   outbound and binding calls, and notes, as in guest/protocol.ts
 */

import type { WasmArtifact } from "../../model/artifact.ts";
import type { RequestHead, ResponseHead } from "../../model/exchange.ts";
import type { Binding, ProofRequest, WasiSettings } from "../../model/function.ts";
import type { Target } from "../../model/service.ts";

/** A program, and all that it may know. */
export interface LoadHead {
  readonly op: "load";
  /** What other calls name it by. */
  readonly id: string;
  readonly name: string;
  readonly kind: WasmArtifact["kind"];
  readonly settings: WasiSettings;
  readonly bindings: readonly Binding[];
  readonly memoryBytes: number;
  readonly logBytes: number;
  /** These cut the body: the program, its files, its state directory, and its machine code (0 bytes: there is none). */
  readonly mainBytes: number;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  readonly stateBytes: number;
  readonly codeBytes: number;
}

/** One request to a program. */
export interface FetchHead extends RequestHead {
  readonly op: "fetch";
  readonly program: string;
  readonly requestId: string;
  readonly target?: Target;
}

/** Lets a program go. */
export interface UnloadHead {
  readonly op: "unload";
  readonly program: string;
}

/** Runs a program until it has been asked `rounds` times or `limitMs` have passed. */
export interface ProveHead {
  readonly op: "prove";
  readonly program: string;
  readonly requests: readonly ProofRequest[];
  readonly rounds: number;
  readonly limitMs: number;
}

/** What `prove` found. */
export interface ProveAnswer {
  /** One text for each request, in order: equal texts mean equal answers. */
  readonly answers: readonly string[];
  /** Of whole invocations with fresh instances. */
  readonly firstMs: number;
  readonly medianMs: number;
  readonly meanMs: number;
  readonly p99Ms: number;
  /** How large its memory became, where that is more than it began with. */
  readonly grownToBytes?: number;
}

/** Asks for what V8 has compiled of a program so far. */
export interface KeepHead {
  readonly op: "keep";
  readonly program: string;
}

/** The head of an answer: what HTTP needs, and the time that it took. */
export interface FetchAnswer extends ResponseHead {
  /** Making the instance. */
  readonly startMs: number;
  /** Being busy, until the head was known. */
  readonly busyMs: number;
}

/** The binding that keeps a state directory: no binding of a configuration has such a name. */
export const STATE_BINDING = "nebula:state";

/** What the host may ask of a Wasm guest process. */
export type HostHead = LoadHead | UnloadHead | FetchHead | ProveHead | KeepHead | { readonly op: "ping" };

/** How a program failed, as the name of the error that the guest sends. */
export const PROGRAM_FAILURES = {
  /** Its message is V8's word for it. */
  trapped: "ProgramTrapped",
  /** Its message is the exit code, its stack the end of standard error. */
  exited: "ProgramExited",
  /** It wanted more memory than it may have. */
  outOfMemory: "ProgramOutOfMemory",
  /** What it answered is no HTTP response; the message says why. */
  badAnswer: "ProgramAnsweredBadly",
  /** It is no program that can run here; the message says why. */
  refused: "ProgramRefused",
} as const;
