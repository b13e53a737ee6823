/**
 * Joins the data segments of a module where little is between them.
 *
 * A snapshot is written as thousands of small ones, because the zeros between them are left out. Each costs whoever loads
 * the module, and V8 at each start that copies it: more than the zeros do.
 */

import { decodeModule } from "./module.ts";
import { readSections, SECTION } from "./sections.ts";
import { findDataReason, type ImagePart, namesSegments } from "./split-data.ts";
import { concatBytes, toS32, toSection, toU32 } from "./writer.ts";

/** Zeros between two segments that are one from then on. */
const GAP_BYTES = 256;

/**
 * The same module with fewer segments; as it is where they overlap, are named by code, or do not all have a place.
 * The same bytes give the same bytes. @throws {WasmError} when they are no module.
 */
export function mergeData(bytes: Uint8Array): Uint8Array {
  const info = decodeModule(bytes);
  const sections = readSections(bytes);
  const isPlain = info.data.every(({ mode, memory }) => mode === "active" && memory === 0);
  if (!isPlain || findDataReason(info) !== undefined || namesSegments(sections)) return bytes;
  const placed = info.data
    .flatMap(({ offset = 0, content }) => (content.byteLength === 0 ? [] : [{ offset, bytes: content }]))
    .toSorted((a, b) => a.offset - b.offset);
  const merged = join(placed);
  if (merged === undefined || merged.length === info.data.length) return bytes;
  const parts = [bytes.subarray(0, 8)];
  for (const { id, start, content, contentStart } of sections) {
    if (id === SECTION.dataCount) continue;
    if (id !== SECTION.data) parts.push(bytes.subarray(start, contentStart + content.byteLength));
    else parts.push(toSection(SECTION.data, concatBytes([toU32(merged.length), ...merged.flatMap(toActive)])));
  }
  return concatBytes(parts);
}

/** In order of their places; nothing where two overlap. */
function join(placed: readonly ImagePart[]): ImagePart[] | undefined {
  const merged: ImagePart[] = [];
  let run: ImagePart[] = [];
  let end = 0;
  for (const part of placed) {
    if (run.length > 0 && part.offset < end) return undefined;
    if (run.length > 0 && part.offset - end > GAP_BYTES) merged.push(toOne(run));
    if (run.length > 0 && part.offset - end > GAP_BYTES) run = [];
    run.push(part);
    end = part.offset + part.bytes.byteLength;
  }
  return run.length === 0 ? merged : [...merged, toOne(run)];
}

function toOne(run: readonly ImagePart[]): ImagePart {
  const offset = run[0]?.offset ?? 0;
  const last = run.at(-1);
  const one = new Uint8Array((last?.offset ?? 0) + (last?.bytes.byteLength ?? 0) - offset);
  for (const part of run) one.set(part.bytes, part.offset - offset);
  return { offset, bytes: one };
}

const I32_CONST = Uint8Array.of(0x00, 0x41);
const END = Uint8Array.of(0x0b);

function toActive({ offset, bytes }: ImagePart): Uint8Array[] {
  return [I32_CONST, toS32(offset), END, toU32(bytes.byteLength), bytes];
}
