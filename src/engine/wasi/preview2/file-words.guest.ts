/**
 * The records, enums and variants of `wasi:filesystem/types`, and what the file system's own words are in them.
 *
 * @see https://github.com/WebAssembly/wasi-filesystem/blob/v0.2.0/wit/types.wit
 */

import type { FileNode } from "../files/directory.guest.ts";
import { FileError, type FileErrorCode, refuse } from "../files/file-error.guest.ts";
import { type Datetime, fromDatetime, toDatetime } from "./clocks.guest.ts";
import { type Err, err, type Variant } from "./result.guest.ts";

/** The flags `path-flags`. */
export interface PathFlags {
  readonly symlinkFollow: boolean;
}

/** The flags `open-flags`. */
export interface OpenFlags {
  readonly create: boolean;
  readonly directory: boolean;
  readonly exclusive: boolean;
  readonly truncate: boolean;
}

/** The flags `descriptor-flags`. */
export interface DescriptorFlags {
  readonly read: boolean;
  readonly write: boolean;
  readonly fileIntegritySync: boolean;
  readonly dataIntegritySync: boolean;
  readonly requestedWriteSync: boolean;
  readonly mutateDirectory: boolean;
}

/** Those cases of the enum `descriptor-type` that exist here. */
export type DescriptorType = "directory" | "regular-file" | "symbolic-link";

/** The variant `new-timestamp`. */
export type NewTimestamp = Variant<"no-change"> | Variant<"now"> | Variant<"timestamp", Datetime>;

/** The record `descriptor-stat`. */
export interface DescriptorStat {
  readonly type: DescriptorType;
  readonly linkCount: bigint;
  readonly size: bigint;
  readonly dataAccessTimestamp: Datetime;
  readonly dataModificationTimestamp: Datetime;
  readonly statusChangeTimestamp: Datetime;
}

/** The record `metadata-hash-value`. */
export interface MetadataHash {
  readonly lower: bigint;
  readonly upper: bigint;
}

/** The enum `error-code` for each refusal. */
const ERROR_CODES = {
  EAGAIN: "would-block",
  EBADF: "bad-descriptor",
  EBUSY: "busy",
  EEXIST: "exist",
  EFAULT: "io",
  EFBIG: "file-too-large",
  EILSEQ: "illegal-byte-sequence",
  EINVAL: "invalid",
  EIO: "io",
  EISDIR: "is-directory",
  ELOOP: "loop",
  EMFILE: "insufficient-memory",
  EMLINK: "too-many-links",
  ENAMETOOLONG: "name-too-long",
  ENOENT: "no-entry",
  ENOSPC: "insufficient-space",
  ENOTCAPABLE: "not-permitted",
  ENOTDIR: "not-directory",
  ENOTEMPTY: "not-empty",
  ENOTSOCK: "unsupported",
  ENOTSUP: "unsupported",
  EOVERFLOW: "overflow",
  EPERM: "not-permitted",
  EROFS: "read-only",
  ESPIPE: "invalid-seek",
  EXDEV: "cross-device",
} as const satisfies Record<FileErrorCode, string>;

/** Those cases of the enum `error-code` that can happen here. */
export type FileErrorWord = (typeof ERROR_CODES)[FileErrorCode];

/** The word of `wasi:filesystem` for what was thrown; undefined when it is no refusal of the file system. */
export function findErrorWord(thrown: unknown): FileErrorWord | undefined {
  return thrown instanceof FileError ? ERROR_CODES[thrown.code] : undefined;
}

/** A refusal as a result; anything else goes on its way. */
export function toRefusal(thrown: unknown): Err<FileErrorWord> {
  const word = findErrorWord(thrown);
  if (word === undefined) throw thrown;
  return err(word);
}

const TYPES = { directory: "directory", file: "regular-file", symlink: "symbolic-link" } as const;

/** What a node is. */
export function toType(node: FileNode): DescriptorType {
  return TYPES[node.kind];
}

/** What is known of a node. */
export function toStat(node: FileNode): DescriptorStat {
  const { inode } = node;
  return {
    type: toType(node),
    linkCount: BigInt(inode.links),
    size: BigInt(sizeOf(node)),
    dataAccessTimestamp: toDatetime(inode.atimeNs),
    dataModificationTimestamp: toDatetime(inode.mtimeNs),
    statusChangeTimestamp: toDatetime(inode.ctimeNs),
  };
}

function sizeOf(node: FileNode): number {
  if (node.kind === "file") return node.size;
  return node.kind === "symlink" ? Buffer.byteLength(node.target) : 0;
}

/** A hash that changes when the node is modified or replaced. */
export function toHash(node: FileNode): MetadataHash {
  const { inode } = node;
  const parts = [BigInt(inode.volume.device), BigInt(inode.number), inode.mtimeNs, inode.ctimeNs, BigInt(sizeOf(node))];
  return { lower: mix(parts, 0x9e3779b97f4a7c15n), upper: mix(parts, 0xc2b2ae3d27d4eb4fn) };
}

/** Folds numbers into 64 bits, each spread over all of them (as the finisher of MurmurHash3 does). */
function mix(parts: readonly bigint[], seed: bigint): bigint {
  let hash = seed;
  for (const part of parts) {
    hash = BigInt.asUintN(64, (hash ^ part) * 0xff51afd7ed558ccdn);
    hash = BigInt.asUintN(64, (hash ^ (hash >> 33n)) * 0xc4ceb9fe1a85ec53n);
    hash ^= hash >> 33n;
  }
  return hash;
}

const NS_PER_S = 1_000_000_000;

/** A time to set, or undefined to leave it. Throws EINVAL for a time with a second of nanoseconds or more. */
export function toTime(value: NewTimestamp, node: FileNode): bigint | undefined {
  if (value.tag === "no-change") return undefined;
  if (value.tag === "now") return node.inode.volume.nowNs();
  if (value.val.nanoseconds >= NS_PER_S) refuse("EINVAL");
  return fromDatetime(value.val);
}
