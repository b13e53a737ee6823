/**
 * What a command line has around it: streams, environment, folder, signals. `main.ts` hands in the process's own,
 * tests hand in theirs.
 */

import type { Readable, Writable } from "node:stream";

/** What may end a run from outside, and what ends it from inside when nobody caught it. */
export type SignalName = "SIGINT" | "SIGTERM" | "SIGHUP" | "uncaughtException";

/** A `process`, as far as it tells of signals. */
export interface SignalSource {
  on(name: SignalName, listener: (value: unknown) => void): unknown;
  off(name: SignalName, listener: (value: unknown) => void): unknown;
}

/** What the process gives to the command line; tests give their own. */
export interface CliIo {
  readonly stdin: Readable;
  /** Data. */
  readonly stdout: Writable;
  /** Talk: progress, warnings, logs, errors. */
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly cwd: string;
  readonly signals: SignalSource;
  /** Whether a person reads stderr. */
  readonly isTty: boolean;
}
