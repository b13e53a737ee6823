/**
 * What a Wasm guest process does before it is needed: it loads a program of 128 bytes and asks it once, on the very way that
 * the first real one will take. Our own code is then read and compiled, which is most of what a first request would wait for.
 */

import { DEFAULT_WASI } from "../../model/function.ts";
import { type LoadParts, loadProgram } from "./load-program.guest.ts";
import { proveProgram } from "./prove.guest.ts";

/** A preview 1 command that writes one character. */
const PROGRAM =
  "AGFzbQEAAAABDAJgBH9/f38Bf2AAAAIjARZ3YXNpX3NuYXBzaG90X3ByZXZpZXcxCGZkX3dyaXRlAAADAgEBBQMBAAEHEwIGbWVtb3J5AgAGX3N0YXJ0" +
  "AAEKDwENAEEBQQBBAUEIEAAaCwsUAgBBAAsIEAAAAAEAAAAAQRALAXg=";
const MEMORY_BYTES = 65_536;

/** Leaves nothing behind but one idle memory. */
export async function warmUp(parts: LoadParts): Promise<void> {
  const bytes = Buffer.from(PROGRAM, "base64");
  const head = {
    op: "load",
    id: "warm-up",
    name: "warm-up",
    kind: "wasi-p1",
    settings: DEFAULT_WASI,
    bindings: [],
    memoryBytes: MEMORY_BYTES,
    logBytes: 0,
    mainBytes: bytes.byteLength,
    files: [],
    stateBytes: 0,
    codeBytes: 0,
  } as const;
  const { program } = loadProgram(head, bytes, parts);
  await proveProgram(program, {
    op: "prove",
    program: "warm-up",
    requests: DEFAULT_WASI.proof,
    rounds: 1,
    limitMs: 100,
  });
  program[Symbol.dispose]();
}
