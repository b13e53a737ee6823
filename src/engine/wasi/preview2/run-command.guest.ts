/**
 * One run of a command: `wasi:cli/run`.
 *
 * @see https://github.com/WebAssembly/wasi-cli/blob/v0.2.0/wit/run.wit
 */

import { CliExit } from "./cli.guest.ts";
import type { Callable } from "./handle-request.guest.ts";
import type { Preview2 } from "./preview2.guest.ts";

/**
 * Runs a command and gives its exit code: 0 when `run` was ok, 1 when it was not, or what `exit` was called with.
 *
 * When `signal` aborts, what it waits in is broken off.
 * @throws what stopped it otherwise: a trap, Cancelled.
 */
export async function runCommand(
  instance: Callable,
  preview2: Preview2,
  { signal }: { readonly signal: AbortSignal },
): Promise<number> {
  const onAbort = () => preview2.end();
  signal.throwIfAborted();
  signal.addEventListener("abort", onAbort);
  try {
    const result = await instance.call("wasi:cli/run", "run", []);
    return isOk(result) ? 0 : 1;
  } catch (thrown) {
    if (thrown instanceof CliExit) return thrown.code;
    throw thrown;
  } finally {
    signal.removeEventListener("abort", onAbort);
    preview2.end();
  }
}

function isOk(result: unknown): boolean {
  return typeof result === "object" && result !== null && "tag" in result && result.tag === "ok";
}
