/**
 * How preview 1 describes files, in memory and in words: types, filestat, times.
 */

import type { FileNode } from "../files/directory.guest.ts";
import { refuse } from "../files/file-error.guest.ts";
import type { NodeTimes } from "../files/inode.guest.ts";
import type { Descriptor } from "./descriptors.guest.ts";
import type { Host } from "./host.guest.ts";

/** The numbers of file types. Streams are of unknown type: neither a terminal nor a file. */
export const FILETYPE = { input: 0, output: 0, directory: 3, file: 4, symlink: 7 } as const;

const FSTFLAG = { ATIM: 1, ATIM_NOW: 2, MTIM: 4, MTIM_NOW: 8 } as const;
const ALL_FSTFLAGS = 15;
const LAYOUT = {
  wasi_snapshot_preview1: { bytes: 64, linksAt: 24, sizeAt: 32 },
  wasi_unstable: { bytes: 56, linksAt: 20, sizeAt: 24 },
} as const;

/** Writes the filestat of a node or of a stream's descriptor. Throws EFAULT. */
export function writeFilestat({ memory, edition }: Host, pointer: number, what: FileNode | Descriptor): void {
  const layout = LAYOUT[edition];
  const at = memory.check(pointer, layout.bytes);
  memory.bytes(at, layout.bytes).fill(0);
  memory.setU8(at + 16, FILETYPE[what.kind]);
  memory.setU32(at + layout.linksAt, "inode" in what ? what.inode.links : 1);
  if (!("inode" in what)) return;
  const { inode } = what;
  memory.setU64(at, BigInt(inode.volume.device));
  memory.setU64(at + 8, BigInt(inode.number));
  memory.setU64(at + layout.sizeAt, BigInt(toSize(what)));
  memory.setU64(at + layout.sizeAt + 8, inode.atimeNs);
  memory.setU64(at + layout.sizeAt + 16, inode.mtimeNs);
  memory.setU64(at + layout.sizeAt + 24, inode.ctimeNs);
}

function toSize(node: FileNode): number {
  if (node.kind === "file") return node.size;
  return node.kind === "symlink" ? new TextEncoder().encode(node.target).length : 0;
}

/** The times that a program asks to set. Throws EINVAL when flags contradict each other or are not known. */
export function toTimes(host: Host, atimeNs: bigint, mtimeNs: bigint, flags: number): NodeTimes {
  const has = (flag: number) => (flags & flag) !== 0;
  if ((flags & ~ALL_FSTFLAGS) !== 0) refuse("EINVAL");
  if (has(FSTFLAG.ATIM) && has(FSTFLAG.ATIM_NOW)) refuse("EINVAL");
  if (has(FSTFLAG.MTIM) && has(FSTFLAG.MTIM_NOW)) refuse("EINVAL");
  const nowNs = has(FSTFLAG.ATIM_NOW | FSTFLAG.MTIM_NOW) ? host.options.clock.nowNs() : undefined;
  return {
    atimeNs: has(FSTFLAG.ATIM) ? BigInt.asUintN(64, atimeNs) : has(FSTFLAG.ATIM_NOW) ? nowNs : undefined,
    mtimeNs: has(FSTFLAG.MTIM) ? BigInt.asUintN(64, mtimeNs) : has(FSTFLAG.MTIM_NOW) ? nowNs : undefined,
  };
}
