/**
 * What a program asks when it starts: its arguments, its environment, its preopened directories.
 */

import { refuse } from "../files/file-error.guest.ts";
import { SUCCESS } from "./errno.guest.ts";
import type { Host, TextList } from "./host.guest.ts";

/** Functions of preview 1. */
export const STARTUP_CALLS = {
  args_sizes_get: (host: Host, count: number, bytes: number) => writeSizes(host, host.args, count, bytes),
  args_get: (host: Host, pointers: number, bytes: number) => writeList(host, host.args, pointers, bytes),
  environ_sizes_get: (host: Host, count: number, bytes: number) => writeSizes(host, host.env, count, bytes),
  environ_get: (host: Host, pointers: number, bytes: number) => writeList(host, host.env, pointers, bytes),

  fd_prestat_get(host: Host, fd: number, result: number) {
    const { length } = readPreopenPath(host, fd);
    const at = host.memory.check(result, 8);
    host.memory.setU32(at, 0);
    host.memory.setU32(at + 4, length);
    return SUCCESS;
  },

  fd_prestat_dir_name(host: Host, fd: number, path: number, length: number) {
    const bytes = readPreopenPath(host, fd);
    if (length >>> 0 < bytes.length) refuse("ENAMETOOLONG");
    host.memory.setBytes(path, bytes);
    return SUCCESS;
  },
} as const;

function writeSizes({ memory }: Host, list: TextList, count: number, bytes: number): number {
  memory.check(bytes, 4);
  memory.setU32(count, list.starts.length);
  memory.setU32(bytes, list.bytes.length);
  return SUCCESS;
}

function writeList({ memory }: Host, list: TextList, pointers: number, bytes: number): number {
  const at = memory.check(pointers, list.starts.length * 4);
  memory.setBytes(bytes, list.bytes);
  for (const [index, start] of list.starts.entries()) memory.setU32(at + index * 4, bytes + start);
  return SUCCESS;
}

function readPreopenPath({ descriptors }: Host, fd: number): Uint8Array {
  const descriptor = descriptors.get(fd);
  if (descriptor.kind !== "directory" || descriptor.preopenPath === undefined) refuse("EBADF");
  return new TextEncoder().encode(descriptor.preopenPath);
}
