/**
 * How programs fail, told apart: what V8 throws, what WASI's exits throw, and our own refusals become errors whose
 * names the host knows.
 */

import { ComponentTrap } from "./component/trap.guest.ts";
import { PROGRAM_FAILURES } from "./protocol.ts";

/** A failure of a program that the host turns into the error of its table. */
export class ProgramFailure extends Error {
  constructor(kind: keyof typeof PROGRAM_FAILURES, message: string, stack?: string) {
    super(message);
    this.name = PROGRAM_FAILURES[kind];
    this.stack = stack ?? `${this.name}: ${message}`;
  }
}

/** Memory this full counts as used up: what a program asks for next is seldom one page. */
export const FULL = 0.9;

/** What a program that stopped was stopped by. `memory` is the one it ran on, and what it may grow to. */
export function explainTrap(
  thrown: unknown,
  memory: { readonly bytes: number; readonly limitBytes: number } | undefined,
): unknown {
  const trap = findTrap(thrown);
  if (trap === undefined) return thrown;
  const frames = thrown instanceof Error ? thrown.stack : undefined;
  if (memory !== undefined && memory.bytes > FULL * memory.limitBytes) {
    return new ProgramFailure("outOfMemory", `${trap}, with ${memory.bytes} bytes of memory`, frames);
  }
  return new ProgramFailure("trapped", trap, frames);
}

function findTrap(thrown: unknown): string | undefined {
  if (thrown instanceof WebAssembly.RuntimeError || thrown instanceof ComponentTrap) return thrown.message;
  if (thrown instanceof WebAssembly.Exception) return "an exception that nobody caught";
  // V8's word for a full stack; nothing else of ours throws a RangeError while a program runs but memory (below).
  if (thrown instanceof RangeError && /call stack/.test(thrown.message)) return "stack overflow";
  return undefined;
}
