/** Calls preview 1 as a program would: numbers and pointers into a memory, answers by the name of the error. */

import type { WasiClock } from "../../../src/engine/wasi/clock.guest.ts";
import type { Directory } from "../../../src/engine/wasi/files/directory.guest.ts";
import { openTree } from "../../../src/engine/wasi/files/tree.guest.ts";
import type { Edition } from "../../../src/engine/wasi/preview1/host.guest.ts";
import { Preview1 } from "../../../src/engine/wasi/preview1/preview1.guest.ts";
import type { ProgramIo } from "../../../src/engine/wasi/program-io.guest.ts";
import { collectingSink, emptySource } from "../../../src/engine/wasi/streams.guest.ts";

const NAMES: Readonly<Record<number, string>> = {
  0: "ok",
  6: "EAGAIN",
  8: "EBADF",
  10: "EBUSY",
  20: "EEXIST",
  21: "EFAULT",
  22: "EFBIG",
  25: "EILSEQ",
  28: "EINVAL",
  29: "EIO",
  31: "EISDIR",
  32: "ELOOP",
  33: "EMFILE",
  34: "EMLINK",
  37: "ENAMETOOLONG",
  44: "ENOENT",
  51: "ENOSPC",
  54: "ENOTDIR",
  55: "ENOTEMPTY",
  57: "ENOTSOCK",
  58: "ENOTSUP",
  61: "EOVERFLOW",
  63: "EPERM",
  69: "EROFS",
  70: "ESPIPE",
  75: "EXDEV",
  76: "ENOTCAPABLE",
};

/** All rights that there are. */
export const ALL = 0x3fff_ffffn;
export const READ = 2n;
export const WRITE = 64n;
export const OFLAG = { CREAT: 1, DIRECTORY: 2, EXCL: 4, TRUNC: 8 };
/** Where calls leave their result. */
export const RESULT = 64;
/** Where texts and buffers are put. */
const HEAP = 1024;

/** A clock that goes only when something sleeps, or when it is told. */
export function createFakeClock(): WasiClock & { now: bigint; slept: bigint[] } {
  const clock = {
    now: 1_000_000_000_000n,
    slept: [] as bigint[],
    nowNs: () => clock.now,
    monotonicNs: () => clock.now - 999_999_000_000n,
    sleep: async (ns: bigint) => {
      clock.slept.push(ns);
      clock.now += ns;
    },
  };
  return clock;
}

/** A program's side of preview 1, played by a test. */
export class Driver {
  readonly memory = new WebAssembly.Memory({ initial: 2, maximum: 8 });
  readonly clock = createFakeClock();
  readonly stdout = collectingSink();
  readonly stderr = collectingSink();
  readonly root: Directory;
  readonly host: Preview1;
  #heap = HEAP;

  constructor(options: Partial<ProgramIo> & { edition?: Edition } = {}) {
    this.root = options.preopens?.[0]?.directory ?? openTree({ nowNs: () => this.clock.now });
    this.host = new Preview1({
      args: [],
      env: {},
      stdin: emptySource(),
      stdout: this.stdout,
      stderr: this.stderr,
      preopens: [{ path: "/", directory: this.root }],
      clock: this.clock,
      random: (bytes) => bytes.fill(7),
      ...options,
    });
    this.host.imports([], options.edition);
    this.host.bind(this.memory);
  }

  get view(): DataView {
    return new DataView(this.memory.buffer);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer);
  }

  /** Calls a function that is not to wait. */
  call(name: string, ...args: (number | bigint)[]): string {
    const answer = this.#find(name)(...args);
    return typeof answer === "number" ? toName(answer) : "waits";
  }

  /** Calls a function that may wait. */
  async wait(name: string, ...args: (number | bigint)[]): Promise<string> {
    return toName(await this.#find(name)(...args));
  }

  #find(name: string) {
    const run = this.host.findFunction(name);
    if (run === undefined) throw new TypeError(`no function ${name}`);
    return run;
  }

  /** Puts bytes or a text into memory: pointer and length. */
  put(content: string | Uint8Array): [number, number] {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const at = this.#heap;
    this.bytes.set(bytes, at);
    this.#heap += Math.ceil(bytes.length / 8) * 8 + 8;
    if (this.#heap > 60_000) this.#heap = HEAP;
    return [at, bytes.length];
  }

  /** Puts a list of buffers into memory: pointer and count. */
  vectors(...buffers: readonly [number, number][]): [number, number] {
    const list = new Uint8Array(buffers.length * 8);
    const view = new DataView(list.buffer);
    for (const [index, [at, length]] of buffers.entries()) {
      view.setUint32(index * 8, at, true);
      view.setUint32(index * 8 + 4, length, true);
    }
    return [this.put(list)[0], buffers.length];
  }

  /** The text at a pointer. */
  text(at: number, length: number): string {
    return new TextDecoder().decode(this.bytes.slice(at, at + length));
  }

  u32(at = RESULT): number {
    return this.view.getUint32(at, true);
  }

  u64(at = RESULT): bigint {
    return this.view.getBigUint64(at, true);
  }

  /** `path_open`: the descriptor, or the name of the error. */
  open(path: string, options: OpenCall = {}): number | string {
    const { fd = 3, follow = 1, oflags = 0, rights = ALL, inheriting = ALL, flags = 0 } = options;
    const answer = this.call("path_open", fd, follow, ...this.put(path), oflags, rights, inheriting, flags, RESULT);
    return answer === "ok" ? this.u32() : answer;
  }

  /** `path_open` that must not fail. */
  mustOpen(path: string, options: OpenCall = {}): number {
    const fd = this.open(path, options);
    if (typeof fd === "string") throw new TypeError(`${path}: ${fd}`);
    return fd;
  }

  /** Makes a file. */
  file(path: string, content = ""): void {
    const fd = this.mustOpen(path, { oflags: OFLAG.CREAT });
    this.write(fd, content);
    this.call("fd_close", fd);
  }

  /** A call of a function that takes a directory and a path. */
  path(name: string, path: string, fd = 3): string {
    return this.call(name, fd, ...this.put(path));
  }

  write(fd: number, content: string): string {
    return this.call("fd_write", fd, ...this.vectors(this.put(content)), RESULT);
  }

  /** `fd_read` of at most `max` bytes: the text, or the name of the error. */
  read(fd: number, max = 100): string {
    const [at] = this.put(new Uint8Array(max));
    const answer = this.call("fd_read", fd, ...this.vectors([at, max]), RESULT);
    return answer === "ok" ? this.text(at, this.u32()) : answer;
  }

  symlink(target: string, path: string): string {
    return this.call("path_symlink", ...this.put(target), 3, ...this.put(path));
  }

  rename(from: string, to: string, fds: [number, number] = [3, 3]): string {
    return this.call("path_rename", fds[0], ...this.put(from), fds[1], ...this.put(to));
  }

  link(from: string, to: string, follow = 0): string {
    return this.call("path_link", 3, follow, ...this.put(from), 3, ...this.put(to));
  }

  /** `path_filestat_get` in the layout of the second edition. */
  stat(path: string, follow = 1) {
    const answer = this.call("path_filestat_get", 3, follow, ...this.put(path), 512);
    return answer === "ok" ? this.readStat(512) : answer;
  }

  readStat(at: number) {
    return {
      device: this.u64(at),
      inode: this.u64(at + 8),
      type: this.bytes[at + 16],
      links: this.u64(at + 24),
      size: this.u64(at + 32),
      atimeNs: this.u64(at + 40),
      mtimeNs: this.u64(at + 48),
      ctimeNs: this.u64(at + 56),
    };
  }
}

interface OpenCall {
  fd?: number;
  follow?: number;
  oflags?: number;
  rights?: bigint;
  inheriting?: bigint;
  flags?: number;
}

function toName(errno: number): string {
  return NAMES[errno] ?? `error ${errno}`;
}
