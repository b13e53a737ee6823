/**
 * Which request is running, and what it has written: the asynchronous context of a guest.
 *
 * Console output goes to the host under the request that wrote it, up to the function's limit; what is written
 * outside of any request has a limit of its own.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type { IncomingCall } from "../../frames/incoming-call.ts";
import { toWireError } from "../../model/wire-error.ts";
import type { GuestNote, LogMethod } from "./protocol.ts";

/** What a guest needs of a call: frames bring it, and the warm-up has one of its own. */
export type CallScope = Pick<IncomingCall, "id" | "signal" | "takeBody" | "hold">;

/** One request on its way through the function, or the time outside of any. */
interface Scope {
  readonly call: CallScope | undefined;
  logBytesLeft: number;
}

/** One piece of output is cut here, so that it fits a frame whatever its characters are. */
const PIECE_LIMIT = 60_000;

/** The asynchronous context of one guest process. */
export class Scopes {
  readonly #storage = new AsyncLocalStorage<Scope>();
  #background: Scope = { call: undefined, logBytesLeft: 0 };
  #logBytes = 0;
  /** Sends a note to the host; until there is a connection, nowhere. */
  send: (stream: number, note: GuestNote) => void = () => {};

  /** The call of the request that is running. */
  get call(): CallScope | undefined {
    return this.#storage.getStore()?.call;
  }

  /** Sets the limit of what one request may write, from now on. */
  limitLog(logBytes: number): void {
    this.#logBytes = logBytes;
    this.#background = { call: undefined, logBytesLeft: logBytes };
  }

  /** Runs a function as part of a request. */
  run<Args extends unknown[], T>(call: CallScope, run: (...args: Args) => T, ...args: Args): T {
    return this.#storage.run({ call, logBytesLeft: this.#logBytes }, run, ...args);
  }

  readonly write = (level: LogMethod, text: string): void => {
    const scope = this.#storage.getStore() ?? this.#background;
    if (scope.logBytesLeft <= 0) return;
    const kept = text.slice(0, Math.min(scope.logBytesLeft, PIECE_LIMIT));
    scope.logBytesLeft -= text.length + 1;
    const isLast = scope.logBytesLeft <= 0;
    const shown = isLast ? `${kept} … (no more is kept: the log limit is ${this.#logBytes} bytes)` : kept;
    this.send(scope.call?.id ?? 0, { note: "log", level, text: shown });
  };

  /** Writes an error that nobody caught. */
  readonly report = (error: unknown): void => {
    const { name, message, stack } = toWireError(error);
    this.write("error", `Uncaught ${stack ?? `${name}: ${message}`}`);
  };
}
