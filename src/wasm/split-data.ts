/**
 * Takes the first content of the memory out of a module, so that it can be mapped instead of copied at each start.
 *
 * An active segment is dropped once it is written (`memory.init` from it finds nothing), and an empty passive one
 * behaves the same: so the segments are emptied where they stand, and indices and counts stay as they were. Where no code
 * names a segment they go altogether: a snapshot has thousands, and an instance takes time for each.
 */

import type { DataSegment } from "./data-segments.ts";
import { decodeModule, type ModuleInfo } from "./module.ts";
import { readSections, SECTION, type Section } from "./sections.ts";
import { PAGE_BYTES } from "./types.ts";
import { concatBytes, toSection, toU32 } from "./writer.ts";

/** Bytes, and where in memory they are. */
export interface ImagePart {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** The module without its active data; without `image` it is the one given, and `reason` says why. */
export type SplitModule =
  | {
      readonly bytes: Uint8Array;
      /** To be written in this order before the module is instantiated. Views of the bytes given. */
      readonly image: readonly ImagePart[];
    }
  | { readonly bytes: Uint8Array; readonly image?: undefined; readonly reason: string };

/**
 * Splits the module. The same bytes give the same result. `info` is what is known of it, or of the module that it was
 * before its memory was imported. @throws {WasmError} when the bytes are no module.
 */
export function splitData(bytes: Uint8Array, info: ModuleInfo = decodeModule(bytes)): SplitModule {
  const reason = findDataReason(info);
  if (reason !== undefined) return { bytes, reason };
  const image: ImagePart[] = [];
  for (const { mode, offset, content } of info.data) {
    if (mode === "active" && offset !== undefined && content.byteLength > 0) image.push({ offset, bytes: content });
  }
  const sections = readSections(bytes);
  const parts = [bytes.subarray(0, 8)];
  const isNamed = namesSegments(sections);
  for (const { id, start, content, contentStart } of sections) {
    if (id === SECTION.dataCount && !isNamed) continue;
    if (id !== SECTION.data) {
      parts.push(bytes.subarray(start, contentStart + content.byteLength));
      continue;
    }
    const passive = info.data.flatMap(toPassive);
    if (isNamed) parts.push(toSection(SECTION.data, concatBytes([toU32(info.data.length), ...passive])));
  }
  return { bytes: concatBytes(parts), image };
}

/** Why the data of a module cannot be told without running it; nothing where it can. */
export function findDataReason({ data, memories }: ModuleInfo): string | undefined {
  const active = data.filter(({ mode }) => mode === "active");
  const [memory] = memories;
  if (active.length === 0 || memory === undefined) return "it has no data that is written at its start";
  if (memories.length > 1) return `it has ${memories.length} memories`;
  if (memory.is64 || memory.isShared || memory.pageSizeLog2 !== undefined) return "its memory is not a plain one";
  if (active.some(({ offset }) => offset === undefined)) return "where its data goes depends on an import";
  const end = active.reduce((most, { offset = 0, content }) => Math.max(most, offset + content.byteLength), 0);
  return end > memory.initialPages * PAGE_BYTES ? "its data does not fit its memory" : undefined;
}

/**
 * Whether an instruction may name a data segment. Such a module has to have a count of them, and its code one of these
 * pairs of bytes: `memory.init`, `data.drop`, `array.new_data`, `array.init_data`, in their short form or a long one.
 *
 * @see https://webassembly.github.io/spec/core/binary/modules.html#data-count-section
 */
export function namesSegments(sections: readonly Section[]): boolean {
  const code = sections.find(({ id }) => id === SECTION.code)?.content;
  if (code === undefined || !sections.some(({ id }) => id === SECTION.dataCount)) return false;
  for (const [prefix, seconds] of SEGMENT_CODES) {
    for (let at = code.indexOf(prefix); at >= 0; at = code.indexOf(prefix, at + 1)) {
      if (seconds.includes((code[at + 1] ?? 0) & 0x7f)) return true;
    }
  }
  return false;
}

const SEGMENT_CODES: readonly (readonly [prefix: number, seconds: readonly number[]])[] = [
  [0xfc, [8, 9]],
  [0xfb, [9, 18]],
];

const EMPTY_PASSIVE = [Uint8Array.of(0x01, 0x00)];

function toPassive({ mode, content }: DataSegment): Uint8Array[] {
  return mode === "active" ? EMPTY_PASSIVE : [Uint8Array.of(0x01), toU32(content.byteLength), content];
}
