/**
 * Folders of projects for tests: files by name, gone when the test ends.
 */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type ReadProjectOptions, readProject } from "../../../src/config/read-project.ts";
import { type Diagnostic, NebulaError } from "../../../src/model/errors.ts";

export interface ProjectFolder extends AsyncDisposable {
  /** Absolute; its last part is `shop`. */
  readonly dir: string;
}

/** Writes files by their relative names into a new folder named `shop`. A name that ends in `/` is a folder. */
export async function createProjectFolder(
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<ProjectFolder> {
  const parent = await mkdtemp(join(tmpdir(), "nebula-config-"));
  const dir = join(parent, "shop");
  await mkdir(dir);
  for (const [name, content] of Object.entries(files)) {
    const path = join(dir, name);
    await mkdir(name.endsWith("/") ? path : dirname(path), { recursive: true });
    if (!name.endsWith("/")) await writeFile(path, content);
  }
  return { dir, [Symbol.asyncDispose]: () => rm(parent, { recursive: true, force: true }) };
}

/** A diagnostic in one line: `3:8 error message [hint]`. */
export function toLine({ line, column, severity, message, hint }: Diagnostic): string {
  return `${line}:${column} ${severity} ${message}${hint === undefined ? "" : ` [${hint}]`}`;
}

/** Everything that reading the project says, whether it fails or not. */
export async function readDiagnostics(dir: string, options: ReadProjectOptions = {}): Promise<readonly Diagnostic[]> {
  try {
    return (await readProject(dir, options)).warnings;
  } catch (thrown) {
    if (thrown instanceof NebulaError && thrown.code === "NEBULA_CONFIG_INVALID") return thrown.diagnostics;
    throw thrown;
  }
}
