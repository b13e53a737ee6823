/**
 * What every kind of program looks like to the process that runs it.
 */

import type { OutgoingCall } from "../../frames/outgoing-call.ts";
import type { Body, HeaderList, RequestHead, ResponseHead } from "../../model/exchange.ts";
import type { WasiSettings } from "../../model/function.ts";
import type { GuestCallHead, LogMethod } from "../guest/protocol.ts";
import type { FetchHead } from "./protocol.ts";

/** One call of the host, as far as a program needs it. */
export interface ProgramCall {
  readonly signal: AbortSignal;
  takeBody(): Body;
  /** What comes after the request's body, once that is over. */
  readonly trailers?: Promise<HeaderList | undefined> | undefined;
  /** Keeps the invocation open until the work is over. */
  hold(work: Promise<unknown>): void;
  log(level: LogMethod, text: string): void;
  /** Asks the host for something outside of this process, once there is a place for that. Rejects when `signal` aborts before. */
  reach(to: Omit<GuestCallHead, "parent" | "redirect">, body: Body, signal?: AbortSignal): Promise<OutgoingCall>;
}

/** An answer with the time it took. */
export interface ProgramAnswer {
  readonly head: ResponseHead & { readonly startMs: number; readonly busyMs: number };
  readonly body: Body;
  readonly trailers?: Promise<HeaderList | undefined> | undefined;
  /** What the host is told of a failure of the body. */
  explain?(thrown: unknown): unknown;
}

/** The head of a request, and what of the program is asked. */
export type AskedHead = RequestHead & Pick<FetchHead, "target">;

/** A program, compiled and ready; each request has an instance of its own. */
export interface Program extends Disposable {
  /** Answers one request. Rejects with a ProgramFailure, or with what the program itself says it threw. */
  answer(head: AskedHead, call: ProgramCall): Promise<ProgramAnswer>;
  /** How large a memory of it has become; absent while none has outgrown what it began with. */
  readonly grownToBytes: number | undefined;
  /** What V8 has compiled of it so far; nothing without the add-on. */
  serialize(): Uint8Array | undefined;
}

/** What a program is asked, for the interface that puts it into words. */
export interface ProgramAsked {
  readonly head: RequestHead;
  readonly url: URL;
  readonly settings: WasiSettings;
  readonly vars: Readonly<Record<string, string>>;
  readonly name: string;
  /** How long the body is; absent while it comes. */
  readonly bodyBytes: number | undefined;
}
