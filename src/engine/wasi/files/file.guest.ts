/**
 * A regular file: bytes in memory that grow by doubling.
 *
 * Content that it was made with is shared, never written to: the first write copies it.
 */

import { refuse } from "./file-error.guest.ts";
import { Inode } from "./inode.guest.ts";
import type { Volume } from "./volume.guest.ts";

/** The longest that one file may be, whatever its volume allows. */
export const MAX_FILE_BYTES = 2 ** 31;
const SMALLEST_BUFFER_BYTES = 256;
const NOTHING = new Uint8Array(0);

/** A regular file. */
export class File {
  readonly kind = "file";
  readonly inode: Inode;
  #buffer: Uint8Array;
  #size: number;
  #isShared: boolean;

  /** `content` must not change afterwards. Throws ENOSPC. */
  constructor(volume: Volume, content: Uint8Array = NOTHING, timeNs?: bigint) {
    volume.countBytes(content.length);
    this.inode = new Inode(volume, timeNs);
    this.#buffer = content;
    this.#size = content.length;
    this.#isShared = true;
  }

  get size(): number {
    return this.#size;
  }

  /** The bytes from `position`, at most `max`, without a copy: valid until the file changes. Empty at the end. */
  view(position: number, max: number): Uint8Array {
    if (position >= this.#size) return NOTHING;
    this.inode.touchRead();
    return this.#buffer.subarray(position, Math.min(position + max, this.#size));
  }

  /** Writes all of `bytes` at `position`; a gap before it becomes zeros. Throws EROFS, EFBIG, ENOSPC. */
  write(position: number, bytes: Uint8Array): void {
    this.inode.volume.mayChange();
    if (bytes.length === 0) return;
    const end = position + bytes.length;
    if (end > this.#size) this.#grow(end, position);
    else this.#own(this.#size);
    this.#buffer.set(bytes, position);
    this.inode.touchContent();
  }

  /** Makes it exactly this long; what is new is zeros. Throws EROFS, EFBIG, ENOSPC. */
  resize(size: number): void {
    this.inode.volume.mayChange();
    if (size > this.#size) this.#grow(size, size);
    else this.#shrink(size);
    this.inode.touchContent();
  }

  open(): void {
    this.inode.opens += 1;
  }

  close(): void {
    this.inode.opens -= 1;
    this.releaseUnused();
  }

  /** Gives the bytes back when no name and no descriptor leads here any more. */
  releaseUnused(): void {
    if (this.inode.links > 0 || this.inode.opens > 0) return;
    this.#shrink(0);
  }

  #grow(size: number, zerosUpTo: number): void {
    if (size > MAX_FILE_BYTES) refuse("EFBIG");
    const old = this.#size;
    this.inode.volume.countBytes(size - old);
    try {
      this.#own(size);
    } catch {
      // because the process may have no such piece of memory left, whatever the limit says
      this.inode.volume.countBytes(old - size);
      refuse("ENOSPC");
    }
    this.#buffer.fill(0, old, zerosUpTo);
    this.#size = size;
  }

  #shrink(size: number): void {
    this.inode.volume.countBytes(size - this.#size);
    this.#size = size;
    if (size > 0) return;
    this.#buffer = NOTHING;
    this.#isShared = true;
  }

  /** Sees to it that the buffer is our own and holds `size` bytes. */
  #own(size: number): void {
    const capacity = this.#buffer.length;
    if (!this.#isShared && capacity >= size) return;
    const wanted = size > capacity ? Math.max(size, Math.min(capacity * 2, this.inode.volume.maxBytes)) : size;
    const buffer = new Uint8Array(Math.max(wanted, SMALLEST_BUFFER_BYTES));
    buffer.set(this.#buffer.subarray(0, this.#size));
    this.#buffer = buffer;
    this.#isShared = false;
  }
}
