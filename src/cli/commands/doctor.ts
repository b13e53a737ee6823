/**
 * `nebula doctor`: what this machine has of what a node can use, and what it does without the rest. Needs no node.
 */

import { join } from "node:path";
import { findInstalledTool, TOOL_PACKAGES, type ToolName } from "../../build/tools.ts";
import { checkMachine, type MachineCheck } from "../../engines.ts";
import { silentLog, systemClock } from "../../model/ports.ts";
import { defineCommand } from "../command.ts";
import { STATE_ARG, toStateDir } from "../common-args.ts";
import type { Style } from "../style.ts";

export default defineCommand({
  meta: {
    name: "doctor",
    about:
      "Looks at what this machine has: the layers of the sandbox, the add-on that keeps machine code (compiled here if it " +
      "is not yet), and the tools that builds can use. Everything is optional but the first layer; what is missing is said " +
      "with what follows from it.",
    examples: [{ line: "nebula doctor", summary: "what is here, and what is not" }],
  },
  args: STATE_ARG,
  async run({ args, io, print, signal }) {
    const stateDir = toStateDir({ stateDir: args.stateDir, cwd: io.cwd, projectDir: io.cwd });
    const addonDir = join(stateDir, "addon");
    const checks = [
      ...(await checkMachine({ addonDir, clock: systemClock, log: silentLog, signal })),
      ...(await Promise.all(TOOLS.map(checkTool))),
    ];
    print.result({ checks }, checks.map((check) => formatCheck(check, print.style)).join("\n"));
    return 0;
  },
});

const TOOLS = ["wizer", "wasm-opt", "wasm-ctor-eval", "componentize-qjs"] as const satisfies readonly ToolName[];

async function checkTool(name: ToolName): Promise<MachineCheck> {
  const what = `build tool ${name}`;
  const tool = await findInstalledTool(name);
  if (tool !== undefined) return { what, isThere: true, detail: tool.version };
  const without = name === "componentize-qjs" ? "JavaScript cannot be made into Wasm" : "builds leave that step out";
  const detail = `${TOOL_PACKAGES[name]} is not installed: ${without} (npm install ${TOOL_PACKAGES[name]})`;
  return { what, isThere: false, detail };
}

function formatCheck({ what, isThere, detail }: MachineCheck, style: Style): string {
  const mark = isThere ? style.green("✓") : style.yellow("–");
  return `${mark} ${style.bold(what)}${detail === undefined ? "" : `  ${style.dim(detail)}`}`;
}
