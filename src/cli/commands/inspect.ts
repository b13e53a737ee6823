/**
 * `nebula inspect`: what is in a Wasm file, what the platform will do with it, and why not. Needs no node.
 */

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { explainDamage } from "../../build/check-wasm.ts";
import { explainReadFailure } from "../../config/folder.ts";
import { NebulaError } from "../../model/errors.ts";
import { formatBytes } from "../../model/units.ts";
import type { ModuleExport, ModuleImport } from "../../wasm/module.ts";
import { WasmError } from "../../wasm/reader.ts";
import { type ExternType, formatFuncType, type MemoryType, PAGE_BYTES } from "../../wasm/types.ts";
import { usageError } from "../args.ts";
import { defineCommand } from "../command.ts";
import { type InspectedComponent, type InspectedModule, type Inspection, inspectWasm } from "../inspect-wasm.ts";
import { formatTable } from "../style.ts";

export default defineCommand({
  meta: {
    name: "inspect",
    about:
      "Shows what is in a WebAssembly module or component: imports, exports, memory and sections, how the platform would " +
      "run it, and everything that stands against that. Exits with 1 when it would not run.",
    examples: [{ line: "nebula inspect hello.wasm", summary: "what is it, and will it run?" }],
  },
  args: { file: { type: "positional", summary: "The .wasm file" } },
  async run({ args, io, print }) {
    const bytes = await readBytes(resolve(io.cwd, args.file), args.file);
    const found = inspect(bytes, args.file);
    print.result({ file: args.file, ...found }, formatInspection(args.file, found));
    return found.problems.length === 0 ? 0 : 1;
  },
});

async function readBytes(path: string, shown: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (thrown) {
    const why = explainReadFailure(thrown);
    if (why === undefined) throw thrown;
    throw usageError(`Cannot inspect "${shown}": ${why}`);
  }
}

function inspect(bytes: Uint8Array, shown: string): Inspection {
  try {
    const found = inspectWasm(bytes);
    if (found !== undefined) return found;
  } catch (thrown) {
    if (!(thrown instanceof WasmError)) throw thrown;
    const { message, hint = "" } = explainDamage(thrown);
    throw toFailure(`Cannot inspect "${shown}": ${message}`, { hint });
  }
  const what = bytes.byteLength === 0 ? "it is empty" : "it is not a WebAssembly file";
  throw toFailure(`Cannot inspect "${shown}": ${what}`, { hint: "Such a file begins with the bytes 00 61 73 6d" });
}

function toFailure(message: string, { hint }: { hint: string }): NebulaError {
  return new NebulaError("NEBULA_BUILD_FAILED", message, { hint });
}

const RUNS_AS = {
  command: "a command: started for each request, its output is the answer",
  reactor: 'a reactor: initialised for each request, then asked through "handle"',
  http: "an HTTP handler: wasi:http/incoming-handler, a fresh instance for each request",
} as const;

function formatInspection(file: string, found: Inspection): string {
  const lines = found.form === "module" ? formatModule(found) : formatComponent(found);
  const runs = found.problems.length > 0 ? "no" : found.runsAs === undefined ? "no" : RUNS_AS[found.runsAs];
  const problems = found.problems.flatMap(({ message, hint }) => [
    `  why not: ${message}`,
    ...(hint === undefined ? [] : [`    hint  ${hint}`]),
  ]);
  const table = formatTable([["runs as", runs], ...lines], { indent: "  " });
  return [`${file}  ${found.form}  ${formatBytes(found.bytes)}`, table, ...problems].join("\n");
}

function formatModule(found: InspectedModule): string[][] {
  return [
    ["snapshot", found.snapshotHook === undefined ? "its constructors, where that helps" : `by ${found.snapshotHook}`],
    ["memory", found.memories.map(formatMemory).join("; ") || "none"],
    ["code", `${found.functions} functions, ${formatBytes(found.codeBytes)}`],
    ["data", `${found.dataSegments} segments, ${formatBytes(found.dataBytes)}`],
    ["features", found.features.join(", ") || "none beyond the first version"],
    ["sections", found.sections.map(({ name, bytes }) => `${name} ${formatBytes(bytes)}`).join(", ") || "none"],
    ...toRows("imports", found.imports.map(formatImport)),
    ...toRows("exports", found.exports.map(formatExport)),
  ];
}

function formatComponent(found: InspectedComponent): string[][] {
  const format = ({ name, functions }: { name: string; functions: readonly string[] }) =>
    functions.length === 0 ? name : `${name}: ${functions.join(", ")}`;
  return [
    ...toRows(
      "modules",
      found.modules.map(({ bytes, functions }) => `${formatBytes(bytes)}, ${functions} functions`),
    ),
    ...toRows("imports", found.imports.map(format)),
    ...toRows("exports", found.exports.map(format)),
  ];
}

/** One under the other, the name before the first. */
function toRows(name: string, items: readonly string[]): string[][] {
  if (items.length === 0) return [[name, "none"]];
  return items.map((item, index) => [index === 0 ? name : "", item]);
}

function formatMemory({ initialPages, maximumPages, isShared, is64 }: MemoryType): string {
  const most = maximumPages === undefined ? "no maximum" : `at most ${formatBytes(maximumPages * PAGE_BYTES)}`;
  const kind = `${isShared ? ", shared" : ""}${is64 ? ", 64-bit" : ""}`;
  return `${formatBytes(initialPages * PAGE_BYTES)} to begin with, ${most}${kind}`;
}

function formatImport({ module, name, type }: ModuleImport): string {
  return `${module}.${name} ${formatType(type)}`;
}

function formatExport({ name, kind, type }: ModuleExport): string {
  return `${name} ${type === undefined ? kind : formatFuncType(type)}`;
}

function formatType(type: ExternType): string {
  if (type.kind === "function") return formatFuncType(type.type);
  if (type.kind === "memory") return `memory of ${formatMemory(type.memory)}`;
  return type.kind === "global" ? `global ${type.type}` : type.kind;
}
