/**
 * `wasi:cli`: the environment, the exit and the three standard streams. There is never a terminal.
 *
 * @see https://github.com/WebAssembly/wasi-cli/tree/v0.2.0/wit
 */

import type { HostFunctions } from "../component/host-function.guest.ts";
import type { ByteSink, ByteSource } from "../streams.guest.ts";
import { Reader } from "./reader.guest.ts";
import type { Result } from "./result.guest.ts";
import { InputStream, OutputStream } from "./streams.guest.ts";
import { Writer } from "./writer.guest.ts";

/** What `wasi:cli/exit` throws through the guest; no Error, so that it costs no stack. */
export class CliExit {
  /** What the guest said: `exit(ok)`, or a code of 0. */
  readonly isOk: boolean;
  /** 0 to 255. */
  readonly code: number;

  constructor(code: number) {
    this.isOk = code === 0;
    this.code = code;
  }
}

/** `wasi:cli/environment`. */
export function createEnvironment(args: readonly string[], env: Readonly<Record<string, string>>): HostFunctions {
  return {
    "get-environment": () => Object.entries(env),
    "get-arguments": () => args,
    "initial-cwd": () => undefined,
  };
}

/** `wasi:cli/exit`. */
export const EXIT: HostFunctions = {
  exit: (status: Result<undefined, undefined>) => {
    throw new CliExit(status.tag === "ok" ? 0 : 1);
  },
  "exit-with-code": (code: number) => {
    throw new CliExit(code);
  },
};

/** `wasi:cli/stdin`. Every stream that it gives reads from the same source. */
export function createStdin(source: ByteSource): HostFunctions {
  let reader: Reader | undefined;
  return {
    "get-stdin": () => {
      reader ??= new Reader(source);
      return new InputStream(reader);
    },
  };
}

/** `wasi:cli/stdout` or `stderr`, by the name of its function. Every stream that it gives writes to the same sink. */
export function createStdout(name: "get-stdout" | "get-stderr", sink: ByteSink): HostFunctions {
  let writer: Writer | undefined;
  return {
    [name]: () => {
      writer ??= new Writer(sink);
      return new OutputStream(writer);
    },
  };
}

/** The five interfaces of terminals, without the prefix `wasi:cli/`. */
export const TERMINALS: Readonly<Record<string, HostFunctions>> = {
  "terminal-input": {},
  "terminal-output": {},
  "terminal-stdin": { "get-terminal-stdin": () => undefined },
  "terminal-stdout": { "get-terminal-stdout": () => undefined },
  "terminal-stderr": { "get-terminal-stderr": () => undefined },
};
