/**
 * What is done with a descriptor besides reading and writing: its place, its size, its rights, its number.
 */

import { MAX_FILE_BYTES } from "../files/file.guest.ts";
import { refuse } from "../files/file-error.guest.ts";
import { ALL_FDFLAGS, requireRight } from "./descriptors.guest.ts";
import { SUCCESS } from "./errno.guest.ts";
import type { Host } from "./host.guest.ts";
import { toOffset } from "./io-calls.guest.ts";
import { RIGHT, toRights } from "./rights.guest.ts";
import { FILETYPE, toTimes, writeFilestat } from "./stat.guest.ts";

const FDSTAT_BYTES = 24;
const LAST_ADVICE = 5;
/** What the numbers of `whence` mean. */
const WHENCE = {
  wasi_snapshot_preview1: ["start", "here", "end"],
  wasi_unstable: ["here", "end", "start"],
} as const;

/** Functions of preview 1. */
export const DESCRIPTOR_CALLS = {
  fd_close(host: Host, fd: number) {
    host.descriptors.close(fd);
    return SUCCESS;
  },

  fd_renumber(host: Host, from: number, to: number) {
    host.descriptors.renumber(from, to);
    return SUCCESS;
  },

  fd_seek(host: Host, fd: number, offset: bigint, whence: number, result: number) {
    const from = WHENCE[host.edition][whence];
    const descriptor = host.descriptors.get(fd);
    // To ask where it is, the right to tell is enough.
    const isTell = from === "here" && offset === 0n;
    const file = host.descriptors.getFile(
      fd,
      isTell && (descriptor.rights & RIGHT.FD_TELL) !== 0 ? "FD_TELL" : "FD_SEEK",
    );
    if (from === undefined) refuse("EINVAL");
    const base = from === "start" ? 0 : from === "here" ? file.position : file.node.size;
    const target = BigInt(base) + BigInt.asIntN(64, offset);
    if (target < 0n) refuse("EINVAL");
    if (target > BigInt(Number.MAX_SAFE_INTEGER)) refuse("EOVERFLOW");
    host.memory.setU64(result, target);
    file.position = Number(target);
    return SUCCESS;
  },

  fd_tell(host: Host, fd: number, result: number) {
    const { position } = host.descriptors.getFile(fd, "FD_TELL");
    host.memory.setU64(result, BigInt(position));
    return SUCCESS;
  },

  fd_advise(host: Host, fd: number, offset: bigint, length: bigint, advice: number) {
    const descriptor = host.descriptors.get(fd);
    if (descriptor.kind === "input" || descriptor.kind === "output") refuse("ESPIPE");
    requireRight(descriptor, "FD_ADVISE");
    toOffset(offset);
    toOffset(length);
    if (advice < 0 || advice > LAST_ADVICE) refuse("EINVAL");
    return SUCCESS;
  },

  fd_allocate(host: Host, fd: number, offset: bigint, length: bigint) {
    const { node } = host.descriptors.getFile(fd, "FD_ALLOCATE");
    const end = toOffset(offset) + toOffset(length);
    if (length === 0n) refuse("EINVAL");
    if (end > MAX_FILE_BYTES) refuse("EFBIG");
    node.inode.volume.mayChange();
    if (end > node.size) node.resize(end);
    return SUCCESS;
  },

  fd_sync(host: Host, fd: number) {
    requireRight(host.descriptors.get(fd), "FD_SYNC");
    return SUCCESS;
  },

  fd_datasync(host: Host, fd: number) {
    requireRight(host.descriptors.get(fd), "FD_DATASYNC");
    return SUCCESS;
  },

  fd_fdstat_get(host: Host, fd: number, result: number) {
    const { kind, flags, rights, inheriting } = host.descriptors.get(fd);
    const { memory } = host;
    const at = memory.check(result, FDSTAT_BYTES);
    memory.setU32(at, FILETYPE[kind]);
    memory.setU16(at + 2, flags);
    memory.setU32(at + 4, 0);
    memory.setU64(at + 8, BigInt(rights));
    memory.setU64(at + 16, BigInt(inheriting));
    return SUCCESS;
  },

  fd_fdstat_set_flags(host: Host, fd: number, flags: number) {
    const descriptor = host.descriptors.get(fd);
    requireRight(descriptor, "FD_FDSTAT_SET_FLAGS");
    if ((flags & ~ALL_FDFLAGS) !== 0) refuse("EINVAL");
    descriptor.flags = flags;
    return SUCCESS;
  },

  fd_fdstat_set_rights(host: Host, fd: number, rights: bigint, inheriting: bigint) {
    const descriptor = host.descriptors.get(fd);
    const wanted = { rights: toRights(rights), inheriting: toRights(inheriting) };
    if ((wanted.rights & ~descriptor.rights) !== 0) refuse("ENOTCAPABLE");
    if ((wanted.inheriting & ~descriptor.inheriting) !== 0) refuse("ENOTCAPABLE");
    Object.assign(descriptor, wanted);
    return SUCCESS;
  },

  fd_filestat_get(host: Host, fd: number, result: number) {
    const descriptor = host.descriptors.get(fd);
    requireRight(descriptor, "FD_FILESTAT_GET");
    writeFilestat(host, result, "node" in descriptor ? descriptor.node : descriptor);
    return SUCCESS;
  },

  fd_filestat_set_size(host: Host, fd: number, size: bigint) {
    const { node } = host.descriptors.getFile(fd, "FD_FILESTAT_SET_SIZE", "EINVAL");
    node.resize(toOffset(size));
    return SUCCESS;
  },

  fd_filestat_set_times(host: Host, fd: number, atimeNs: bigint, mtimeNs: bigint, flags: number) {
    const descriptor = host.descriptors.get(fd);
    requireRight(descriptor, "FD_FILESTAT_SET_TIMES");
    const times = toTimes(host, atimeNs, mtimeNs, flags);
    if ("node" in descriptor) descriptor.node.inode.setTimes(times);
    return SUCCESS;
  },
} as const;
