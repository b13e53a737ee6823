/**
 * What a program has open: standard streams, preopened directories, and what it opens itself.
 */

import type { Directory } from "../files/directory.guest.ts";
import type { File } from "../files/file.guest.ts";
import { refuse } from "../files/file-error.guest.ts";
import type { ByteSink } from "../streams.guest.ts";
import type { Input } from "./input.guest.ts";
import { RIGHT, type Right } from "./rights.guest.ts";

/** What every descriptor has. */
interface Common {
  /** What may be done with it, and with what is opened through it. */
  rights: number;
  inheriting: number;
  /** The fdflags: FDFLAG below. */
  flags: number;
}

/** An open file. */
export interface FileDescriptor extends Common {
  readonly kind: "file";
  readonly node: File;
  position: number;
}

/** An open directory. */
export interface DirectoryDescriptor extends Common {
  readonly kind: "directory";
  readonly node: Directory;
  /** The path that a preopened directory was promised under. */
  readonly preopenPath?: string;
}

/** A stream to read from. */
export interface InputDescriptor extends Common {
  readonly kind: "input";
  readonly input: Input;
}

/** A stream to write to. */
export interface OutputDescriptor extends Common {
  readonly kind: "output";
  readonly sink: ByteSink;
  /** With NONBLOCK: the sink has asked to wait. */
  draining?: Promise<void> | undefined;
}

/** Anything that is open. */
export type Descriptor = FileDescriptor | DirectoryDescriptor | InputDescriptor | OutputDescriptor;

/** The bits of fdflags. */
export const FDFLAG = { APPEND: 1, DSYNC: 2, NONBLOCK: 4, RSYNC: 8, SYNC: 16 } as const;
/** All of them. */
export const ALL_FDFLAGS = 31;

/** The most that may be open at a time. */
const MAX_OPEN = 4096;

/** The descriptors of one program, by number. */
export class Descriptors {
  readonly #open: (Descriptor | undefined)[];
  /** No number below is free. */
  #lowestFree: number;

  constructor(open: readonly Descriptor[]) {
    this.#open = [...open];
    this.#lowestFree = open.length;
  }

  /** Throws EBADF. */
  get(fd: number): Descriptor {
    return this.#open[fd] ?? refuse("EBADF");
  }

  /** A file with a right. Throws EBADF, EISDIR, ENOTCAPABLE, and `streamCode` for a stream. */
  getFile(fd: number, right: Right, streamCode: "ESPIPE" | "EINVAL" = "ESPIPE"): FileDescriptor {
    const descriptor = this.get(fd);
    if (descriptor.kind === "directory") refuse("EISDIR");
    if (descriptor.kind !== "file") refuse(streamCode);
    requireRight(descriptor, right);
    return descriptor;
  }

  /** A directory with a right. Throws EBADF, ENOTDIR, ENOTCAPABLE. */
  getDirectory(fd: number, right: Right): DirectoryDescriptor {
    const descriptor = this.get(fd);
    if (descriptor.kind !== "directory") refuse("ENOTDIR");
    requireRight(descriptor, right);
    return descriptor;
  }

  /** Gives the lowest free number. Throws EMFILE. */
  add(descriptor: Descriptor): number {
    let fd = this.#lowestFree;
    while (this.#open[fd] !== undefined) fd += 1;
    if (fd >= MAX_OPEN) refuse("EMFILE");
    this.#open[fd] = descriptor;
    this.#lowestFree = fd + 1;
    if (descriptor.kind === "file") descriptor.node.open();
    return fd;
  }

  /** Throws EBADF. */
  close(fd: number): void {
    const descriptor = this.get(fd);
    this.#free(fd);
    if (descriptor.kind === "file") descriptor.node.close();
  }

  /** Closes whatever is open, as the end of a process does. */
  closeAll(): void {
    for (const [fd, descriptor] of this.#open.entries()) if (descriptor !== undefined) this.close(fd);
  }

  /** Gives `from` the number `to`, whose descriptor is closed. Throws EBADF. */
  renumber(from: number, to: number): void {
    const descriptor = this.get(from);
    this.get(to);
    if (from === to) return;
    this.close(to);
    this.#free(from);
    this.#open[to] = descriptor;
  }

  #free(fd: number): void {
    this.#open[fd] = undefined;
    this.#lowestFree = Math.min(this.#lowestFree, fd);
  }
}

/** Throws ENOTCAPABLE. */
export function requireRight(descriptor: Descriptor, right: Right): void {
  if ((descriptor.rights & RIGHT[right]) === 0) refuse("ENOTCAPABLE");
}
