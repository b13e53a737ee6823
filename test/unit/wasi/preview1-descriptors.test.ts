/** Functions of preview 1 that take descriptors: what they do, and each error that they can answer. */

import { describe, expect, it } from "vitest";
import { bytesSource } from "../../../src/engine/wasi/streams.guest.ts";
import { ALL, Driver, OFLAG, READ, RESULT, WRITE } from "./preview1-driver.ts";

const { CREAT } = OFLAG;
const APPEND = 1;
const NONBLOCK = 4;

/** Descriptor 4 is a file of "0123456789", 5 a directory. */
function createDriver(options: ConstructorParameters<typeof Driver>[0] = {}): Driver {
  const driver = new Driver(options);
  driver.file("file", "0123456789");
  driver.path("path_create_directory", "dir");
  driver.mustOpen("file");
  driver.mustOpen("dir", { rights: ALL ^ WRITE });
  return driver;
}

describe("errors of descriptors", () => {
  const one = (d: Driver) => d.vectors(d.put("x"));
  /** What each call answers for a number that is not open, a directory, standard input and standard output. */
  const cases: [string, (driver: Driver, fd: number) => string, string[]][] = [
    ["fd_read", (d, fd) => d.call("fd_read", fd, ...one(d), RESULT), ["EBADF", "EISDIR", "ok", "ENOTCAPABLE"]],
    ["fd_write", (d, fd) => d.call("fd_write", fd, ...one(d), RESULT), ["EBADF", "EISDIR", "ENOTCAPABLE", "ok"]],
    ["fd_pread", (d, fd) => d.call("fd_pread", fd, ...one(d), 0n, RESULT), ["EBADF", "EISDIR", "ESPIPE", "ESPIPE"]],
    ["fd_pwrite", (d, fd) => d.call("fd_pwrite", fd, ...one(d), 0n, RESULT), ["EBADF", "EISDIR", "ESPIPE", "ESPIPE"]],
    ["fd_seek", (d, fd) => d.call("fd_seek", fd, 0n, 0, RESULT), ["EBADF", "EISDIR", "ESPIPE", "ESPIPE"]],
    ["fd_tell", (d, fd) => d.call("fd_tell", fd, RESULT), ["EBADF", "EISDIR", "ESPIPE", "ESPIPE"]],
    ["fd_allocate", (d, fd) => d.call("fd_allocate", fd, 0n, 1n), ["EBADF", "EISDIR", "ESPIPE", "ESPIPE"]],
    ["fd_advise", (d, fd) => d.call("fd_advise", fd, 0n, 0n, 0), ["EBADF", "ok", "ESPIPE", "ESPIPE"]],
    ["fd_sync", (d, fd) => d.call("fd_sync", fd), ["EBADF", "ok", "ENOTCAPABLE", "ok"]],
    ["fd_datasync", (d, fd) => d.call("fd_datasync", fd), ["EBADF", "ok", "ENOTCAPABLE", "ok"]],
    ["fd_fdstat_get", (d, fd) => d.call("fd_fdstat_get", fd, RESULT), ["EBADF", "ok", "ok", "ok"]],
    ["fd_fdstat_set_flags", (d, fd) => d.call("fd_fdstat_set_flags", fd, 4), ["EBADF", "ok", "ok", "ok"]],
    ["fd_fdstat_set_rights", (d, fd) => d.call("fd_fdstat_set_rights", fd, 0n, 0n), ["EBADF", "ok", "ok", "ok"]],
    ["fd_filestat_get", (d, fd) => d.call("fd_filestat_get", fd, RESULT), ["EBADF", "ok", "ok", "ok"]],
    [
      "fd_filestat_set_size",
      (d, fd) => d.call("fd_filestat_set_size", fd, 0n),
      ["EBADF", "EISDIR", "EINVAL", "EINVAL"],
    ],
    [
      "fd_filestat_set_times",
      (d, fd) => d.call("fd_filestat_set_times", fd, 1n, 1n, 1),
      ["EBADF", "ok", "ENOTCAPABLE", "ENOTCAPABLE"],
    ],
    ["fd_readdir", (d, fd) => d.call("fd_readdir", fd, 512, 9, 0n, RESULT), ["EBADF", "ok", "ENOTDIR", "ENOTDIR"]],
    ["fd_prestat_get", (d, fd) => d.call("fd_prestat_get", fd, RESULT), ["EBADF", "EBADF", "EBADF", "EBADF"]],
    [
      "fd_prestat_dir_name",
      (d, fd) => d.call("fd_prestat_dir_name", fd, RESULT, 9),
      ["EBADF", "EBADF", "EBADF", "EBADF"],
    ],
    ["sock_accept", (d, fd) => d.call("sock_accept", fd, 0, RESULT), ["EBADF", "ENOTSOCK", "ENOTSOCK", "ENOTSOCK"]],
    [
      "sock_recv",
      (d, fd) => d.call("sock_recv", fd, 0, 0, 0, RESULT, 80),
      ["EBADF", "ENOTSOCK", "ENOTSOCK", "ENOTSOCK"],
    ],
    ["sock_send", (d, fd) => d.call("sock_send", fd, 0, 0, 0, RESULT), ["EBADF", "ENOTSOCK", "ENOTSOCK", "ENOTSOCK"]],
    ["sock_shutdown", (d, fd) => d.call("sock_shutdown", fd, 0), ["EBADF", "ENOTSOCK", "ENOTSOCK", "ENOTSOCK"]],
    ["fd_renumber", (d, fd) => d.call("fd_renumber", fd, 3), ["EBADF", "ok", "ok", "ok"]],
    ["fd_close", (d, fd) => d.call("fd_close", fd), ["EBADF", "ok", "ok", "ok"]],
  ];
  it.each(cases)("%s", (_name, run, expected) => {
    expect([77, 5, 0, 1].map((fd) => run(createDriver(), fd))).toEqual(expected);
    expect(run(createDriver(), -1)).toBe("EBADF");
  });

  it("a right that was given up is missed by the call that needs it, and never comes back", () => {
    const needed: [string, bigint, (driver: Driver) => string][] = [
      ["FD_DATASYNC", 0n, (d) => d.call("fd_datasync", 4)],
      ["FD_READ", 1n, (d) => d.read(4)],
      ["FD_SEEK", 2n, (d) => d.call("fd_seek", 4, 1n, 0, RESULT)],
      ["FD_FDSTAT_SET_FLAGS", 3n, (d) => d.call("fd_fdstat_set_flags", 4, 0)],
      ["FD_SYNC", 4n, (d) => d.call("fd_sync", 4)],
      ["FD_TELL", 5n, (d) => d.call("fd_tell", 4, RESULT)],
      ["FD_WRITE", 6n, (d) => d.write(4, "x")],
      ["FD_ADVISE", 7n, (d) => d.call("fd_advise", 4, 0n, 0n, 0)],
      ["FD_ALLOCATE", 8n, (d) => d.call("fd_allocate", 4, 0n, 1n)],
      ["FD_FILESTAT_GET", 21n, (d) => d.call("fd_filestat_get", 4, 512)],
      ["FD_FILESTAT_SET_SIZE", 22n, (d) => d.call("fd_filestat_set_size", 4, 0n)],
      ["FD_FILESTAT_SET_TIMES", 23n, (d) => d.call("fd_filestat_set_times", 4, 0n, 0n, 0)],
    ];
    for (const [name, bit, run] of needed) {
      const driver = createDriver();
      driver.call("fd_fdstat_get", 4, 512);
      const rights = driver.u64(520);
      expect(driver.call("fd_fdstat_set_rights", 4, rights & ~(1n << bit), 0n)).toBe("ok");
      expect([name, run(driver)]).toEqual([name, "ENOTCAPABLE"]);
      expect(driver.call("fd_fdstat_set_rights", 4, rights, 0n)).toBe("ENOTCAPABLE");
    }
  });
});

describe("reading and writing", () => {
  it("fills the buffers one after the other, leaves empty ones out, and stops at the end", () => {
    const driver = createDriver();
    const [first, empty, second] = [driver.put("...."), driver.put(""), driver.put("........")];
    const [list, count] = driver.vectors(first, empty, second);
    expect(driver.call("fd_read", 4, list, count, RESULT)).toBe("ok");
    expect([driver.u32(), driver.text(...first), driver.text(...second)]).toEqual([10, "0123", "456789.."]);
    expect(driver.call("fd_read", 4, list, count, RESULT)).toBe("ok");
    expect(driver.u32()).toBe(0);
  });

  it("fd_write gathers its buffers", () => {
    const driver = createDriver();
    const parts = driver.vectors(driver.put("one "), driver.put(""), driver.put("two"));
    expect(driver.call("fd_write", 1, ...parts, RESULT)).toBe("ok");
    expect([driver.u32(), new TextDecoder().decode(driver.stdout.bytes())]).toEqual([7, "one two"]);
    expect(driver.call("fd_write", 4, ...parts, RESULT)).toBe("ok");
    driver.call("fd_seek", 4, 0n, 0, RESULT);
    expect(driver.read(4)).toBe("one two789");
  });

  it("fd_pread and fd_pwrite leave the position alone; a gap becomes zeros", () => {
    const driver = createDriver();
    const buffer = driver.put("ab");
    expect(driver.call("fd_pwrite", 4, ...driver.vectors(buffer), 12n, RESULT)).toBe("ok");
    expect(driver.read(4)).toBe("0123456789\0\0ab");
    expect(driver.call("fd_pread", 4, ...driver.vectors(buffer), 3n, RESULT)).toBe("ok");
    expect(driver.text(...buffer)).toBe("34");
    driver.call("fd_tell", 4, RESULT);
    expect(driver.u64()).toBe(14n);
    expect(driver.call("fd_pread", 4, ...driver.vectors(buffer), 1n << 62n, RESULT)).toBe("ok");
    expect(driver.u32()).toBe(0);
    expect(driver.call("fd_pread", 4, ...driver.vectors(buffer), -1n, RESULT)).toBe("EINVAL");
    expect(driver.call("fd_pwrite", 4, ...driver.vectors(buffer), 1n << 62n, RESULT)).toBe("EFBIG");
  });

  it("APPEND writes at the end wherever the position is, and can be switched off", () => {
    const driver = createDriver();
    const fd = driver.mustOpen("file", { flags: APPEND });
    driver.write(fd, "ab");
    driver.call("fd_seek", fd, 0n, 0, RESULT);
    driver.write(fd, "cd");
    driver.call("fd_fdstat_set_flags", fd, 0);
    driver.call("fd_seek", fd, 0n, 0, RESULT);
    driver.write(fd, "__");
    expect(driver.read(4)).toBe("__23456789abcd");
    expect(driver.call("fd_fdstat_set_flags", fd, 32)).toBe("EINVAL");
  });

  it("what is cut off and made longer again is zeros", () => {
    const driver = createDriver();
    driver.call("fd_filestat_set_size", 4, 2n);
    driver.call("fd_filestat_set_size", 4, 4n);
    expect(driver.read(4)).toBe("01\0\0");
    expect(driver.call("fd_filestat_set_size", 4, -1n)).toBe("EINVAL");
    expect(driver.call("fd_filestat_set_size", 4, 1n << 40n)).toBe("EFBIG");
  });

  const ranges: [string, (driver: Driver) => string, string][] = [
    ["the list", (d) => d.call("fd_write", 1, 131_070, 1, RESULT), "EFAULT"],
    ["a buffer", (d) => d.call("fd_write", 1, ...d.vectors(d.put("x"), [131_071, 2]), RESULT), "EFAULT"],
    ["a buffer as long as all memory", (d) => d.call("fd_write", 1, ...d.vectors([8, 0xffff_ffff]), RESULT), "EFAULT"],
    ["the result", (d) => d.call("fd_write", 1, ...d.vectors(d.put("x")), 131_070), "EFAULT"],
    ["more buffers than there may be", (d) => d.call("fd_write", 1, 0, 1025, RESULT), "EINVAL"],
    ["a negative number of buffers", (d) => d.call("fd_read", 0, 0, -1, RESULT), "EINVAL"],
    ["as many as there may be", (d) => d.call("fd_write", 1, 30_000, 1024, RESULT), "ok"],
    ["no buffers", (d) => d.call("fd_read", 0, 0, 0, RESULT), "ok"],
  ];
  it.each(ranges)("checks %s before anything is written", (_what, run, expected) => {
    const driver = createDriver();
    expect(run(driver)).toBe(expected);
    expect(driver.stdout.writtenBytes).toBe(0);
  });

  it("goes on when the memory has grown", () => {
    const driver = createDriver();
    driver.write(1, "a");
    driver.memory.grow(1);
    driver.write(1, "b");
    const at = 140_000;
    driver.bytes.set(new TextEncoder().encode("c"), at);
    expect(driver.call("fd_write", 1, ...driver.vectors([at, 1]), RESULT)).toBe("ok");
    expect(new TextDecoder().decode(driver.stdout.bytes())).toBe("abc");
  });

  it("answers EFAULT while it has no memory", () => {
    const driver = createDriver();
    driver.host.bind(new WebAssembly.Memory({ initial: 0 }));
    expect(driver.call("clock_time_get", 0, 0n, 8)).toBe("EFAULT");
  });
});

describe("standard streams", () => {
  it("a read takes what is there, and waits only when there is nothing", async () => {
    const chunks = ["one", "two"].map((text) => new TextEncoder().encode(text));
    const driver = createDriver({
      stdin: { read: () => Promise.resolve(chunks.shift() ?? new Uint8Array()) },
    });
    const buffer = driver.put("..");
    const read = async () => {
      expect(await driver.wait("fd_read", 0, ...driver.vectors(buffer), RESULT)).toBe("ok");
      return driver.text(buffer[0], driver.u32());
    };
    expect(driver.call("fd_read", 0, ...driver.vectors([0, 0]), RESULT)).toBe("ok");
    expect([await read(), await read(), await read(), await read(), await read()]).toEqual(["on", "e", "tw", "o", ""]);
  });

  it("with NONBLOCK a read answers EAGAIN until there is something", async () => {
    const gate = Promise.withResolvers<Uint8Array>();
    const driver = createDriver({ stdin: { read: () => gate.promise } });
    driver.call("fd_fdstat_set_flags", 0, NONBLOCK);
    const buffer = driver.put("..");
    const read = () => driver.wait("fd_read", 0, ...driver.vectors(buffer), RESULT);
    expect(await read()).toBe("EAGAIN");
    gate.resolve(new TextEncoder().encode("ab"));
    await gate.promise;
    expect([await read(), driver.text(...buffer)]).toEqual(["ok", "ab"]);
  });

  it("a source that fails is EIO", async () => {
    const driver = createDriver({ stdin: { read: () => Promise.reject(new TypeError("cut off")) } });
    expect(await driver.wait("fd_read", 0, ...driver.vectors(driver.put(".")), RESULT)).toBe("EIO");
  });

  it("a full sink makes a write wait, between its buffers too", async () => {
    const written: string[] = [];
    const gate = Promise.withResolvers<void>();
    const driver = createDriver({
      stdout: {
        write: (bytes) => {
          written.push(new TextDecoder().decode(bytes));
          return written.length === 1 ? gate.promise : undefined;
        },
      },
    });
    const done = driver.wait("fd_write", 1, ...driver.vectors(driver.put("a"), driver.put("b")), RESULT);
    expect(written).toEqual(["a"]);
    gate.resolve();
    expect([await done, driver.u32(), written]).toEqual(["ok", 2, ["a", "b"]]);
  });

  it("with NONBLOCK a full sink takes what it took, and then answers EAGAIN", async () => {
    const gate = Promise.withResolvers<void>();
    const driver = createDriver({ stdout: { write: () => gate.promise } });
    driver.call("fd_fdstat_set_flags", 1, NONBLOCK);
    const parts = driver.vectors(driver.put("ab"), driver.put("c"));
    expect([driver.call("fd_write", 1, ...parts, RESULT), driver.u32()]).toEqual(["ok", 2]);
    expect(await driver.wait("fd_write", 1, ...parts, RESULT)).toBe("EAGAIN");
    gate.resolve();
    await gate.promise;
    expect(driver.call("fd_write", 1, ...parts, RESULT)).toBe("ok");
  });

  it("what a sink throws goes through to who runs the program", () => {
    const driver = createDriver({
      stdout: {
        write: () => {
          throw new TypeError("too much");
        },
      },
    });
    expect(() => driver.write(1, "x")).toThrow("too much");
  });

  it("are no terminals", () => {
    const driver = createDriver({ stdin: bytesSource(new Uint8Array()) });
    for (const fd of [0, 1, 2]) {
      driver.call("fd_fdstat_get", fd, 512);
      driver.call("fd_filestat_get", fd, 600);
      expect([driver.bytes[512], driver.readStat(600)]).toMatchObject([0, { type: 0, size: 0n, links: 1n }]);
    }
  });
});

describe("places, sizes and times", () => {
  const seeks: [string, bigint, number, string | bigint][] = [
    ["to a place", 3n, 0, 3n],
    ["from where it is", 3n, 1, 5n],
    ["from the end", -1n, 2, 9n],
    ["past the end", 100n, 0, 100n],
    ["before the start", -3n, 1, "EINVAL"],
    ["from nowhere", 0n, 3, "EINVAL"],
    ["too far", (1n << 63n) - 1n, 0, "EOVERFLOW"],
  ];
  it.each(seeks)("fd_seek %s", (_what, offset, whence, expected) => {
    const driver = createDriver();
    driver.read(4, 2);
    const answer = driver.call("fd_seek", 4, offset, whence, RESULT);
    expect(answer === "ok" ? driver.u64() : answer).toBe(expected);
    driver.call("fd_tell", 4, RESULT);
    expect(driver.u64()).toBe(typeof expected === "bigint" ? expected : 2n);
  });

  it("fd_allocate makes longer, never shorter", () => {
    const driver = createDriver();
    const allocate = (offset: bigint, length: bigint) => driver.call("fd_allocate", 4, offset, length);
    expect([allocate(0n, 5n), driver.stat("file")]).toMatchObject(["ok", { size: 10n }]);
    expect([allocate(8n, 4n), driver.stat("file")]).toMatchObject(["ok", { size: 12n }]);
    expect([allocate(0n, 0n), allocate(-1n, 1n), allocate(1n, 1n << 40n)]).toEqual(["EINVAL", "EINVAL", "EFBIG"]);
  });

  it("fd_advise knows six kinds of advice", () => {
    const driver = createDriver();
    const advise = (offset: bigint, advice: number) => driver.call("fd_advise", 4, offset, 1n, advice);
    expect([advise(0n, 5), advise(0n, 6), advise(0n, -1), advise(-1n, 0)]).toEqual([
      "ok",
      "EINVAL",
      "EINVAL",
      "EINVAL",
    ]);
  });

  it("times follow what is done with a file", () => {
    const driver = createDriver();
    const made = driver.clock.now;
    driver.clock.now += 10n;
    driver.read(4);
    expect(driver.stat("file")).toMatchObject({ atimeNs: made + 10n, mtimeNs: made, ctimeNs: made });
    driver.clock.now += 10n;
    driver.write(4, "x");
    expect(driver.stat("file")).toMatchObject({ mtimeNs: made + 20n, ctimeNs: made + 20n });
    driver.clock.now += 10n;
    driver.link("file", "second");
    expect(driver.stat("file")).toMatchObject({ mtimeNs: made + 20n, ctimeNs: made + 30n });
    expect(driver.stat(".")).toMatchObject({ type: 3, mtimeNs: made + 30n });
    expect(driver.call("fd_filestat_set_times", 4, 1n, 2n, 5)).toBe("ok");
    expect(driver.stat("file")).toMatchObject({ atimeNs: 1n, mtimeNs: 2n, ctimeNs: made + 30n });
    expect(driver.call("fd_filestat_set_times", 4, 1n, 2n, 3)).toBe("EINVAL");
  });
});

describe("numbers", () => {
  it("fd_renumber closes what was there and frees the number before", () => {
    const driver = createDriver();
    const other = driver.mustOpen("other", { oflags: CREAT, rights: READ });
    expect(driver.call("fd_renumber", 4, other)).toBe("ok");
    expect(driver.read(other)).toBe("0123456789");
    expect([driver.call("fd_close", 4), driver.call("fd_renumber", other, 4)]).toEqual(["EBADF", "EBADF"]);
    expect(driver.call("fd_renumber", other, other)).toBe("ok");
    expect(driver.mustOpen("file")).toBe(4);
  });
});

describe("fd_readdir", () => {
  interface Listed {
    name: string;
    type: number | undefined;
    next: bigint;
    inode: bigint;
  }

  function list(driver: Driver, cookie: bigint, length = 4096): Listed[] {
    const at = 70_000;
    expect(driver.call("fd_readdir", 3, at, length, cookie, RESULT)).toBe("ok");
    const entries: Listed[] = [];
    const end = at + driver.u32();
    for (let here = at; here + 24 <= end; ) {
      const size = driver.u32(here + 16);
      if (here + 24 + size > end) break;
      const name = driver.text(here + 24, size);
      entries.push({ name, type: driver.bytes[here + 20], next: driver.u64(here), inode: driver.u64(here + 8) });
      here += 24 + size;
    }
    return entries;
  }

  it("lists the directory itself, the one above, and what is in it, in the order in which it came", () => {
    const driver = createDriver();
    driver.symlink("file", "link");
    expect(list(driver, 0n).map(({ name, type }) => [name, type])).toEqual([
      [".", 3],
      ["..", 3],
      ["file", 4],
      ["dir", 3],
      ["link", 7],
    ]);
    expect(list(driver, 0n)[2]).toMatchObject({ inode: (driver.stat("file") as { inode: bigint }).inode });
  });

  it("goes on at a cookie, whatever was removed or added meanwhile", () => {
    const driver = new Driver();
    for (const name of ["a", "b", "c", "d"]) driver.file(name);
    const cookie = list(driver, 0n).find(({ name }) => name === "b")?.next ?? 0n;
    for (const name of ["a", "b", "c"]) driver.path("path_unlink_file", name);
    driver.file("e");
    expect(list(driver, cookie).map(({ name }) => name)).toEqual(["d", "e"]);
    expect(list(driver, 0n).map(({ name }) => name)).toEqual([".", "..", "d", "e"]);
    expect(list(driver, 99_999n)).toEqual([]);
  });

  it("reads a large directory in parts, and removes as it goes", () => {
    const driver = new Driver();
    for (let index = 0; index < 500; index += 1) driver.file(`file-${index}`);
    let [cookie, seen] = [0n, 0];
    for (let part = list(driver, cookie, 300); part.length > 0; part = list(driver, cookie, 300)) {
      cookie = part.at(-1)?.next ?? 0n;
      for (const { name } of part.filter(({ type }) => type === 4)) {
        expect(driver.path("path_unlink_file", name)).toBe("ok");
        seen += 1;
      }
    }
    expect(seen).toBe(500);
  });

  it("fills the buffer to its last byte", () => {
    const driver = createDriver();
    driver.call("fd_readdir", 3, 512, 30, 0n, RESULT);
    expect(driver.u32()).toBe(30);
    driver.call("fd_readdir", 3, 512, 0, 0n, RESULT);
    expect(driver.u32()).toBe(0);
    expect(driver.call("fd_readdir", 3, -8, 30, 0n, RESULT)).toBe("EFAULT");
  });
});
