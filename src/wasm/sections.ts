/**
 * Takes a core module apart into its sections, without looking into them.
 *
 * @see https://webassembly.github.io/spec/core/binary/modules.html#sections
 */

import { findWasmForm, HEADER_BYTES } from "./form.ts";
import { WasmError, WasmReader } from "./reader.ts";

/** The ids of sections. */
export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** The order that the specification wants; custom sections stand anywhere. */
const ORDER: readonly number[] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

/** As many as a tool could ever want; mostly custom ones. */
const MAX_SECTIONS = 10_000;

/** One section. `content` is a view of the module's bytes. */
export interface Section {
  readonly id: number;
  /** Of a custom section. */
  readonly name?: string;
  /** Where the section's id is, and where its content begins, from the start of the file. */
  readonly start: number;
  readonly contentStart: number;
  readonly content: Uint8Array;
}

/** The sections in their order. @throws {WasmError} when the bytes are no module, or end inside one, or have it in disorder. */
export function readSections(bytes: Uint8Array): Section[] {
  if (findWasmForm(bytes) !== "module") throw new WasmError("it does not begin as a WebAssembly module", 0);
  const reader = new WasmReader(bytes.subarray(HEADER_BYTES), HEADER_BYTES);
  const sections: Section[] = [];
  let last = -1;
  while (!reader.isAtEnd) {
    if (sections.length === MAX_SECTIONS) reader.fail(`it has more than ${MAX_SECTIONS} sections`);
    const section = readSection(reader);
    if (section.id !== SECTION.custom) {
      const place = ORDER.indexOf(section.id);
      if (place < 0) throw new WasmError(`there is no section ${section.id}`, section.start);
      if (place <= last) throw new WasmError(`section ${section.id} is there twice or too late`, section.start);
      last = place;
    }
    sections.push(section);
  }
  return sections;
}

function readSection(reader: WasmReader): Section {
  const start = reader.offset;
  const id = reader.u8();
  const length = reader.u32();
  const contentStart = reader.offset;
  const content = reader.take(length);
  if (id !== SECTION.custom) return { id, start, contentStart, content };
  return { id, name: new WasmReader(content, contentStart).name(), start, contentStart, content };
}

/** Whether a section with this id has to stand before another with that id. */
export function isBefore(id: number, other: number): boolean {
  return ORDER.indexOf(id) < ORDER.indexOf(other);
}
