/**
 * What host and guest say to each other over frames: the heads of calls and the notes.
 *
 *     host ─▶ guest   load     once: the code and all it may know        body: the modules' bytes, one after the other
 *                     fetch    one request                                body: the request's
 *                     ping     is the event loop alive?
 *     guest ─▶ host   binding  a capability of `env`                      body: the request's
 *                     outbound the global fetch                           body: the request's
 *     notes           ready · log
 *
 * What the host says is trusted by the guest. What the guest says is read with the functions of guest-words.ts.
 */

import type { ModuleKind } from "../../model/artifact.ts";
import type { RequestHead, ResponseHead } from "../../model/exchange.ts";
import type { Binding } from "../../model/function.ts";
import type { Target } from "../../model/service.ts";

/** The code of a function, and all that it may know. */
export interface LoadHead {
  readonly op: "load";
  readonly name: string;
  readonly style: "module" | "deno" | "listener";
  /** The first is the entry. `bytes` cuts the body. */
  readonly modules: readonly { readonly name: string; readonly kind: ModuleKind; readonly bytes: number }[];
  readonly compatibility: { readonly date: string; readonly flags: readonly string[] };
  readonly bindings: readonly Binding[];
  readonly logBytes: number;
}

/** One request to the function. */
export interface FetchHead extends RequestHead {
  readonly op: "fetch";
  readonly requestId: string;
  readonly target?: Target;
}

/** A question that any live event loop answers. */
export interface PingHead {
  readonly op: "ping";
}

/** What a guest asks of its host. `parent` is the stream of the invocation that asks. */
export interface GuestCallHead extends RequestHead {
  readonly op: "binding" | "outbound";
  readonly parent: number;
  /** The binding's name; empty for the network. */
  readonly binding: string;
  readonly redirect: "follow" | "manual" | "error";
  /** The longest that connecting may take. */
  readonly connectTimeoutMs?: number | undefined;
}

/** What the host answers to a guest's call. */
export interface GuestAnswerHead extends ResponseHead {
  /** Where the last redirect led; absent for bindings. */
  readonly url?: string;
  readonly statusText?: string;
}

/** The methods of `console` that write. */
export const LOG_METHODS = ["debug", "log", "info", "warn", "error"] as const;
/** One of them. */
export type LogMethod = (typeof LOG_METHODS)[number];

/** What a guest says without being asked. */
export type GuestNote =
  | { readonly note: "ready" }
  | { readonly note: "log"; readonly level: LogMethod; readonly text: string };
