/**
 * What the platform makes of a core module: how it would be run, and everything that stands against it.
 *
 *     command   exports `_start`, runs once per request and exits
 *     reactor   exports `handle` (and `_initialize`), is initialised and asked
 */

import { formatBytes } from "../model/units.ts";
import type { ModuleExport, ModuleImport, ModuleInfo } from "./module.ts";
import { findPreview1Type, PREVIEW1_MODULES } from "./preview1.ts";
import { formatFuncType, type MemoryType, PAGE_BYTES } from "./types.ts";

/** Something that keeps a module from running. */
export interface WasmProblem {
  /** The end of "Cannot use X: …". */
  readonly message: string;
  readonly hint?: string;
}

/** What is to be expected of a module. */
export interface ModuleVerdict {
  /** Absent when it has no entry. */
  readonly runsAs?: "command" | "reactor";
  /** The export that fills its memory before it is snapshotted. */
  readonly snapshotHook?: string;
  /** Empty when it runs. */
  readonly problems: readonly WasmProblem[];
}

/** What a module may have. */
export interface VerdictOptions {
  /** The most that its memory may begin with. */
  readonly memoryBytes: number;
}

/** Wizer's export, in today's spelling and that of before. @see https://github.com/bytecodealliance/wizer */
const SNAPSHOT_HOOKS = ["wizer-initialize", "wizer.initialize"] as const;
/** How many names a message lists. */
const SHOWN_NAMES = 8;

/** Judges a module. Reads what is decoded only; that the code is valid is for V8 to say. */
export function judgeModule(info: ModuleInfo, { memoryBytes }: VerdictOptions): ModuleVerdict {
  const exports = new Map(info.exports.map((each) => [each.name, each]));
  const hook = SNAPSHOT_HOOKS.find((name) => isFunction(exports.get(name), [[]]));
  const entry = findEntry(exports);
  return {
    ...(entry.runsAs && { runsAs: entry.runsAs }),
    ...(hook !== undefined && { snapshotHook: hook }),
    problems: [
      ...findUnknownImports(info.imports),
      ...findWrongTypes(info.imports),
      ...findMemoryProblems(info, memoryBytes),
      ...entry.problems,
    ],
  };
}

function findEntry(exports: ReadonlyMap<string, ModuleExport>): Pick<ModuleVerdict, "runsAs" | "problems"> {
  for (const [name, runsAs, results] of [
    ["_start", "command", [[]]],
    ["handle", "reactor", [[], ["i32"]]],
  ] as const) {
    const found = exports.get(name);
    if (found === undefined) continue;
    if (isFunction(found, results)) return { runsAs, problems: [] };
    const is = found.type === undefined ? `a ${found.kind}` : formatFuncType(found.type);
    return { problems: [{ message: `its export "${name}" is ${is}, and has to be () → ()` }] };
  }
  const names = [...exports.keys()].filter((name) => name !== "memory");
  const has = names.length === 0 ? "it exports no function" : `its exports are ${listNames(names)}`;
  const hint = exports.has("_initialize")
    ? "It is a library (a reactor): export a function handle without parameters, or build it as a program"
    : 'Build it as a program for wasm32-wasi (wasm32-wasip1), so that it exports "_start"';
  return { problems: [{ message: `it exports neither "_start" nor "handle": ${has}`, hint }] };
}

function isFunction(found: ModuleExport | undefined, results: readonly (readonly string[])[]): boolean {
  const type = found?.type;
  if (type === undefined || type.params.length > 0) return false;
  return results.some((wanted) => wanted.join() === type.results.join());
}

function findUnknownImports(imports: readonly ModuleImport[]): WasmProblem[] {
  const unknown = imports.filter(({ module, name, type }) => {
    const isKnown = PREVIEW1_MODULES.includes(module) && findPreview1Type(name) !== undefined;
    return !isKnown || type.kind !== "function";
  });
  if (unknown.length === 0) return [];
  const names = listNames(unknown.map(({ module, name, type }) => `${module}.${name} (${type.kind})`));
  const hint = explainImports(unknown);
  return [{ message: `it imports what a function does not get: ${names}`, ...(hint !== undefined && { hint }) }];
}

/** What the imports of well-known tool chains mean. */
const IMPORT_HINTS: readonly (readonly [RegExp, string])[] = [
  [/^(?:go|gojs)$/, "Go modules of GOOS=js need a browser: build with GOOS=wasip1"],
  [/^wasi:|^\[export\]wasi:/, "It is the inside of a component: wrap it with wasm-tools component new"],
  [/^__wbindgen|^wbg$/, "It was made for a browser by wasm-bindgen: build it for wasm32-wasip1"],
  [/^javy/, "It is linked dynamically: build it with its provider inside"],
  [/^wasi$/, "Its threads cannot start here: build it without wasi-threads"],
  [/^env$/, "They come from outside of WASI: link them in, or with Emscripten build with -sSTANDALONE_WASM"],
];

function explainImports(unknown: readonly ModuleImport[]): string | undefined {
  for (const [pattern, hint] of IMPORT_HINTS) if (unknown.some(({ module }) => pattern.test(module))) return hint;
  return "Functions of wasi_snapshot_preview1 are all there is";
}

function findWrongTypes(imports: readonly ModuleImport[]): WasmProblem[] {
  return imports.flatMap(({ module, name, type }) => {
    const known = PREVIEW1_MODULES.includes(module) ? findPreview1Type(name) : undefined;
    if (known === undefined || type.kind !== "function") return [];
    const [is, wanted] = [formatFuncType(type.type), formatFuncType(known)];
    return is === wanted ? [] : [{ message: `it imports ${module}.${name} as ${is}, which is ${wanted}` }];
  });
}

function findMemoryProblems({ memories, exports, imports }: ModuleInfo, limitBytes: number): WasmProblem[] {
  if (imports.some(({ type }) => type.kind === "memory")) return [];
  const [memory] = memories;
  const exported = exports.find(({ name }) => name === "memory");
  if (memory === undefined || exported?.kind !== "memory") {
    return [{ message: memory ? 'it exports no memory under the name "memory"' : "it has no memory" }];
  }
  if (memories.length > 1) return [{ message: `it has ${memories.length} memories, and may have one` }];
  return [...explainMemory(memory), ...findTooLarge(memory, limitBytes)];
}

function explainMemory({ isShared, is64, pageSizeLog2 }: MemoryType): WasmProblem[] {
  const hint = "Build it for wasm32-wasip1";
  if (is64) return [{ message: "its memory has 64-bit addresses", hint: `${hint}, which has 32-bit ones` }];
  if (isShared) return [{ message: "its memory is shared between threads", hint: `${hint}, which has no threads` }];
  if (pageSizeLog2 !== undefined) return [{ message: "its memory has pages of its own size" }];
  return [];
}

function findTooLarge({ initialPages }: MemoryType, limitBytes: number): WasmProblem[] {
  const bytes = initialPages * PAGE_BYTES;
  if (bytes <= limitBytes) return [];
  const message = `it asks for ${formatBytes(bytes)} of memory to begin with, and may have ${formatBytes(limitBytes)}`;
  return [{ message, hint: "Raise [nebula.limits] memory, or link it with a smaller initial memory" }];
}

function listNames(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_NAMES).map((name) => (name.length > 100 ? `${name.slice(0, 100)}…` : name));
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : "";
  return `${shown.join(", ")}${more}`;
}
