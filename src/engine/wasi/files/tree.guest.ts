/**
 * Makes trees of files: empty ones, read-only images, and those that begin with what was kept of before.
 *
 *     openTree     per invocation   costs a few objects until it is used
 *     openImage    once per load    read-only, shared by all invocations, content not copied
 *     loadTree     per invocation   a directory that persists; `takeChanges` says what to keep
 */

import { Directory, type FileNode, SymbolicLink } from "./directory.guest.ts";
import { File } from "./file.guest.ts";
import { refuse } from "./file-error.guest.ts";
import { Volume, type VolumeOptions } from "./volume.guest.ts";

/** One thing in a tree, by its path from the tree's root: no slash at either end, no "." or "..". */
export type FileRecord =
  | { readonly path: string; readonly kind: "file"; readonly bytes: Uint8Array; readonly mtimeNs: bigint }
  | { readonly path: string; readonly kind: "directory"; readonly mtimeNs: bigint }
  | { readonly path: string; readonly kind: "symlink"; readonly linkTarget: string; readonly mtimeNs: bigint };

/** The device number of images, unless told otherwise. */
const IMAGE_DEVICE = 2;

/** Makes a tree. Its root begins with the entries of `base`, such as the root of an image. */
export function openTree(options: VolumeOptions & { readonly base?: Directory }): Directory {
  const root = new Directory(new Volume(options), { base: options.base });
  root.inode.links = 1;
  return root;
}

/** Makes a read-only tree of files. The content is not copied and must not change. Throws EEXIST when paths collide. */
export function openImage(
  files: ReadonlyMap<string, Uint8Array>,
  options: { readonly device?: number; readonly mtimeNs?: bigint } = {},
): Directory {
  const mtimeNs = options.mtimeNs ?? 0n;
  const unlimited = { maxBytes: Number.POSITIVE_INFINITY, maxNames: Number.POSITIVE_INFINITY };
  const root = openTree({ nowNs: () => mtimeNs, device: options.device ?? IMAGE_DEVICE, ...unlimited });
  for (const [path, bytes] of files) put(root, path, new File(root.inode.volume, bytes, mtimeNs));
  root.inode.volume.isReadOnly = true;
  return root;
}

/** Makes a tracked tree of records. Content is copied when it is first written to. Throws ENOSPC, EEXIST. */
export function loadTree(options: VolumeOptions, records: Iterable<FileRecord>): Directory {
  const root = openTree({ ...options, isTracked: true });
  const { volume } = root.inode;
  const directories: [Directory, bigint][] = [];
  for (const record of records) {
    if (record.kind === "directory") directories.push([ensureDirectory(root, record.path), record.mtimeNs]);
    else if (record.kind === "file") put(root, record.path, new File(volume, record.bytes, record.mtimeNs));
    else put(root, record.path, new SymbolicLink(volume, record.linkTarget, record.mtimeNs));
  }
  for (const [directory, mtimeNs] of directories) directory.inode.setTimes({ mtimeNs });
  forgetChanges(root);
  return root;
}

/** Puts the files of a new image into a directory below `directory`, which is made where it is not there. */
export function mountFiles(directory: Directory, path: string, files: ReadonlyMap<string, Uint8Array>): void {
  mount(directory, path, openImage(files));
}

/** Puts the entries of an image's root into a directory below `directory`. Throws EEXIST, ENOTDIR, EROFS. */
export function mount(directory: Directory, path: string, image: Directory): void {
  const target = ensureDirectory(directory, path);
  for (const { name, node } of image.list()) {
    if (target.find(name) !== undefined) refuse("EEXIST");
    target.add(name, node);
  }
}

function put(root: Directory, path: string, node: FileNode): void {
  const names = toNames(path);
  const name = names.pop();
  if (name === undefined) refuse("EINVAL");
  const parent = descend(root, names);
  if (parent.find(name) !== undefined) refuse("EEXIST");
  const { mtimeNs, ctimeNs } = node.inode;
  parent.add(name, node);
  Object.assign(node.inode, { mtimeNs, ctimeNs });
}

function ensureDirectory(root: Directory, path: string): Directory {
  return descend(root, toNames(path));
}

function descend(root: Directory, names: readonly string[]): Directory {
  let here = root;
  for (const name of names) {
    const next = here.find(name) ?? addDirectory(here, name);
    if (!(next instanceof Directory)) refuse("ENOTDIR");
    here = next;
  }
  return here;
}

function addDirectory(parent: Directory, name: string): Directory {
  const directory = new Directory(parent.inode.volume);
  parent.add(name, directory);
  return directory;
}

function toNames(path: string): string[] {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  if (names.includes("..") || path.includes("\0")) refuse("EINVAL");
  return names;
}

/** Says that the tree is as it is kept: what changes from now on is what `takeChanges` tells. */
export function forgetChanges(root: Directory): void {
  const todo = [root];
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    at.changed = undefined;
    at.inode.isDirty = false;
    for (const { node } of at.list()) {
      if (node.inode.volume !== root.inode.volume) continue;
      node.inode.isDirty = false;
      if (node.kind === "directory") todo.push(node);
    }
  }
  root.inode.volume.isDirty = false;
}
