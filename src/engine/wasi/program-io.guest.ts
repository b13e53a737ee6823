/**
 * What every program is given, in whatever words its kind of WASI has for it: nothing of the machine.
 */

import type { WasiClock } from "./clock.guest.ts";
import type { Directory } from "./files/directory.guest.ts";
import type { ByteSink, ByteSource } from "./streams.guest.ts";

/** A directory that a program finds open, by the name that it finds it under. */
export interface NamedDirectory {
  readonly path: string;
  readonly directory: Directory;
}

/** Everything that a program can reach. */
export interface ProgramIo {
  /** The first is the name of the program. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: ByteSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  readonly preopens: readonly NamedDirectory[];
  readonly clock: WasiClock;
  /** Fills with bytes that nobody can foretell; at most 65 536 at a time. */
  random(bytes: Uint8Array): void;
}
