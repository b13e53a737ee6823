/**
 * The folder of a project: which configuration file it has, what its entry is, and what stands at a path.
 */

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { findErrno } from "../model/errno.ts";

/** In wrangler's order: the first one there is read. */
export const CONFIG_FILE_NAMES = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"] as const;

/** Where an entry is looked for when none is named, in this order, each with these endings. */
const ENTRY_STEMS = ["index", "src/index", "main"] as const;
const ENTRY_ENDINGS = [".ts", ".tsx", ".js", ".jsx", ".mjs"] as const;
/** A program counts where there is no source: beside one it may be what the source imports. */
const WASM_ENTRIES = ["index.wasm", "main.wasm"] as const;

/** The configuration files of a folder, the one that is read first. Also names that lead nowhere. */
export async function listConfigFiles(dir: string): Promise<readonly string[]> {
  const names = await readdir(dir);
  return CONFIG_FILE_NAMES.filter((name) => names.includes(name));
}

/** The absolute path of the entry that needs no name. */
export async function findEntry(dir: string): Promise<string | undefined> {
  const names = ENTRY_STEMS.flatMap((stem) => ENTRY_ENDINGS.map((ending) => stem + ending));
  for (const name of [...names, ...WASM_ENTRIES]) {
    const path = join(dir, name);
    if ((await readKind(path)) === "file") return path;
  }
  return undefined;
}

/** The Dockerfile that needs no name. */
export async function findDockerfile(dir: string): Promise<string | undefined> {
  const path = join(dir, "Dockerfile");
  return (await readKind(path)) === "file" ? path : undefined;
}

/** What is at a path. */
export type PathKind = "file" | "folder" | "neither" | "missing" | "unreadable";

/** What stands at a path, after following links. */
export async function readKind(path: string): Promise<PathKind> {
  try {
    const stats = await stat(path);
    if (stats.isFile()) return "file";
    return stats.isDirectory() ? "folder" : "neither";
  } catch (thrown) {
    const code = findErrno(thrown);
    return code === "ENOENT" || code === "ENOTDIR" ? "missing" : "unreadable";
  }
}

const FAILURES: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a part of its path is not a folder",
  EISDIR: "it is a folder",
  EACCES: "permission is denied",
  EPERM: "permission is denied",
  ELOOP: "its links lead in a circle",
  ENAMETOOLONG: "its name is too long",
  ENXIO: "it is not a file",
};

/** Why reading failed, a clause; `undefined` for what is no failure of a path. */
export function explainReadFailure(thrown: unknown): string | undefined {
  const code = findErrno(thrown);
  return code === undefined ? undefined : (FAILURES[code] ?? `the system says ${code}`);
}
