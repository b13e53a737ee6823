/**
 * Finds the tools that make Wasm programs, smaller ones and faster ones. They are optional: a build without them says so.
 */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import type { ToolCommand } from "./exec.ts";

/** The tools that a build can use. */
export type ToolName = "wizer" | "wasm-opt" | "wasm-ctor-eval" | "componentize-qjs";

/** A tool that is there. */
export interface Tool extends ToolCommand {
  /** With its package: what it makes depends on it. */
  readonly version: string;
}

/** Looks for a tool. */
export type FindTool = (name: ToolName) => Promise<Tool | undefined>;

/** What has to be installed for a tool. */
export const TOOL_PACKAGES: Readonly<Record<ToolName, string>> = {
  wizer: "@bytecodealliance/wizer",
  "wasm-opt": "binaryen",
  "wasm-ctor-eval": "binaryen",
  "componentize-qjs": "componentize-qjs",
};

/** A library; this runs it. The same place and ending in the sources and in the package. */
const COMPONENTIZE = join(import.meta.dirname, "componentize", `tool${extname(import.meta.filename)}`);

/** Finds what is installed where this program's own packages are found. */
export const findInstalledTool: FindTool = async (name) => {
  const manifest = findPackage(TOOL_PACKAGES[name], import.meta.url);
  if (manifest === undefined) return undefined;
  const version = `${TOOL_PACKAGES[name]} ${await readVersion(manifest)}`;
  if (name === "componentize-qjs") return { file: process.execPath, args: [COMPONENTIZE], version };
  // Binaryen's programs are JavaScript; of Wizer each platform has a package with a binary.
  if (name !== "wizer") return { file: process.execPath, args: [join(dirname(manifest), "bin", name)], version };
  const native = findPackage(`${TOOL_PACKAGES.wizer}-${process.platform}-${process.arch}`, manifest);
  return native === undefined ? undefined : { file: join(dirname(native), "wizer"), args: [], version };
};

/** The package.json of a package as another file would find it. */
function findPackage(name: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(`${name}/package.json`);
  } catch {
    return undefined; // because what is not installed is not there
  }
}

async function readVersion(manifest: string): Promise<string> {
  const { version }: { version: string } = JSON.parse(await readFile(manifest, "utf8"));
  return version;
}
