/**
 * Step "optimise": binaryen's optimiser over the program, or over the larger core modules of a component.
 *
 * Names of functions stay, so that stacks can be read; other debug information goes.
 */

import { KIB, MIB } from "../../model/units.ts";
import { decodeModule } from "../../wasm/module.ts";
import { listCoreModules, replaceCoreModules } from "../../wasm/nested-modules.ts";
import type { Step } from "../step.ts";
import type { Tool } from "../tools.ts";
import { toFeatureFlags } from "../wasm-features.ts";
import type { WasmProgram } from "../wasm-program.ts";
import { runWasmTool, type ToolPaths, type WasmToolResult } from "../wasm-tool.ts";
import { type Change, openSavingStep, type Skip } from "./save-time.ts";
import { type ToolStepOptions, toAbsent } from "./snapshot.ts";

/** As fast as before is good enough: it is smaller. */
const AT_MOST = 1;
/** The optimiser takes a minute for 10 MB of code, and interpreters as large come optimised. */
const MAX_CODE_BYTES = 8 * MIB;
/** The modules inside a component that only pass calls on are below it. */
const MIN_NESTED_BYTES = 32 * KIB;

const FLAGS = ["-O3", "-g", "--strip-dwarf"] as const;

/** Opens the step. */
export function openOptimiseStep(options: ToolStepOptions): Step {
  return openSavingStep({
    ...options,
    step: "optimise",
    atMost: AT_MOST,
    plan: async (program) => await planOptimise(program, options),
  });
}

async function planOptimise({ kind, bytes }: WasmProgram, options: ToolStepOptions): Promise<Change | Skip> {
  const tool = await options.findTool("wasm-opt");
  if (tool === undefined) return toAbsent("wasm-opt");
  const modules = kind === "component" ? listCoreModules(bytes) : [bytes];
  const code = modules.reduce((sum, module) => sum + decodeModule(module).codeBytes, 0);
  if (code > MAX_CODE_BYTES) return { skip: "it has so much code that it would take minutes" };
  const key = [tool.version, ...FLAGS, ...toFeatureFlags([])];
  if (kind !== "component") return { key, make: async (run) => await optimise(tool, { bytes, ...options, ...run }) };
  return { key, make: async (run) => await optimiseNested(tool, { bytes, ...options, ...run }) };
}

interface OptimiseOptions extends Pick<ToolStepOptions, "timeoutMs" | "clock"> {
  readonly bytes: Uint8Array;
  readonly signal: AbortSignal;
}

async function optimise(tool: Tool, { bytes, timeoutMs, clock, signal }: OptimiseOptions): Promise<WasmToolResult> {
  const flags = [...FLAGS, ...toFeatureFlags(decodeModule(bytes).features)];
  const toArgs = ({ input, output }: ToolPaths) => [input, "-o", output, ...flags];
  return await runWasmTool(tool, { input: bytes, toArgs, timeoutMs, signal, clock });
}

async function optimiseNested(tool: Tool, options: OptimiseOptions): Promise<WasmToolResult> {
  const modules: Uint8Array[] = [];
  for (const module of listCoreModules(options.bytes)) {
    if (module.byteLength < MIN_NESTED_BYTES) {
      modules.push(module);
      continue;
    }
    const made = await optimise(tool, { ...options, bytes: module });
    if ("failure" in made) return made;
    modules.push(made.bytes);
  }
  return { bytes: replaceCoreModules(options.bytes, modules) };
}
