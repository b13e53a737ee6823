/**
 * Makes a module import the memory that it defines, so that whoever instantiates it can hand in one from a pool.
 *
 *     (memory (export "memory") 17)   →   (import "nebula" "memory" (memory 17)) (export "memory" (memory 0))
 *
 * A memory import takes no index of a function, a table or a global, and memory 0 stays memory 0: nothing else changes.
 */

import { HEADER_BYTES } from "./form.ts";
import { decodeModule, type ModuleInfo } from "./module.ts";
import { WasmReader } from "./reader.ts";
import { isBefore, readSections, SECTION, type Section } from "./sections.ts";
import type { MemoryType } from "./types.ts";
import { concatBytes, toName, toSection, toU32 } from "./writer.ts";

/** Under which names the memory is imported. */
export const POOLED_MEMORY = { module: "nebula", name: "memory" } as const;

/** The module that results; without `memory` it is the one given, and `reason` says why. */
export type ImportedMemory =
  | { readonly bytes: Uint8Array; readonly memory: PooledMemory }
  | { readonly bytes: Uint8Array; readonly memory?: undefined; readonly reason: string };

/** What has to be handed in. */
export interface PooledMemory {
  readonly initialPages: number;
  /** Where the module states one, the memory must be made with a maximum that is no larger. */
  readonly maximumPages?: number;
}

/**
 * Rewrites the module. The same bytes give the same bytes. `info` is what is known of it.
 * @throws {WasmError} when the bytes are no module.
 */
export function importMemory(bytes: Uint8Array, info: ModuleInfo = decodeModule(bytes)): ImportedMemory {
  const { memories, imports } = info;
  const [memory] = memories;
  const reason = findReason(
    memories,
    imports.some(({ type }) => type.kind === "memory"),
  );
  if (reason !== undefined || memory === undefined) return { bytes, reason: reason ?? "it has no memory" };
  const { initialPages, maximumPages } = memory;
  return {
    bytes: rewrite(bytes, readSections(bytes)),
    memory: { initialPages, ...(maximumPages !== undefined && { maximumPages }) },
  };
}

function findReason(memories: readonly MemoryType[], isImported: boolean): string | undefined {
  if (isImported) return "it imports its memory already";
  const [memory] = memories;
  if (memory === undefined) return "it has no memory";
  if (memories.length > 1) return `it has ${memories.length} memories`;
  if (memory.isShared) return "its memory is shared between threads";
  if (memory.is64) return "its memory has 64-bit addresses";
  if (memory.pageSizeLog2 !== undefined) return "its memory has pages of its own size";
  return undefined;
}

function rewrite(bytes: Uint8Array, sections: readonly Section[]): Uint8Array {
  const memory = sections.find(({ id }) => id === SECTION.memory);
  const old = sections.find(({ id }) => id === SECTION.import);
  if (memory === undefined) return bytes;
  const added = toImportSection(memory, old);
  const parts: Uint8Array[] = [bytes.subarray(0, HEADER_BYTES)];
  let isAdded = false;
  for (const section of sections) {
    const isPlace = section.id === SECTION.import || (section.id !== SECTION.custom && isBefore(2, section.id));
    if (isPlace && !isAdded) {
      parts.push(added);
      isAdded = true;
    }
    if (section === memory || section === old) continue;
    parts.push(bytes.subarray(section.start, section.contentStart + section.content.byteLength));
  }
  return concatBytes(parts);
}

/** The imports that were there, then the memory with the limits of its section's only entry. */
function toImportSection(memory: Section, old: Section | undefined): Uint8Array {
  const limits = memory.content.subarray(memoryCountBytes(memory));
  const entry = [toName(POOLED_MEMORY.module), toName(POOLED_MEMORY.name), Uint8Array.of(0x02), limits];
  if (old === undefined) return toSection(SECTION.import, concatBytes([toU32(1), ...entry]));
  const reader = new WasmReader(old.content, old.contentStart);
  const count = reader.u32();
  const rest = reader.take(reader.left);
  return toSection(SECTION.import, concatBytes([toU32(count + 1), rest, ...entry]));
}

/** The count is 1, but may be written in more than one byte. */
function memoryCountBytes({ content, contentStart }: Section): number {
  const reader = new WasmReader(content, contentStart);
  reader.u32();
  return reader.offset - contentStart;
}
