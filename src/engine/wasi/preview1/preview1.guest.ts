/**
 * WASI preview 1 for one program: its import object.
 *
 *     new Preview1 ─▶ imports(names) ─▶ instantiate ─▶ bind(memory) ─▶ run
 *
 * Made for every invocation, so only the functions that the program imports are made. All that a program can reach is
 * in the options: nothing of the machine.
 *
 * @see https://github.com/WebAssembly/WASI/blob/wasi-0.1/preview1/docs.md
 */

import type { ProgramIo } from "../program-io.guest.ts";
import { DESCRIPTOR_CALLS } from "./descriptor-calls.guest.ts";
import { toErrno } from "./errno.guest.ts";
import { type Edition, type Errno, Host } from "./host.guest.ts";
import { IO_CALLS } from "./io-calls.guest.ts";
import { PATH_CALLS } from "./path-calls.guest.ts";
import { POLL_CALLS } from "./poll-call.guest.ts";
import { PROCESS_CALLS } from "./process-calls.guest.ts";
import { READDIR_CALLS } from "./readdir-call.guest.ts";
import { STARTUP_CALLS } from "./startup-calls.guest.ts";

export { ProcExit } from "./process-calls.guest.ts";

const CALLS = {
  ...STARTUP_CALLS,
  ...PROCESS_CALLS,
  ...IO_CALLS,
  ...DESCRIPTOR_CALLS,
  ...READDIR_CALLS,
  ...PATH_CALLS,
  ...POLL_CALLS,
} as const;

/** The functions that may wait. */
const WAITING: ReadonlySet<string> = new Set(["fd_read", "fd_write", "poll_oneoff"]);

/** A function as Wasm calls it: numbers for i32, bigints for i64. */
export type Preview1Function = (...args: readonly (number | bigint)[]) => Errno;
type Call = (host: Host, ...args: readonly (number | bigint | undefined)[]) => Errno;

/** The names of all functions of preview 1. */
export const PREVIEW1_NAMES: readonly string[] = Object.keys(CALLS);

/** One program's side of preview 1. */
export class Preview1 {
  readonly #host: Host;

  constructor(options: ProgramIo) {
    this.#host = new Host(options);
  }

  /**
   * The import object for exactly these names, all of one edition; a name that preview 1 does not have is left out.
   *
   * Functions that may wait are Suspending: the exports that lead to them are to be called through
   * `WebAssembly.promising`. Without `maySuspend` they are not, and nothing that has to wait can be done.
   */
  imports(
    names: readonly string[],
    edition: Edition = "wasi_snapshot_preview1",
    { maySuspend = true } = {},
  ): Record<string, unknown> {
    this.#host.edition = edition;
    const made: Record<string, unknown> = {};
    for (const name of names) {
      const run = this.findFunction(name);
      if (run !== undefined) made[name] = maySuspend && WAITING.has(name) ? new WebAssembly.Suspending(run) : run;
    }
    return made;
  }

  /** One function, as it can be called from JavaScript. A number is the answer; a promise, that it has to wait. */
  findFunction(name: string): Preview1Function | undefined {
    return Object.hasOwn(CALLS, name) ? guard(this.#host, fromCalls(name)) : undefined;
  }

  /** Says which memory the pointers are of. To be called before the program runs. */
  bind(memory: { readonly buffer: ArrayBuffer }): void {
    this.#host.memory.bind(memory);
  }

  /**
   * Closes what the program left open. Needed only where its files outlive it: one that was removed while it was open
   * takes room until then.
   */
  [Symbol.dispose](): void {
    this.#host.descriptors.closeAll();
  }
}

/** What Wasm passes is what an import's type says, which `instantiate` does not check against ours. */
function fromCalls(name: string): Call {
  return (CALLS as Record<string, unknown>)[name] as Call;
}

/** Turns refusals into numbers. The most parameters that a function has are nine. */
function guard(host: Host, call: Call): Preview1Function {
  return (a, b, c, d, e, f, g, h, i) => {
    try {
      const answer = call(host, a, b, c, d, e, f, g, h, i);
      return typeof answer === "number" ? answer : answer.catch(toErrno);
    } catch (thrown) {
      return toErrno(thrown);
    }
  };
}
