/**
 * Directories and symbolic links.
 *
 * A directory numbers its entries in the order in which they came and never uses a number twice: the number is a place
 * to go on from when a listing is read in parts, whatever is added or removed meanwhile.
 *
 * A directory knows its parent, if it is of the same volume: nodes of a read-only image are shared by many trees.
 */

import type { File } from "./file.guest.ts";
import { refuse } from "./file-error.guest.ts";
import { Inode } from "./inode.guest.ts";
import type { Volume } from "./volume.guest.ts";

/** Anything that has a name in a directory. */
export type FileNode = File | Directory | SymbolicLink;

/** A name in a directory. `place` grows from entry to entry. */
export interface DirectoryEntry {
  readonly name: string;
  readonly place: number;
  readonly node: FileNode;
}

/** The entries "." and "..", which a directory does not hold, have the places before. */
const FIRST_PLACE = 3;

/** A symbolic link. */
export class SymbolicLink {
  readonly kind = "symlink";
  readonly inode: Inode;
  readonly target: string;

  constructor(volume: Volume, target: string, timeNs?: bigint) {
    this.inode = new Inode(volume, timeNs);
    this.target = target;
  }
}

/** A directory. Its methods check limits and EROFS, not what POSIX says of the operation: operations.guest.ts does. */
export class Directory {
  readonly kind = "directory";
  readonly inode: Inode;
  /** The directory that it stands in, of the same volume. */
  parent: Directory | undefined;
  /** Names that changed since the changes were last taken, and whether they led to something before. */
  changed: Map<string, boolean> | undefined;
  #entries: Map<string, DirectoryEntry> | undefined;
  #list: readonly DirectoryEntry[] | undefined;
  #base: Directory | undefined;
  #nextPlace = FIRST_PLACE;

  /** With `base` it begins with the entries of that directory, which are taken over when they are first needed. */
  constructor(volume: Volume, options: { timeNs?: bigint | undefined; base?: Directory | undefined } = {}) {
    this.inode = new Inode(volume, options.timeNs);
    this.#base = options.base;
  }

  get isEmpty(): boolean {
    return this.#map().size === 0;
  }

  find(name: string): FileNode | undefined {
    return this.#map().get(name)?.node;
  }

  /** All entries, by place. The array is a copy that later changes leave alone. */
  list(): readonly DirectoryEntry[] {
    this.#list ??= [...this.#map().values()];
    return this.#list;
  }

  /** The entries behind `place`, by place. */
  listAfter(place: number): readonly DirectoryEntry[] {
    const entries = this.list();
    if (place < FIRST_PLACE) return entries;
    let [low, high] = [0, entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((entries[middle]?.place ?? 0) <= place) low = middle + 1;
      else high = middle;
    }
    return entries.slice(low);
  }

  /** Puts a node under a free name. Throws EROFS, ENOSPC, and ENOENT when the directory was itself removed. */
  add(name: string, node: FileNode): void {
    const { volume } = this.inode;
    volume.mayChange();
    if (this.inode.links === 0) refuse("ENOENT");
    volume.countName(1);
    this.#put(name, node);
    this.#note(name, false);
  }

  /** Takes a node away from its name. Throws EROFS, and EBUSY when it is of another volume: a mount. */
  remove(name: string): void {
    const node = this.#checkRemoval(name);
    if (node === undefined) return;
    this.inode.volume.countName(-1);
    this.#map().delete(name);
    this.#unlink(node);
    this.#note(name, true);
  }

  /** Moves the node at `name` to a name in another directory of the volume, over what may be there. */
  move(name: string, to: Directory, toName: string): void {
    if (to.inode.links === 0) refuse("ENOENT");
    const replaced = to.#checkRemoval(toName);
    const node = this.#checkRemoval(name);
    if (node === undefined) return;
    if (replaced !== undefined) to.remove(toName);
    this.#map().delete(name);
    node.inode.links -= 1;
    this.#note(name, true);
    to.#put(toName, node);
    to.#note(toName, replaced !== undefined);
  }

  #checkRemoval(name: string): FileNode | undefined {
    this.inode.volume.mayChange();
    const node = this.find(name);
    if (node !== undefined && node.inode.volume !== this.inode.volume) refuse("EBUSY");
    return node;
  }

  #put(name: string, node: FileNode): void {
    this.#map().set(name, { name, place: this.#nextPlace, node });
    this.#nextPlace += 1;
    if (node.inode.volume !== this.inode.volume) return;
    node.inode.links += 1;
    node.inode.touchLinks();
    if (node.kind === "directory") node.parent = this;
  }

  #unlink(node: FileNode): void {
    node.inode.links -= 1;
    node.inode.touchLinks();
    if (node.kind === "file") node.releaseUnused();
  }

  #note(name: string, isKnown: boolean): void {
    this.#list = undefined;
    this.inode.touchContent();
    if (!this.inode.volume.isTracked) return;
    this.changed ??= new Map();
    if (!this.changed.has(name)) this.changed.set(name, isKnown);
  }

  #map(): Map<string, DirectoryEntry> {
    if (this.#entries !== undefined) return this.#entries;
    this.#entries = new Map();
    for (const { name, node } of this.#base?.list() ?? []) this.#put(name, node);
    return this.#entries;
  }
}
