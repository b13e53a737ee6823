/**
 * What a program changed in a directory that persists.
 *
 * Told as the difference between then and now, not as a history: first what goes, then what is now there. A file with
 * two names is told as two files.
 */

import type { Directory, FileNode } from "./directory.guest.ts";
import { type FileRecord, forgetChanges } from "./tree.guest.ts";

/** A path that now holds something else, or nothing. A removed directory goes with all that was in it. */
export type FileChange = FileRecord | { readonly path: string; readonly kind: "removed" };

/**
 * Tells what changed below `root` since it was loaded or the changes were last taken, and begins anew.
 *
 * To be applied in order; a record replaces a file or link at its path. The bytes are valid until the tree changes.
 * Costs nothing when nothing changed.
 */
export function takeChanges(root: Directory): FileChange[] {
  if (!root.inode.volume.isDirty) return [];
  const removed: FileChange[] = [];
  const records: FileRecord[] = [];
  const todo: { at: Directory; prefix: string; isNew: boolean }[] = [{ at: root, prefix: "", isNew: false }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { at, prefix, isNew } = next;
    if (!isNew) removed.push(...listRemoved(at, prefix));
    for (const { name, node } of at.list()) {
      if (node.inode.volume !== root.inode.volume) continue;
      const path = prefix + name;
      const isNewHere = isNew || at.changed?.has(name) === true;
      if (isNewHere || isTouched(node)) records.push(toRecord(path, node));
      if (node.kind === "directory") todo.push({ at: node, prefix: `${path}/`, isNew: isNewHere });
    }
  }
  forgetChanges(root);
  return [...removed, ...records];
}

function listRemoved({ changed }: Directory, prefix: string): FileChange[] {
  const known = [...(changed ?? [])].filter(([, isKnown]) => isKnown);
  return known.map(([name]) => ({ path: prefix + name, kind: "removed" }));
}

/** A directory's time changes with its entries; that alone is not worth telling. */
function isTouched(node: FileNode): boolean {
  return node.kind !== "directory" && node.inode.isDirty;
}

function toRecord(path: string, node: FileNode): FileRecord {
  const { mtimeNs } = node.inode;
  if (node.kind === "directory") return { path, kind: "directory", mtimeNs };
  if (node.kind === "symlink") return { path, kind: "symlink", linkTarget: node.target, mtimeNs };
  return { path, kind: "file", bytes: node.view(0, node.size), mtimeNs };
}
