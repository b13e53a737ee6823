/**
 * `wasi:filesystem`: types and preopens, over the file system in memory. Nothing here ever waits.
 *
 * @see https://github.com/WebAssembly/wasi-filesystem/tree/v0.2.0/wit
 */

import type { HostFunctions, PlainFunction } from "../component/host-function.guest.ts";
import type { DirectoryEntry } from "../files/directory.guest.ts";
import {
  createDirectory,
  createSymbolicLink,
  findNode,
  linkFile,
  readSymbolicLink,
  removeDirectory,
  rename,
  unlinkFile,
} from "../files/operations.guest.ts";
import type { NamedDirectory } from "../program-io.guest.ts";
import { Descriptor } from "./descriptor.guest.ts";
import {
  type DescriptorFlags,
  findErrorWord,
  type NewTimestamp,
  type OpenFlags,
  type PathFlags,
  toHash,
  toRefusal,
  toStat,
  toTime,
  toType,
} from "./file-words.guest.ts";
import { IoError } from "./io-error.guest.ts";
import { method, ok, type ResourceClass, resource } from "./result.guest.ts";

/** The resource `directory-entry-stream`: the entries as they were when it was made. */
class DirectoryEntryStream {
  readonly #entries: Iterator<DirectoryEntry>;

  constructor(entries: Iterable<DirectoryEntry>) {
    this.#entries = entries[Symbol.iterator]();
  }

  next() {
    const { done, value } = this.#entries.next();
    return done === true ? undefined : { type: toType(value.node), name: value.name };
  }
}

/** A method whose refusals become an `error-code`. */
function fallible<T, A extends readonly unknown[]>(
  type: ResourceClass<T>,
  run: (self: T, ...args: A) => unknown,
): PlainFunction {
  return method(type, (self, ...args: A) => {
    try {
      return ok(run(self, ...args));
    } catch (thrown) {
      return toRefusal(thrown);
    }
  });
}

function findAt(self: Descriptor, flags: PathFlags, path: string) {
  return findNode(self.at(path), flags.symlinkFollow);
}

const FILE_METHODS: HostFunctions = {
  "[method]descriptor.read-via-stream": fallible(Descriptor, (self, offset: bigint) => self.readViaStream(offset)),
  "[method]descriptor.write-via-stream": fallible(Descriptor, (self, offset: bigint) => self.writeViaStream(offset)),
  "[method]descriptor.append-via-stream": fallible(Descriptor, (self) => self.appendViaStream()),
  // Whether it is a file is all that advice is asked about here.
  "[method]descriptor.advise": fallible(Descriptor, (self) => void self.file),
  "[method]descriptor.sync-data": fallible(Descriptor, () => undefined),
  "[method]descriptor.sync": fallible(Descriptor, () => undefined),
  "[method]descriptor.get-flags": fallible(Descriptor, (self) => self.flags),
  "[method]descriptor.get-type": fallible(Descriptor, (self) => toType(self.node)),
  "[method]descriptor.set-size": fallible(Descriptor, (self, size: bigint) => self.setSize(size)),
  "[method]descriptor.set-times": fallible(Descriptor, ({ node }, atime: NewTimestamp, mtime: NewTimestamp) =>
    node.inode.setTimes({ atimeNs: toTime(atime, node), mtimeNs: toTime(mtime, node) }),
  ),
  "[method]descriptor.read": fallible(Descriptor, (self, length: bigint, offset: bigint) => self.read(length, offset)),
  "[method]descriptor.write": fallible(Descriptor, (self, bytes: Uint8Array, offset: bigint) =>
    self.write(bytes, offset),
  ),
  "[method]descriptor.stat": fallible(Descriptor, (self) => toStat(self.node)),
  "[method]descriptor.metadata-hash": fallible(Descriptor, (self) => toHash(self.node)),
  "[method]descriptor.is-same-object": method(
    Descriptor,
    (self, other: unknown) => self.node === resource(Descriptor, other).node,
  ),
};

const DIRECTORY_METHODS: HostFunctions = {
  "[method]descriptor.read-directory": fallible(
    Descriptor,
    (self) => new DirectoryEntryStream(self.at(".").directory.list()),
  ),
  "[method]descriptor.create-directory-at": fallible(Descriptor, (self, path: string) =>
    createDirectory(self.at(path)),
  ),
  "[method]descriptor.stat-at": fallible(Descriptor, (self, flags: PathFlags, path: string) =>
    toStat(findAt(self, flags, path)),
  ),
  "[method]descriptor.set-times-at": fallible(
    Descriptor,
    (self, flags: PathFlags, path: string, atime: NewTimestamp, mtime: NewTimestamp) => {
      const node = findAt(self, flags, path);
      node.inode.setTimes({ atimeNs: toTime(atime, node), mtimeNs: toTime(mtime, node) });
    },
  ),
  "[method]descriptor.link-at": fallible(
    Descriptor,
    (self, flags: PathFlags, path: string, other: unknown, newPath: string) =>
      linkFile(self.at(path), resource(Descriptor, other).at(newPath), flags.symlinkFollow),
  ),
  "[method]descriptor.open-at": fallible(
    Descriptor,
    (self, follow: PathFlags, path: string, how: OpenFlags, flags: DescriptorFlags) =>
      self.openAt(follow, path, how, flags),
  ),
  "[method]descriptor.readlink-at": fallible(Descriptor, (self, path: string) => readSymbolicLink(self.at(path))),
  "[method]descriptor.remove-directory-at": fallible(Descriptor, (self, path: string) =>
    removeDirectory(self.at(path)),
  ),
  "[method]descriptor.rename-at": fallible(Descriptor, (self, path: string, other: unknown, newPath: string) =>
    rename(self.at(path), resource(Descriptor, other).at(newPath)),
  ),
  "[method]descriptor.symlink-at": fallible(Descriptor, (self, target: string, path: string) =>
    createSymbolicLink(target, self.at(path)),
  ),
  "[method]descriptor.unlink-file-at": fallible(Descriptor, (self, path: string) => unlinkFile(self.at(path))),
  "[method]descriptor.metadata-hash-at": fallible(Descriptor, (self, flags: PathFlags, path: string) =>
    toHash(findAt(self, flags, path)),
  ),
};

/** `wasi:filesystem/types`. */
export const FILESYSTEM_TYPES: HostFunctions = {
  ...FILE_METHODS,
  ...DIRECTORY_METHODS,
  "[method]directory-entry-stream.read-directory-entry": fallible(DirectoryEntryStream, (self) => self.next()),
  "filesystem-error-code": (error: unknown) => findErrorWord(resource(IoError, error).cause),
};

/** `wasi:filesystem/preopens`. */
export function createPreopens(preopens: readonly NamedDirectory[]): HostFunctions {
  return {
    "get-directories": () => preopens.map(({ path, directory }) => [Descriptor.preopen(directory), path]),
  };
}
