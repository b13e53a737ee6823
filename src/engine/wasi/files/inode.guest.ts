/**
 * What every node of the file system has, whatever it is: a number, times, and how often it is linked and open.
 */

import type { Volume } from "./volume.guest.ts";

/** Times to set; what is left out stays as it is. In nanoseconds since 1970. */
export interface NodeTimes {
  readonly atimeNs?: bigint | undefined;
  readonly mtimeNs?: bigint | undefined;
}

/** The common part of a node. */
export class Inode {
  readonly volume: Volume;
  /** Unique within the volume. */
  readonly number: number;
  /** How many names lead to it. */
  links = 0;
  /** How many descriptors hold it. */
  opens = 0;
  atimeNs: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
  /** Whether content or times changed since the changes were last taken. */
  isDirty = false;

  /** Its times are `timeNs`, or now. */
  constructor(volume: Volume, timeNs: bigint = volume.nowNs()) {
    this.volume = volume;
    this.number = volume.nextInode();
    this.atimeNs = timeNs;
    this.mtimeNs = timeNs;
    this.ctimeNs = timeNs;
  }

  /** Says that it was read. Not kept for every read, but for the first after a change, as most systems do (relatime). */
  touchRead(): void {
    if (this.volume.isReadOnly || this.atimeNs > this.mtimeNs) return;
    this.atimeNs = this.volume.nowNs();
  }

  /** Says that its content changed. */
  touchContent(): void {
    this.mtimeNs = this.volume.nowNs();
    this.ctimeNs = this.mtimeNs;
    this.#mark();
  }

  /** Says that its names changed. */
  touchLinks(): void {
    this.ctimeNs = this.volume.nowNs();
  }

  /** Sets the times that are given. Throws EROFS. */
  setTimes({ atimeNs, mtimeNs }: NodeTimes): void {
    this.volume.mayChange();
    this.atimeNs = atimeNs ?? this.atimeNs;
    this.mtimeNs = mtimeNs ?? this.mtimeNs;
    this.ctimeNs = this.volume.nowNs();
    this.#mark();
  }

  #mark(): void {
    this.isDirty = true;
    this.volume.isDirty = true;
  }
}
