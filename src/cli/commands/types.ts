/**
 * `nebula types`: writes what `env` holds as TypeScript, so that editors know it.
 */

import { readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { readDevVars } from "../../config/dev-vars.ts";
import { explainReadFailure } from "../../config/folder.ts";
import { findErrno } from "../../model/errno.ts";
import { NebulaError } from "../../model/errors.ts";
import type { Project } from "../../model/function.ts";
import { usageError } from "../args.ts";
import { defineCommand } from "../command.ts";
import { DIR_ARG, ENV_ARG } from "../common-args.ts";
import { readPlace, requireFolder } from "../projects.ts";
import { findEntrypoints } from "../types/entrypoints.ts";
import { formatEnvTypes, HEADER } from "../types/env-types.ts";

export default defineCommand({
  meta: {
    name: "types",
    about:
      "Writes env.d.ts from the configuration: the interface Env with every variable, secret and binding, and what those " +
      "are. It needs no package, only Request and Response of the lib WebWorker or DOM. Secrets are those that the " +
      "configuration requires or, where it names none, those of .dev.vars; of these the names alone are written.",
    examples: [
      { line: "nebula types", summary: "env.d.ts in this folder" },
      { line: "nebula types functions/hello --check", summary: "is it up to date? exits with 1 when it is not" },
    ],
  },
  args: {
    ...DIR_ARG,
    ...ENV_ARG,
    out: { type: "text", value: "file", default: "env.d.ts", summary: "The file, relative to the project's folder" },
    check: { type: "flag", summary: "Write nothing, and fail unless the file is up to date" },
  },
  async run({ args, io, print }) {
    const dir = resolve(io.cwd, args.dir);
    await requireFolder(dir);
    const path = resolve(dir, args.out);
    if (!path.endsWith(".d.ts")) throw usageError('Cannot write "--out": its name must end in .d.ts');
    const { project, warnings } = await readPlace({ dir, isRoot: false }, args.env);
    print.warn(warnings);
    const text = formatEnvTypes({
      bindings: project.spec.bindings,
      secrets: await listDevSecrets(project, args.env),
      entrypoints: await findEntrypoints(project, dirname(path)),
    });
    const before = await findText(path, args.out);
    const isChanged = before !== text;
    if (isChanged && args.check) throw outdated(args.out, before);
    if (isChanged && before !== undefined && !before.startsWith(HEADER)) {
      throw usageError(`Cannot write "${args.out}": it was not made by nebula types`, "Move it away, or choose --out");
    }
    if (isChanged) await write(path, { text, shown: args.out });
    print.result({ file: path, isChanged }, isChanged ? `wrote ${args.out}` : `${args.out} is up to date`);
    return 0;
  },
});

/** With `secrets.required` the configuration says it all, and the file is the same on every machine. */
async function listDevSecrets({ dir, spec }: Project, env: string | undefined): Promise<string[]> {
  if (spec.bindings.some(({ type }) => type === "secret")) return [];
  return Object.keys((await readDevVars(dir, env)).values).sort();
}

async function findText(path: string, shown: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    if (findErrno(thrown) === "ENOENT") return undefined;
    throw usageError(`Cannot read "${shown}": ${explainReadFailure(thrown) ?? "it is not a file"}`);
  }
}

async function write(path: string, { text, shown }: { text: string; shown: string }): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (thrown) {
    throw usageError(`Cannot write "${shown}": ${explainReadFailure(thrown) ?? "the file system refused"}`);
  }
}

function outdated(shown: string, before: string | undefined): NebulaError {
  const what = before === undefined ? "it is not there" : "it is not up to date";
  return new NebulaError("NEBULA_CONFIG_INVALID", `Cannot rely on "${shown}": ${what}`, { hint: "Run nebula types" });
}
