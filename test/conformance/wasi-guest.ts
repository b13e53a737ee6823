/**
 * Runs one WASI program with real standard streams, as a command of its own: what is under test is the code that runs
 * inside a guest process, without the frames and the sandbox around it.
 *
 *     wasi-guest.ts [--env NAME=value] [--dir folder::/path] [--serve] program.wasm [argument …]
 *
 * Folders are copied into memory and never written to. Ends with the program's exit code, or 134 when it traps. With
 * `--serve` it answers HTTP on a port of its choice, which it writes to standard error.
 */

import { readFileSync } from "node:fs";
import { Memories } from "../../src/engine/wasi/memories.guest.ts";
import { readTree } from "./wasi-folder.ts";
import { parseGuestArgs, type Started, toStreams } from "./wasi-guest-options.ts";

const TRAPPED = 134;
const MEMORY_BYTES = 1024 * 1024 * 1024;

const options = parseGuestArgs(process.argv.slice(2));
const bytes = readFileSync(options.file);
const started: Started = {
  bytes,
  memories: new Memories(undefined),
  memoryBytes: MEMORY_BYTES,
  args: [options.file, ...options.args],
  env: options.env,
  preopens: options.dirs.map(({ from, path }) => ({ path, directory: readTree(from) })),
  ...toStreams(process),
};
const isComponent = bytes[6] === 1;

try {
  if (options.isService) await (await import("./wasi-guest-component.ts")).serveComponent(started);
  else if (isComponent) process.exit(await (await import("./wasi-guest-component.ts")).runComponent(started));
  else process.exit(await (await import("./wasi-guest-module.ts")).runModule(started));
} catch (thrown) {
  await started.stderr.write(Buffer.from(`${thrown instanceof Error ? thrown.stack : String(thrown)}\n`));
  process.exit(TRAPPED);
}
