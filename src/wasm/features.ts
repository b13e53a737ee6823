/**
 * Which proposals a module uses, as far as sections show it or its tool chain wrote it down.
 *
 * @see https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md#target-features-section
 */

import { WasmError, WasmReader } from "./reader.ts";
import { SECTION, type Section } from "./sections.ts";
import type { ExternType, MemoryType } from "./types.ts";

/** What has been decoded already. */
export interface FeatureHints {
  readonly imports: readonly { readonly type: ExternType }[];
  readonly memories: readonly MemoryType[];
  /** Struct or array types are there. */
  readonly hasOtherTypes: boolean;
}

/** Names as tool chains write them, sorted. */
export function findFeatures(
  sections: readonly Section[],
  { imports, memories, hasOtherTypes }: FeatureHints,
): string[] {
  const has = (id: number) => sections.some((section) => section.id === id);
  const features = new Set(sections.flatMap((each) => (each.name === "target_features" ? readDeclared(each) : [])));
  if (memories.some(({ isShared }) => isShared)) features.add("threads");
  if (memories.some(({ is64 }) => is64)) features.add("memory64");
  if (memories.length > 1) features.add("multimemory");
  if (hasOtherTypes) features.add("gc");
  if (has(SECTION.tag) || imports.some(({ type }) => type.kind === "tag")) features.add("exception-handling");
  if (has(SECTION.dataCount)) features.add("bulk-memory");
  return [...features].sort();
}

/** A custom section proves nothing and may be damaged without harm: then it declares nothing. */
function readDeclared({ content, contentStart }: Section): string[] {
  const reader = new WasmReader(content, contentStart);
  try {
    reader.name();
    const declared = reader.list(() => ({ prefix: reader.u8(), name: reader.name() }));
    return declared.flatMap(({ prefix, name }) => (prefix === 0x2b || prefix === 0x3d ? [name] : []));
  } catch (thrown) {
    if (thrown instanceof WasmError) return [];
    throw thrown;
  }
}
