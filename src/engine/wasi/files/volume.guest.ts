/**
 * One file system: what its nodes have in common. Its limits, its clock, its inode numbers, whether it may be written.
 *
 * Nodes of different volumes may stand in one tree (a mount): links and renames do not cross from one to the other.
 */

import { refuse } from "./file-error.guest.ts";

/** What a volume is made with. */
export interface VolumeOptions {
  /** The wall clock, in nanoseconds since 1970. */
  nowNs(): bigint;
  /** The most bytes that all files may have together. Default: 64 MiB. */
  readonly maxBytes?: number;
  /** The most names that all directories may have together. Default: 65 536. */
  readonly maxNames?: number;
  /** The device number that programs see, which with the inode number names a file. Default: 1. */
  readonly device?: number;
  /** Whether changes are kept for `takeChanges`. Default: no. */
  readonly isTracked?: boolean;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const DEFAULT_MAX_NAMES = 65_536;

/** One file system. */
export class Volume {
  readonly device: number;
  readonly maxBytes: number;
  readonly isTracked: boolean;
  readonly #maxNames: number;
  readonly #nowNs: () => bigint;
  #lastInode = 0;
  #usedBytes = 0;
  #usedNames = 0;
  /** Whether all operations that would change something are refused. */
  isReadOnly = false;
  /** Whether something has changed since the changes were last taken. */
  isDirty = false;

  constructor(options: VolumeOptions) {
    this.device = options.device ?? 1;
    this.maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.isTracked = options.isTracked ?? false;
    this.#maxNames = options.maxNames ?? DEFAULT_MAX_NAMES;
    this.#nowNs = options.nowNs;
  }

  /** The bytes of all files together. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** The names in all directories together. */
  get usedNames(): number {
    return this.#usedNames;
  }

  nowNs(): bigint {
    return this.#nowNs();
  }

  nextInode(): number {
    this.#lastInode += 1;
    return this.#lastInode;
  }

  /** Throws EROFS when nothing may be changed. */
  mayChange(): void {
    if (this.isReadOnly) refuse("EROFS");
  }

  /** Counts bytes that a file gains, or loses when negative. Throws ENOSPC, and counts nothing, above the limit. */
  countBytes(bytes: number): void {
    if (bytes > 0 && this.#usedBytes + bytes > this.maxBytes) refuse("ENOSPC");
    this.#usedBytes += bytes;
  }

  /** Counts a name that comes (1) or goes (-1). Throws ENOSPC, and counts nothing, above the limit. */
  countName(change: 1 | -1): void {
    if (change > 0 && this.#usedNames >= this.#maxNames) refuse("ENOSPC");
    this.#usedNames += change;
  }
}
