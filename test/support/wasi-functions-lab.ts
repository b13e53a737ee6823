/**
 * The WASI functions of `functions/`, as their folders have them, on a lab's engine.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readProject } from "../../src/config/read-project.ts";
import type { WasmSource } from "./wasi-lab.ts";

const FUNCTIONS_DIR = join(import.meta.dirname, "../../functions");

/** What the folder of a function gives to a lab. */
export async function readFunction(name: string): Promise<WasmSource> {
  const { project } = await readProject(join(FUNCTIONS_DIR, name));
  if (project.main === undefined) throw new Error(`"${name}" has no entry`);
  const wasm = readFileSync(project.main);
  const { wasi } = project.spec;
  return { wasm, name, kind: wasm[6] === 1 ? "component" : "wasi-p1", ...(wasi && { wasi }) };
}
