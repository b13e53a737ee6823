/**
 * Listing a directory in parts.
 *
 * A cookie is the place of the entry before: entries keep their places, so a program may remove what it has read, or
 * start again at any cookie it was given, and misses nothing that stays.
 */

import type { DirectoryEntry } from "../files/directory.guest.ts";
import type { DirectoryDescriptor } from "./descriptors.guest.ts";
import { SUCCESS } from "./errno.guest.ts";
import type { Host } from "./host.guest.ts";
import { FILETYPE } from "./stat.guest.ts";

const HEADER_BYTES = 24;
const ENCODER = new TextEncoder();

/** Functions of preview 1. */
export const READDIR_CALLS = {
  /** Fills the buffer to its end, in the middle of an entry if need be: less than a full buffer means the end. */
  fd_readdir(host: Host, fd: number, buffer: number, length: number, cookie: bigint, result: number) {
    const descriptor = host.descriptors.getDirectory(fd, "FD_READDIR");
    const target = host.memory.bytes(buffer, length);
    host.memory.check(result, 4);
    const from = Number(BigInt.asUintN(64, cookie));
    let used = 0;
    const write = (bytes: Uint8Array) => {
      const part = bytes.subarray(0, target.length - used);
      target.set(part, used);
      used += part.length;
      return used < target.length;
    };
    for (const entry of listFrom(descriptor, from)) if (!write(toHeader(entry)) || !write(entry.bytes)) break;
    host.memory.setU32(result, used);
    return SUCCESS;
  },
} as const;

interface ListedEntry {
  readonly place: number;
  readonly inode: number;
  readonly type: number;
  readonly bytes: Uint8Array;
}

function* listFrom({ node }: DirectoryDescriptor, cookie: number): Generator<ListedEntry> {
  const type = FILETYPE.directory;
  if (cookie < 1) yield { place: 1, inode: node.inode.number, type, bytes: ENCODER.encode(".") };
  // What is above a preopened directory is nothing that a program may know.
  if (cookie < 2) yield { place: 2, inode: node.parent?.inode.number ?? 0, type, bytes: ENCODER.encode("..") };
  for (const entry of node.listAfter(cookie)) yield toListed(entry);
}

function toListed({ name, place, node }: DirectoryEntry): ListedEntry {
  return { place, inode: node.inode.number, type: FILETYPE[node.kind], bytes: ENCODER.encode(name) };
}

function toHeader({ place, inode, type, bytes }: ListedEntry): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setBigUint64(0, BigInt(place), true);
  view.setBigUint64(8, BigInt(inode), true);
  view.setUint32(16, bytes.length, true);
  view.setUint8(20, type);
  return header;
}
