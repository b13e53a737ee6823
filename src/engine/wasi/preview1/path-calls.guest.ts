/**
 * What is done with paths. Each starts at an open directory and stays below it.
 */

import { refuse } from "../files/file-error.guest.ts";
import {
  type At,
  createDirectory,
  createSymbolicLink,
  findNode,
  linkFile,
  openNode,
  readSymbolicLink,
  removeDirectory,
  rename,
  unlinkFile,
} from "../files/operations.guest.ts";
import { ALL_FDFLAGS, requireRight } from "./descriptors.guest.ts";
import { SUCCESS } from "./errno.guest.ts";
import type { Host } from "./host.guest.ts";
import { DIRECTORY_RIGHTS, FILE_RIGHTS, RIGHT, type Right, toRights } from "./rights.guest.ts";
import { toTimes, writeFilestat } from "./stat.guest.ts";

const OFLAG = { CREAT: 1, DIRECTORY: 2, EXCL: 4, TRUNC: 8 } as const;
const ALL_OFLAGS = 15;

/** Functions of preview 1. */
export const PATH_CALLS = {
  // biome-ignore format: the parameters are those of the specification, in its order
  path_open(host: Host, fd: number, lookup: number, path: number, length: number, oflags: number, base: bigint,
    inheriting: bigint, fdflags: number, result: number) {
    const parent = host.descriptors.getDirectory(fd, "PATH_OPEN");
    if ((oflags & ~ALL_OFLAGS) !== 0 || (fdflags & ~ALL_FDFLAGS) !== 0) refuse("EINVAL");
    if ((oflags & OFLAG.CREAT) !== 0) requireRight(parent, "PATH_CREATE_FILE");
    if ((oflags & OFLAG.TRUNC) !== 0) requireRight(parent, "PATH_FILESTAT_SET_SIZE");
    const rights = toRights(base);
    const inherited = toRights(inheriting);
    const at = { directory: parent.node, path: host.memory.text(path, length) };
    host.memory.check(result, 4);
    if (((rights | inherited) & ~parent.inheriting) !== 0) refuse("ENOTCAPABLE");
    const node = openNode(at, {
      follows: isFollowing(lookup),
      isCreated: (oflags & OFLAG.CREAT) !== 0,
      isExclusive: (oflags & OFLAG.EXCL) !== 0,
      isTruncated: (oflags & OFLAG.TRUNC) !== 0,
      isDirectory: (oflags & OFLAG.DIRECTORY) !== 0,
      isWritten: (rights & RIGHT.FD_WRITE) !== 0,
    });
    const common = { inheriting: inherited, flags: fdflags };
    if (node.kind === "symlink") refuse("ELOOP");
    const opened = host.descriptors.add(
      node.kind === "file"
        ? { ...common, kind: "file", node, position: 0, rights: rights & FILE_RIGHTS }
        : { ...common, kind: "directory", node, rights: rights & DIRECTORY_RIGHTS },
    );
    host.memory.setU32(result, opened);
    return SUCCESS;
  },

  path_create_directory(host: Host, fd: number, path: number, length: number) {
    createDirectory(toAt(host, fd, "PATH_CREATE_DIRECTORY", path, length));
    return SUCCESS;
  },

  path_remove_directory(host: Host, fd: number, path: number, length: number) {
    removeDirectory(toAt(host, fd, "PATH_REMOVE_DIRECTORY", path, length));
    return SUCCESS;
  },

  path_unlink_file(host: Host, fd: number, path: number, length: number) {
    unlinkFile(toAt(host, fd, "PATH_UNLINK_FILE", path, length));
    return SUCCESS;
  },

  path_filestat_get(host: Host, fd: number, lookup: number, path: number, length: number, result: number) {
    const at = toAt(host, fd, "PATH_FILESTAT_GET", path, length);
    writeFilestat(host, result, findNode(at, isFollowing(lookup)));
    return SUCCESS;
  },

  // biome-ignore format: the parameters are those of the specification, in its order
  path_filestat_set_times(host: Host, fd: number, lookup: number, path: number, length: number, atimeNs: bigint,
    mtimeNs: bigint, flags: number) {
    const at = toAt(host, fd, "PATH_FILESTAT_SET_TIMES", path, length);
    const times = toTimes(host, atimeNs, mtimeNs, flags);
    findNode(at, isFollowing(lookup)).inode.setTimes(times);
    return SUCCESS;
  },

  // biome-ignore format: the parameters are those of the specification, in its order
  path_link(host: Host, oldFd: number, lookup: number, oldPath: number, oldLength: number, newFd: number,
    newPath: number, newLength: number) {
    const from = toAt(host, oldFd, "PATH_LINK_SOURCE", oldPath, oldLength);
    const to = toAt(host, newFd, "PATH_LINK_TARGET", newPath, newLength);
    linkFile(from, to, isFollowing(lookup));
    return SUCCESS;
  },

  // biome-ignore format: the parameters are those of the specification, in its order
  path_rename(host: Host, oldFd: number, oldPath: number, oldLength: number, newFd: number, newPath: number,
    newLength: number) {
    const from = toAt(host, oldFd, "PATH_RENAME_SOURCE", oldPath, oldLength);
    const to = toAt(host, newFd, "PATH_RENAME_TARGET", newPath, newLength);
    rename(from, to);
    return SUCCESS;
  },

  path_symlink(host: Host, target: number, targetLength: number, fd: number, path: number, length: number) {
    const at = toAt(host, fd, "PATH_SYMLINK", path, length);
    createSymbolicLink(host.memory.text(target, targetLength), at);
    return SUCCESS;
  },

  // biome-ignore format: the parameters are those of the specification, in its order
  path_readlink(host: Host, fd: number, path: number, length: number, buffer: number, bufferLength: number,
    result: number) {
    const at = toAt(host, fd, "PATH_READLINK", path, length);
    const target = host.memory.bytes(buffer, bufferLength);
    host.memory.check(result, 4);
    const bytes = new TextEncoder().encode(readSymbolicLink(at)).subarray(0, target.length);
    target.set(bytes);
    host.memory.setU32(result, bytes.length);
    return SUCCESS;
  },
} as const;

function toAt(host: Host, fd: number, right: Right, path: number, length: number): At {
  return { directory: host.descriptors.getDirectory(fd, right).node, path: host.memory.text(path, length) };
}

function isFollowing(lookup: number): boolean {
  if ((lookup & ~1) !== 0) refuse("EINVAL");
  return lookup === 1;
}
