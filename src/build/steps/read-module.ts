/**
 * Step "module": reads the Wasm file that is the entry, and makes sure that a node will run it.
 */

import { readFile, stat } from "node:fs/promises";
import { relative } from "node:path";
import type { Diagnostic } from "../../model/errors.ts";
import type { Project } from "../../model/function.ts";
import { formatBytes, MIB } from "../../model/units.ts";
import { checkWasm } from "../check-wasm.ts";
import { buildFailed, type Step } from "../step.ts";

/** The entry, and the project whose limits count. */
export interface ModuleOptions {
  readonly project: Project;
  readonly main: string;
}

/** A whole Python is 30 MB. */
const MAX_BYTES = 256 * MIB;

/** The step fails with NEBULA_BUILD_FAILED and every problem as a diagnostic. */
export function openModuleStep({ project, main }: ModuleOptions): Step {
  const shown = relative(project.dir, main);
  return {
    async run({ signal }) {
      await ensureFile(main, shown);
      const bytes = await readFile(main, { signal });
      const { program, problems } = checkWasm(bytes, { memoryBytes: project.spec.limits.memoryBytes });
      if (problems !== undefined) throw toFailure(problems, shown);
      return { program, inputs: [main], note: formatBytes(bytes.byteLength) };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

async function ensureFile(main: string, shown: string): Promise<void> {
  const found = await stat(main).catch(() => undefined);
  const what = found === undefined ? "there is no such file" : found.isFile() ? undefined : "it is not a file";
  if (what !== undefined) {
    throw buildFailed("module", `Cannot use "${shown}": ${what}`, {
      hint: 'The configuration names the entry as "main"; a build command may have to make it first',
    });
  }
  if (found !== undefined && found.size > MAX_BYTES) {
    const sizes = `it has ${formatBytes(found.size)}, the limit is ${formatBytes(MAX_BYTES)}`;
    throw buildFailed("module", `Cannot use "${shown}": ${sizes}`);
  }
}

function toFailure(problems: readonly { readonly message: string; readonly hint?: string }[], shown: string) {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  const diagnostics = problems.map(
    ({ message, hint }): Diagnostic => ({
      severity: "error",
      message,
      file: shown,
      line: 1,
      column: 1,
      ...(hint !== undefined && { hint }),
    }),
  );
  return buildFailed("module", `Cannot use "${shown}": ${first?.message}${more}`, {
    diagnostics,
    ...(first?.hint !== undefined && { hint: first.hint }),
  });
}
