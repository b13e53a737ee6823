/**
 * All of WASI 0.2 for one instance of a component.
 *
 * What depends on no request is made once for the process; the rest is a few closures, so that a fresh instance costs
 * microseconds.
 *
 * @see https://github.com/WebAssembly/WASI/tree/main/wasip2
 */

import type { HostImports } from "../component/host-function.guest.ts";
import type { ProgramIo } from "../program-io.guest.ts";
import { createEnvironment, createStdin, createStdout, EXIT, TERMINALS } from "./cli.guest.ts";
import { createMonotonicClock, createWallClock, TIMEZONE } from "./clocks.guest.ts";
import { createPreopens, FILESYSTEM_TYPES } from "./filesystem.guest.ts";
import type { HttpHost } from "./http-host.guest.ts";
import { HTTP_TYPES } from "./http-types.guest.ts";
import { ERROR } from "./io-error.guest.ts";
import { createOutgoingHandler } from "./outgoing-handler.guest.ts";
import { POLL } from "./poll.guest.ts";
import { createRandom } from "./random.guest.ts";
import { Scope } from "./scope.guest.ts";
import { SOCKETS } from "./sockets.guest.ts";
import { STREAMS } from "./streams.guest.ts";

/** What one instance is given. */
export interface Preview2Options extends ProgramIo {
  /** Without it every outgoing request is denied. */
  readonly http?: HttpHost | undefined;
}

/** The host of one instance. */
export interface Preview2 {
  readonly imports: HostImports;
  /** Calls once when the guest first waits for something that has not come yet. */
  whenWaiting(next: () => void): void;
  /** Ends its timers and its requests, and breaks off what the guest waits in. May be called again. */
  end(): void;
}

const STATIC: HostImports = {
  "wasi:io/error": ERROR,
  "wasi:clocks/timezone": TIMEZONE,
  "wasi:cli/exit": EXIT,
  "wasi:filesystem/types": FILESYSTEM_TYPES,
  "wasi:http/types": HTTP_TYPES,
  ...prefix("wasi:cli/", TERMINALS),
  ...prefix("wasi:sockets/", SOCKETS),
};

/** Makes the host of one instance. */
export function createPreview2(options: Preview2Options): Preview2 {
  const { args, env, stdin, stdout, stderr, preopens, clock, http } = options;
  const scope = new Scope();
  const { random, insecure, insecureSeed } = createRandom(options.random);
  const imports: HostImports = {
    ...STATIC,
    "wasi:io/poll": scope.guard(POLL),
    "wasi:io/streams": scope.guard(STREAMS),
    "wasi:clocks/monotonic-clock": createMonotonicClock(clock, scope),
    "wasi:clocks/wall-clock": createWallClock(clock),
    "wasi:random/random": random,
    "wasi:random/insecure": insecure,
    "wasi:random/insecure-seed": insecureSeed,
    "wasi:cli/environment": createEnvironment(args, env),
    "wasi:cli/stdin": createStdin(stdin),
    "wasi:cli/stdout": createStdout("get-stdout", stdout),
    "wasi:cli/stderr": createStdout("get-stderr", stderr),
    "wasi:filesystem/preopens": createPreopens(preopens),
    "wasi:http/outgoing-handler": createOutgoingHandler({ http, clock, scope }),
  };
  return { imports, whenWaiting: (next) => scope.whenWaiting(next), end: () => scope[Symbol.dispose]() };
}

function prefix(text: string, interfaces: HostImports): HostImports {
  return Object.fromEntries(Object.entries(interfaces).map(([name, functions]) => [text + name, functions]));
}
