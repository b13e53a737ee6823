/**
 * Reading and writing. A read of standard input and a write to a full sink wait; files never do.
 */

import { type File, MAX_FILE_BYTES } from "../files/file.guest.ts";
import { refuse } from "../files/file-error.guest.ts";
import { FDFLAG, type InputDescriptor, type OutputDescriptor, requireRight } from "./descriptors.guest.ts";
import { SUCCESS } from "./errno.guest.ts";
import type { Errno, Host } from "./host.guest.ts";
import { nextTurn } from "./input.guest.ts";

/** A list of buffers in a program's memory, and where the number of bytes is to be written. All of it is checked. */
interface Transfer {
  readonly list: number;
  readonly count: number;
  readonly total: number;
  readonly result: number;
}

/** Functions of preview 1. */
export const IO_CALLS = {
  fd_read(host: Host, fd: number, list: number, count: number, result: number): Errno {
    const descriptor = host.descriptors.get(fd);
    if (descriptor.kind === "directory") refuse("EISDIR");
    requireRight(descriptor, "FD_READ");
    const total = host.memory.checkVectors(list, count, result);
    if (descriptor.kind === "input") return readInput(host, descriptor, { list, count, total, result });
    if (descriptor.kind !== "file") refuse("EBADF");
    const done = readFile(host, descriptor.node, descriptor.position, { list, count });
    descriptor.position += done;
    host.memory.setU32(result, done);
    return SUCCESS;
  },

  fd_write(host: Host, fd: number, list: number, count: number, result: number): Errno {
    const descriptor = host.descriptors.get(fd);
    if (descriptor.kind === "directory") refuse("EISDIR");
    requireRight(descriptor, "FD_WRITE");
    const total = host.memory.checkVectors(list, count, result);
    if (descriptor.kind === "output") return writeOutput(host, descriptor, { list, count, total, result });
    if (descriptor.kind !== "file") refuse("EBADF");
    if ((descriptor.flags & FDFLAG.APPEND) !== 0 && total > 0) descriptor.position = descriptor.node.size;
    const done = writeFile(host, descriptor.node, descriptor.position, { list, count });
    descriptor.position += done;
    host.memory.setU32(result, done);
    return SUCCESS;
  },

  fd_pread(host: Host, fd: number, list: number, count: number, offset: bigint, result: number) {
    const { node } = host.descriptors.getFile(fd, "FD_READ");
    host.memory.checkVectors(list, count, result);
    host.memory.setU32(result, readFile(host, node, toOffset(offset), { list, count }));
    return SUCCESS;
  },

  /** At `offset`, also with APPEND, as POSIX says. */
  fd_pwrite(host: Host, fd: number, list: number, count: number, offset: bigint, result: number) {
    const { node } = host.descriptors.getFile(fd, "FD_WRITE");
    host.memory.checkVectors(list, count, result);
    host.memory.setU32(result, writeFile(host, node, toOffset(offset), { list, count }));
    return SUCCESS;
  },
} as const;

type Buffers = Pick<Transfer, "list" | "count">;

/** A file offset: i64 as Wasm passes it. Throws EINVAL when it is negative. */
export function toOffset(value: bigint): number {
  const offset = BigInt.asIntN(64, value);
  if (offset < 0n) refuse("EINVAL");
  return Number(offset);
}

function readFile({ memory }: Host, file: File, position: number, { list, count }: Buffers): number {
  let done = 0;
  for (let index = 0; index < count; index += 1) {
    const target = memory.vector(list, index);
    const part = file.view(position + done, target.length);
    target.set(part);
    done += part.length;
    if (part.length < target.length) break;
  }
  return done;
}

/** Stops where the volume is full and says what went in; throws when that is nothing. */
function writeFile({ memory }: Host, file: File, position: number, { list, count }: Buffers): number {
  file.inode.volume.mayChange();
  if (position > MAX_FILE_BYTES) refuse("EFBIG");
  let done = 0;
  for (let index = 0; index < count; index += 1) {
    const part = memory.vector(list, index);
    try {
      file.write(position + done, part);
    } catch (thrown) {
      if (done > 0) return done;
      throw thrown;
    }
    done += part.length;
  }
  return done;
}

function readInput(host: Host, descriptor: InputDescriptor, transfer: Transfer): Errno {
  if (transfer.total === 0) return finishInput(host, descriptor, transfer);
  const wait = descriptor.input.wait(transfer.total);
  if (wait === undefined) return finishInput(host, descriptor, transfer);
  return isNonblocking(descriptor) ? tryAgain() : afterWait();

  async function afterWait(): Promise<number> {
    await wait;
    return finishInput(host, descriptor, transfer);
  }
}

function finishInput({ memory }: Host, { input }: InputDescriptor, { list, count, result }: Transfer): number {
  let done = 0;
  for (let index = 0; index < count; index += 1) done += input.take(memory.vector(list, index));
  memory.setU32(result, done);
  return SUCCESS;
}

function isNonblocking({ flags }: InputDescriptor | OutputDescriptor): boolean {
  return (flags & FDFLAG.NONBLOCK) !== 0;
}

async function tryAgain(): Promise<never> {
  await nextTurn();
  return refuse("EAGAIN");
}

function writeOutput(host: Host, descriptor: OutputDescriptor, transfer: Transfer): Errno {
  const { draining } = descriptor;
  if (draining !== undefined) {
    return isNonblocking(descriptor)
      ? tryAgain()
      : writeRest(host, descriptor, { ...transfer, wait: draining, next: 0 });
  }
  for (let index = 0; index < transfer.count; index += 1) {
    const part = host.memory.vector(transfer.list, index);
    const wait = part.length === 0 ? undefined : descriptor.sink.write(part);
    if (wait !== undefined) return waitForOutput(host, descriptor, { ...transfer, wait, next: index + 1 });
  }
  host.memory.setU32(transfer.result, transfer.total);
  return SUCCESS;
}

function waitForOutput(
  host: Host,
  descriptor: OutputDescriptor,
  transfer: Transfer & { wait: Promise<void>; next: number },
): Errno {
  if (!isNonblocking(descriptor)) return writeRest(host, descriptor, transfer);
  const drained = () => {
    descriptor.draining = undefined;
  };
  // A sink that fails while nobody waits fails again at the next write.
  descriptor.draining = transfer.wait.then(drained, drained);
  let done = 0;
  for (let index = 0; index < transfer.next; index += 1) done += host.memory.vectorLength(transfer.list, index);
  host.memory.setU32(transfer.result, done);
  return SUCCESS;
}

async function writeRest(
  { memory }: Host,
  { sink }: OutputDescriptor,
  { wait, next, list, count, total, result }: Transfer & { wait: Promise<void>; next: number },
): Promise<number> {
  await wait;
  for (let index = next; index < count; index += 1) {
    const part = memory.vector(list, index);
    if (part.length > 0) await sink.write(part);
  }
  memory.setU32(result, total);
  return SUCCESS;
}
