/**
 * The resource `descriptor` of `wasi:filesystem/types`: an open file or directory.
 *
 * Whether a directory may be changed is the business of its file system (`read-only`), as in wasmtime, not of the flags
 * that it was opened with: a descriptor without `mutate-directory` is not a weaker right.
 *
 * @see https://github.com/WebAssembly/wasi-filesystem/blob/v0.2.0/wit/types.wit
 */

import { Directory } from "../files/directory.guest.ts";
import { File } from "../files/file.guest.ts";
import { refuse } from "../files/file-error.guest.ts";
import { type At, openNode } from "../files/operations.guest.ts";
import type { DescriptorFlags, OpenFlags, PathFlags } from "./file-words.guest.ts";
import { Reader } from "./reader.guest.ts";
import { InputStream, OutputStream } from "./streams.guest.ts";
import { Writer } from "./writer.guest.ts";

/** What one `read` gives at most. */
const MAX_READ_BYTES = 1024 * 1024;
const MAX_OFFSET = 2n ** 63n - 1n;

const NO_FLAGS: DescriptorFlags = {
  read: false,
  write: false,
  fileIntegritySync: false,
  dataIntegritySync: false,
  requestedWriteSync: false,
  mutateDirectory: false,
};

/** The resource `descriptor`. Its methods throw FileError. */
export class Descriptor implements Disposable {
  readonly node: File | Directory;
  readonly flags: DescriptorFlags;
  #isOpen = true;

  constructor(node: File | Directory, flags: DescriptorFlags) {
    this.node = node;
    this.flags = flags;
    if (node instanceof File) node.open();
  }

  /** A directory that the guest is given. */
  static preopen(directory: Directory): Descriptor {
    const mutateDirectory = !directory.inode.volume.isReadOnly;
    return new Descriptor(directory, { ...NO_FLAGS, read: true, mutateDirectory });
  }

  /** A place below it. Throws ENOTDIR when it is a file. */
  at(path: string): At {
    if (this.node instanceof File) refuse("ENOTDIR");
    return { directory: this.node, path };
  }

  /** Throws EBADF when it is a directory. */
  get file(): File {
    if (this.node instanceof File) return this.node;
    return refuse("EBADF");
  }

  openAt(follow: PathFlags, path: string, how: OpenFlags, flags: DescriptorFlags): Descriptor {
    if (how.directory && (how.create || how.exclusive || how.truncate)) refuse("EINVAL");
    const node = openNode(this.at(path), {
      follows: follow.symlinkFollow,
      isCreated: how.create,
      isExclusive: how.exclusive,
      isTruncated: how.truncate,
      isDirectory: how.directory,
      isWritten: flags.write,
    });
    // A symbolic link is not opened: ELOOP came before.
    if (!(node instanceof File || node instanceof Directory)) return refuse("ELOOP");
    return new Descriptor(node, toOpened(node, how, flags));
  }

  read(length: bigint, offset: bigint): readonly [Uint8Array, boolean] {
    const { file } = this;
    if (!this.flags.read) refuse("EBADF");
    const position = toPosition(offset);
    const bytes = file.view(position, Number(length < MAX_READ_BYTES ? length : MAX_READ_BYTES));
    return [bytes, position + bytes.length >= file.size];
  }

  write(bytes: Uint8Array, offset: bigint): bigint {
    this.#writable().write(toPosition(offset), bytes);
    return BigInt(bytes.length);
  }

  /** Throws EINVAL, as `ftruncate` does, when it is not open for writing. */
  setSize(size: bigint): void {
    const { file } = this;
    if (!this.flags.write) refuse("EINVAL");
    file.resize(toPosition(size));
  }

  readViaStream(offset: bigint): InputStream {
    if (this.node instanceof Directory) refuse("EISDIR");
    if (!this.flags.read) refuse("EBADF");
    const { file } = this;
    let position = toPosition(offset);
    file.open();
    const read = (max: number): Uint8Array => {
      const bytes = file.view(position, max);
      position += bytes.length;
      return bytes;
    };
    return new InputStream(new Reader({ isImmediate: true, read }), () => file.close());
  }

  writeViaStream(offset: bigint): OutputStream {
    let position = toPosition(offset);
    return this.#output((file, bytes) => {
      file.write(position, bytes);
      position += bytes.length;
    });
  }

  appendViaStream(): OutputStream {
    return this.#output((file, bytes) => file.write(file.size, bytes));
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.node instanceof File) this.node.close();
  }

  #output(write: (file: File, bytes: Uint8Array) => void): OutputStream {
    const file = this.#writable();
    file.open();
    return new OutputStream(new Writer({ write: (bytes) => write(file, bytes) }), () => file.close());
  }

  #writable(): File {
    const { file } = this;
    if (!this.flags.write) refuse("EBADF");
    file.inode.volume.mayChange();
    return file;
  }
}

/** What a descriptor has: to create or truncate is to write, and what is not written is read. */
function toOpened(node: File | Directory, how: OpenFlags, flags: DescriptorFlags): DescriptorFlags {
  const isDirectory = node instanceof Directory;
  return {
    ...NO_FLAGS,
    ...flags,
    read: flags.read || !flags.write,
    write: !isDirectory && (flags.write || how.create || how.truncate),
    mutateDirectory: isDirectory && flags.mutateDirectory && !node.inode.volume.isReadOnly,
  };
}

/** Throws EINVAL for what no `off_t` holds. */
function toPosition(offset: bigint): number {
  if (offset > MAX_OFFSET) refuse("EINVAL");
  return Number(offset);
}
