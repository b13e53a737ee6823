/**
 * A Wasm file as data for people and programs: what it is, what it wants, what the platform will do with it.
 */

import { checkWasm } from "../build/check-wasm.ts";
import { DEFAULT_LIMITS } from "../model/function.ts";
import { decodeComponent } from "../wasm/component/decode.ts";
import { type ListedInterface, listExports, listImports } from "../wasm/component/list.ts";
import { judgeComponent } from "../wasm/component-verdict.ts";
import { findWasmForm } from "../wasm/form.ts";
import { decodeModule, type ModuleInfo } from "../wasm/module.ts";
import { listCoreModules } from "../wasm/nested-modules.ts";
import { readSections } from "../wasm/sections.ts";
import { judgeModule, type WasmProblem } from "../wasm/verdict.ts";

/** What both forms have. */
interface Inspected {
  readonly bytes: number;
  /** Everything that keeps it from running; empty when it runs. */
  readonly problems: readonly WasmProblem[];
}

/** A core module. */
export interface InspectedModule extends Inspected {
  readonly form: "module";
  readonly runsAs?: "command" | "reactor";
  readonly snapshotHook?: string;
  readonly imports: ModuleInfo["imports"];
  readonly exports: ModuleInfo["exports"];
  readonly memories: ModuleInfo["memories"];
  readonly tables: ModuleInfo["tables"];
  readonly functions: number;
  readonly codeBytes: number;
  readonly dataSegments: number;
  readonly dataBytes: number;
  readonly features: readonly string[];
  /** In their order. */
  readonly sections: readonly { readonly name: string; readonly bytes: number }[];
}

/** A component. */
export interface InspectedComponent extends Inspected {
  readonly form: "component";
  readonly runsAs?: "http" | "command";
  readonly imports: readonly ListedInterface[];
  readonly exports: readonly ListedInterface[];
  /** The core modules inside. */
  readonly modules: readonly { readonly bytes: number; readonly functions: number; readonly codeBytes: number }[];
}

/** One of them. */
export type Inspection = InspectedModule | InspectedComponent;

const SECTION_NAMES: readonly string[] = [
  "custom",
  "type",
  "import",
  "function",
  "table",
  "memory",
  "global",
  "export",
  "start",
  "element",
  "code",
  "data",
  "data count",
  "tag",
];

/** Looks at a file; `undefined` when it is no WebAssembly at all. @throws {WasmError} when it is damaged. */
export function inspectWasm(bytes: Uint8Array): Inspection | undefined {
  const form = findWasmForm(bytes);
  if (form === undefined) return undefined;
  return form === "module" ? inspectModule(bytes) : inspectComponent(bytes);
}

const { memoryBytes } = DEFAULT_LIMITS;

function inspectModule(bytes: Uint8Array): InspectedModule {
  const info = decodeModule(bytes);
  const { runsAs, snapshotHook } = judgeModule(info, { memoryBytes });
  const { imports, exports, memories, tables, functions, codeBytes, data, features } = info;
  return {
    form: "module",
    bytes: bytes.byteLength,
    ...(runsAs && { runsAs }),
    ...(snapshotHook !== undefined && { snapshotHook }),
    problems: checkWasm(bytes, { memoryBytes }).problems ?? [],
    imports,
    exports,
    memories,
    tables,
    functions,
    codeBytes,
    dataSegments: data.length,
    dataBytes: data.reduce((sum, { content }) => sum + content.byteLength, 0),
    features,
    sections: readSections(bytes).map(({ id, name, content }) => ({
      name: name ?? SECTION_NAMES[id] ?? String(id),
      bytes: content.byteLength,
    })),
  };
}

function inspectComponent(bytes: Uint8Array): InspectedComponent {
  const component = decodeComponent(bytes);
  const { runsAs } = judgeComponent(component);
  return {
    form: "component",
    bytes: bytes.byteLength,
    ...(runsAs && { runsAs }),
    problems: checkWasm(bytes, { memoryBytes }).problems ?? [],
    imports: listImports(component),
    exports: listExports(component),
    modules: listCoreModules(bytes).map((module) => {
      const { functions, codeBytes } = decodeModule(module);
      return { bytes: module.byteLength, functions, codeBytes };
    }),
  };
}
