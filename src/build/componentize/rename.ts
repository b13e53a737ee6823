/**
 * Gives the imports and exports of a component the names of WASI.
 *
 * Only what the component says of itself is looked at, not the modules inside: those are wired by position. The names
 * have the same length, so that nothing moves.
 */

import { WasmReader } from "../../wasm/reader.ts";
import { NAMESPACE } from "./world.ts";

const PREAMBLE_BYTES = 8;
/** Sections of a component that hold no names of instances: custom ones and core modules. */
const LEFT_ALONE: ReadonlySet<number> = new Set([0, 1]);
const FROM = Buffer.from(`${NAMESPACE}:`);
const TO = Buffer.from("wasi:");

/** A copy of the component. @throws {WasmError} when it is none. */
export function renameToWasi(component: Uint8Array): Uint8Array {
  const renamed = Buffer.from(component);
  const reader = new WasmReader(renamed);
  reader.take(PREAMBLE_BYTES);
  while (!reader.isAtEnd) {
    const id = reader.u8();
    const section = reader.take(reader.u32());
    if (!LEFT_ALONE.has(id)) replaceAll(Buffer.from(section.buffer, section.byteOffset, section.length));
  }
  return renamed;
}

function replaceAll(bytes: Buffer): void {
  for (let at = bytes.indexOf(FROM); at >= 0; at = bytes.indexOf(FROM, at)) TO.copy(bytes, at);
}
