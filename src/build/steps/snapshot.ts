/**
 * Step "snapshot": runs at build time what a program would do at every start, and keeps its memory as it is then.
 *
 *     exports wizer-initialize     Wizer calls it; the program asks for this, and may use WASI in it
 *     any other module             binaryen runs the beginning of its constructors as far as nothing is asked from outside,
 *                                  which keeps what the program means
 */

import type { Clock } from "../../model/ports.ts";
import { mergeData } from "../../wasm/merge-data.ts";
import { decodeModule } from "../../wasm/module.ts";
import type { Step } from "../step.ts";
import { type FindTool, TOOL_PACKAGES, type ToolName } from "../tools.ts";
import { toFeatureFlags } from "../wasm-features.ts";
import type { WasmProgram } from "../wasm-program.ts";
import { runWasmTool, type ToolPaths } from "../wasm-tool.ts";
import { type Change, openSavingStep, type SavingOptions, type Skip } from "./save-time.ts";

/** What tools are found and bounded with. */
export interface ToolStepOptions extends SavingOptions {
  readonly findTool: FindTool;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** A snapshot makes the memory that is set up at each start larger: it has to be worth it. */
const AT_MOST = 0.97;

/** In the order in which they run. */
const CONSTRUCTORS = ["_initialize", "__wasm_call_ctors", "_start"] as const;

/** Opens the step. */
export function openSnapshotStep(options: ToolStepOptions): Step {
  return openSavingStep({
    ...options,
    step: "snapshot",
    atMost: AT_MOST,
    plan: async (program) => {
      if (program.kind === "component") return { skip: "a component is snapshotted before it is one" };
      return program.snapshotHook === undefined
        ? await planConstructors(program, options)
        : await planWizer(program, { hook: program.snapshotHook, options });
    },
  });
}

/** Why there is nothing to run. */
export function toAbsent(name: ToolName): Skip {
  return { skip: `${TOOL_PACKAGES[name]} is not installed` };
}

async function planWizer(
  { bytes }: WasmProgram,
  { hook, options }: { hook: string; options: ToolStepOptions },
): Promise<Change | Skip> {
  const { findTool, timeoutMs, clock } = options;
  const tool = await findTool("wizer");
  if (tool === undefined) return { ...toAbsent("wizer"), isWarned: true };
  const flags = ["--allow-wasi", "--init-func", hook];
  return {
    key: [tool.version, ...flags, "merged"],
    make: async ({ signal, files }) => {
      const toArgs = (paths: ToolPaths) => [
        paths.input,
        "-o",
        paths.output,
        ...flags,
        ...listRoots([...files.keys()]).flatMap((root) => ["--mapdir", `${root}::${paths.filesDir}${root}`]),
      ];
      const made = await runWasmTool(tool, { input: bytes, toArgs, files, timeoutMs, signal, clock });
      return "bytes" in made ? { ...made, bytes: mergeData(made.bytes) } : made;
    },
  };
}

/** The folders at the top that hold all files: `/data`, or `/` where one is not in a folder. */
function listRoots(paths: readonly string[]): readonly string[] {
  const roots = new Set(paths.map((path) => /^\/[^/]+(?=\/)/.exec(path)?.[0] ?? "/"));
  return roots.has("/") ? ["/"] : [...roots].sort();
}

async function planConstructors({ bytes }: WasmProgram, options: ToolStepOptions): Promise<Change | Skip> {
  const { findTool, timeoutMs, clock } = options;
  const tool = await findTool("wasm-ctor-eval");
  if (tool === undefined) return toAbsent("wasm-ctor-eval");
  const info = decodeModule(bytes);
  const exported = new Set(info.exports.map(({ name }) => name));
  const names = CONSTRUCTORS.filter((name) => exported.has(name)).join();
  const flags = [`--ctors=${names}`, `--kept-exports=${names}`, "--quiet", "-g", ...toFeatureFlags(info.features)];
  return {
    key: [tool.version, ...flags],
    make: async ({ signal }) => {
      const toArgs = ({ input, output }: ToolPaths) => [input, "-o", output, ...flags];
      return await runWasmTool(tool, { input: bytes, toArgs, timeoutMs, signal, clock });
    },
  };
}
