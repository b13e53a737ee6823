/**
 * Why a container is not there any more, as the error of the table.
 */

import { NebulaError } from "../../model/errors.ts";
import type { FunctionSpec } from "../../model/function.ts";
import { formatBytes } from "../../model/units.ts";
import type { ContainerExit } from "./containers.ts";

/** Signals that end programs, by number; the others are told by theirs. */
const SIGNALS: Readonly<Record<number, string>> = {
  2: "SIGINT",
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  15: "SIGTERM",
};
/** What shells and Docker add to a signal's number. */
const SIGNAL_BASE = 128;

/** `exit code 3`, `signal SIGKILL`. */
export function describeExit({ code }: ContainerExit): string {
  const signal = code - SIGNAL_BASE;
  return signal > 0 && signal < SIGNAL_BASE / 2 ? `signal ${SIGNALS[signal] ?? signal}` : `exit code ${code}`;
}

/** The reason for whoever was waiting for it. `what` is what could not be done: `Cannot go on with "hello"`. */
export function toExitError(exit: ContainerExit, { spec, what }: { spec: FunctionSpec; what: string }): NebulaError {
  const { name, limits } = spec;
  if (exit.wasOutOfMemory) {
    const limit = `its memory limit of ${formatBytes(limits.memoryBytes)}`;
    return new NebulaError("NEBULA_MEMORY_LIMIT", `${what}: it holds more than ${limit}`, {
      details: { limit: "memoryBytes", value: limits.memoryBytes, function: name },
    });
  }
  const how = describeExit(exit);
  const more = exit.message === "" ? "" : `: ${exit.message}`;
  return new NebulaError("NEBULA_GUEST_EXITED", `${what}: its container ended (${how})${more}`, {
    details: { how, function: name },
  });
}
