/**
 * What programs do with paths, as POSIX has it: each operation takes a directory and a path below it.
 *
 * All of them throw what `resolve` throws, and EROFS, ENOSPC and EXDEV where they change something.
 */

import { Directory, type FileNode, SymbolicLink } from "./directory.guest.ts";
import { File } from "./file.guest.ts";
import { refuse } from "./file-error.guest.ts";
import { type Place, resolve } from "./resolve.guest.ts";

/** How many names a file may have, as with ext4. */
const MAX_LINKS = 65_000;

/** How a path is opened. */
export interface OpenOptions {
  /** A symbolic link at the end is followed. */
  readonly follows: boolean;
  readonly isCreated: boolean;
  /** With `isCreated`: nothing may be there yet. */
  readonly isExclusive: boolean;
  readonly isTruncated: boolean;
  /** It must be a directory. */
  readonly isDirectory: boolean;
  readonly isWritten: boolean;
}

/** A directory and a path below it. */
export interface At {
  readonly directory: Directory;
  readonly path: string;
}

/** Finds what is at a path. A slash at its end leads through a symbolic link. Throws ENOENT, ENOTDIR. */
export function findNode({ directory, path }: At, follows: boolean): FileNode {
  const { node, mustBeDirectory } = resolve(directory, path, follows || path.endsWith("/"));
  if (node === undefined) refuse("ENOENT");
  if (mustBeDirectory && node.kind !== "directory") refuse("ENOTDIR");
  return node;
}

/** Finds or makes what is to be opened. Throws ENOENT, EEXIST, EISDIR, ENOTDIR, ELOOP, EINVAL. */
export function openNode({ directory, path }: At, options: OpenOptions): FileNode {
  const { isCreated, isExclusive } = options;
  if (isCreated && options.isDirectory) refuse("EINVAL");
  const follows = isCreated ? options.follows && !isExclusive : options.follows || path.endsWith("/");
  const place = resolve(directory, path, follows);
  if (isCreated && place.mustBeDirectory) refuse("EISDIR");
  if (place.node !== undefined) return openExisting(place.node, place, options);
  if (!isCreated) refuse("ENOENT");
  return addNew(place, () => new File(place.parent.inode.volume));
}

function openExisting(node: FileNode, { mustBeDirectory }: Place, options: OpenOptions): FileNode {
  if (options.isCreated && options.isExclusive) refuse("EEXIST");
  if (node.kind === "symlink") refuse("ELOOP");
  if (node.kind === "directory") {
    if (options.isCreated || options.isTruncated || options.isWritten) refuse("EISDIR");
    return node;
  }
  if (options.isDirectory || mustBeDirectory) refuse("ENOTDIR");
  if (options.isWritten || options.isTruncated) node.inode.volume.mayChange();
  if (options.isTruncated) node.resize(0);
  return node;
}

/** Throws EEXIST. */
export function createDirectory({ directory, path }: At): void {
  const place = resolve(directory, path, false);
  if (place.node !== undefined) refuse("EEXIST");
  addNew(place, () => new Directory(place.parent.inode.volume));
}

/** Throws ENOENT, ENOTDIR, ENOTEMPTY, EINVAL for ".", EBUSY for a mount. */
export function removeDirectory({ directory, path }: At): void {
  const { parent, name, node } = resolve(directory, path, false);
  if (node === undefined) refuse("ENOENT");
  if (node.kind !== "directory") refuse("ENOTDIR");
  if (name === ".") refuse("EINVAL");
  parent.inode.volume.mayChange();
  if (!node.isEmpty) refuse("ENOTEMPTY");
  parent.remove(name);
}

/** Removes a name of a file or symbolic link; who has it open keeps it. Throws ENOENT, EISDIR, ENOTDIR, EBUSY. */
export function unlinkFile({ directory, path }: At): void {
  const { parent, name, node, mustBeDirectory } = resolve(directory, path, false);
  if (node === undefined) refuse("ENOENT");
  if (node.kind === "directory") refuse("EISDIR");
  if (mustBeDirectory) refuse("ENOTDIR");
  parent.remove(name);
}

/** Gives a file a second name. Throws ENOENT, EEXIST, EPERM for a directory, EXDEV across volumes, EMLINK. */
export function linkFile(from: At, to: At, follows: boolean): void {
  const node = findNode(from, follows);
  const place = resolve(to.directory, to.path, false);
  if (place.node !== undefined) refuse("EEXIST");
  if (place.mustBeDirectory) refuse("ENOENT");
  if (node.kind === "directory") refuse("EPERM");
  if (node.inode.volume !== place.parent.inode.volume) refuse("EXDEV");
  if (node.inode.links >= MAX_LINKS) refuse("EMLINK");
  place.parent.add(place.name, node);
}

/** Makes a symbolic link. Throws EEXIST, ENOENT for an empty target, EPERM for an absolute one. */
export function createSymbolicLink(target: string, { directory, path }: At): void {
  if (target === "") refuse("ENOENT");
  if (target.startsWith("/")) refuse("EPERM");
  const place = resolve(directory, path, false);
  // What is there is told apart as the public test suite has it; Linux says EEXIST to both.
  if (place.node !== undefined) refuse(place.mustBeDirectory && place.node.kind === "file" ? "ENOTDIR" : "EEXIST");
  if (place.mustBeDirectory) refuse("ENOENT");
  addNew(place, () => new SymbolicLink(place.parent.inode.volume, target));
}

/** The target of a symbolic link. Throws ENOENT, and EINVAL when it is something else. */
export function readSymbolicLink({ directory, path }: At): string {
  const { node, mustBeDirectory } = resolve(directory, path, path.endsWith("/"));
  if (node === undefined) refuse("ENOENT");
  if (mustBeDirectory && node.kind === "file") refuse("ENOTDIR");
  if (node.kind !== "symlink") refuse("EINVAL");
  node.inode.touchRead();
  return node.target;
}

/**
 * Gives a node another name, over what may be there.
 *
 * Throws ENOENT, ENOTDIR, EISDIR, ENOTEMPTY, EINVAL (into itself), EBUSY (a mount or "."), EXDEV across volumes.
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/functions/rename.html
 */
export function rename(from: At, to: At): void {
  const source = resolve(from.directory, from.path, false);
  const target = resolve(to.directory, to.path, false);
  const { node } = source;
  if (source.name === "." || target.name === ".") refuse("EBUSY");
  if (node === undefined) refuse("ENOENT");
  if (node.kind !== "directory" && (source.mustBeDirectory || target.mustBeDirectory)) refuse("ENOTDIR");
  if (source.parent.inode.volume !== target.parent.inode.volume) refuse("EXDEV");
  source.parent.inode.volume.mayChange();
  if (node === target.node) return;
  if (node.kind === "directory" && isWithin(target.parent, node)) refuse("EINVAL");
  checkReplaced(node, target.node);
  source.parent.move(source.name, target.parent, target.name);
}

function checkReplaced(node: FileNode, replaced: FileNode | undefined): void {
  if (replaced === undefined) return;
  if (node.kind === "directory") {
    if (replaced.kind !== "directory") refuse("ENOTDIR");
    if (!replaced.isEmpty) refuse("ENOTEMPTY");
  } else if (replaced.kind === "directory") refuse("EISDIR");
}

function isWithin(inner: Directory, outer: Directory): boolean {
  for (let at: Directory | undefined = inner; at !== undefined; at = at.parent) if (at === outer) return true;
  return false;
}

function addNew<Node extends FileNode>({ parent, name }: Place, make: () => Node): Node {
  parent.inode.volume.mayChange();
  const node = make();
  parent.add(name, node);
  return node;
}
