/**
 * The add-on for tests: compiled once and kept beside the packages, or loudly absent.
 */

import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { type Addon, loadAddon } from "../../src/engine/wasi/addon/load-addon.guest.ts";
import { openAddon } from "../../src/engine/wasi/addon/open-addon.ts";
import { silentLog } from "../../src/model/ports.ts";

const ROOT = join(import.meta.dirname, "../..");
/** The source of the add-on. */
export const ADDON_SOURCE = join(ROOT, "src/engine/wasi/addon/addon.cc");

/** The file of the add-on; `undefined` on a machine that cannot compile it, which is said once for each test file. */
export async function findAddonFile(): Promise<string | undefined> {
  const found = await openAddon({
    cacheDir: join(ROOT, "node_modules/.cache/nebula-addon"),
    sourceFile: ADDON_SOURCE,
    log: silentLog,
  });
  if ("path" in found) return found.path;
  console.warn(`tests that need the add-on are skipped: ${found.reason}`);
  return undefined;
}

/** The add-on in this process. */
export function loadAddonFile(path: string): Addon {
  const fd = openSync(path, "r");
  try {
    const addon = loadAddon(fd);
    if ("reason" in addon) throw new Error(addon.reason);
    return addon;
  } finally {
    closeSync(fd);
  }
}

const FIB_CODE = "200041024804 7f200005200041016b1000200041026b10006a0b0b";

/** A module that exports `fib: (i32) → i32`, the slow one. */
export const FIB = Uint8Array.from(
  Buffer.from(
    `0061736d01000000 0106 01 60 01 7f 01 7f 0302 01 00 0707 01 03 666962 00 00 0a1e 01 1c 00 ${FIB_CODE}`.replaceAll(
      " ",
      "",
    ),
    "hex",
  ),
);

/** Runs Fibonacci until V8 has optimised it, and gives its machine code. */
export async function keepFib(addon: Pick<Addon, "serialize">): Promise<Uint8Array> {
  const module = new WebAssembly.Module(FIB);
  callFib(module, 27);
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  // V8 compiles in the background; how long that takes is its own business.
  const look = () => {
    const code = addon.serialize(module);
    if (code === undefined) setImmediate(look);
    else resolve(code);
  };
  look();
  return await promise;
}

/** Calls the export of a Fibonacci module. */
export function callFib(module: WebAssembly.Module, n: number): unknown {
  const { fib } = new WebAssembly.Instance(module).exports;
  return typeof fib === "function" ? fib(n) : undefined;
}
