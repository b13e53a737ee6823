/**
 * Copies a folder of the machine into a tree of files in memory.
 */

import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { createWasiClock } from "../../src/engine/wasi/clock.guest.ts";
import type { Directory } from "../../src/engine/wasi/files/directory.guest.ts";
import { type FileRecord, loadTree } from "../../src/engine/wasi/files/tree.guest.ts";

/** Symbolic links are copied as links. */
export function readTree(folder: string): Directory {
  const records = readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry): FileRecord => {
    const file = join(entry.parentPath, entry.name);
    const path = relative(folder, file);
    const mtimeNs = lstatSync(file, { bigint: true }).mtimeNs;
    if (entry.isDirectory()) return { kind: "directory", path, mtimeNs };
    if (entry.isSymbolicLink()) return { kind: "symlink", path, linkTarget: readlinkSync(file), mtimeNs };
    return { kind: "file", path, bytes: readFileSync(file), mtimeNs };
  });
  return loadTree({ nowNs: createWasiClock().nowNs }, records);
}
