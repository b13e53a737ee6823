/** Functions of preview 1 that take paths: what they do, and each error that they can answer. */

import { describe, expect, it } from "vitest";
import { openImage, openTree } from "../../../src/engine/wasi/files/tree.guest.ts";
import { ALL, Driver, OFLAG, READ, RESULT, WRITE } from "./preview1-driver.ts";

const { CREAT, DIRECTORY, EXCL, TRUNC } = OFLAG;

/** file, dir/inner, empty/, and links: to a file, to a directory, to nothing, to itself. */
function createDriver(): Driver {
  const driver = new Driver();
  driver.path("path_create_directory", "dir");
  driver.path("path_create_directory", "empty");
  driver.file("file", "content");
  driver.file("dir/inner", "inner");
  driver.symlink("file", "to-file");
  driver.symlink("dir", "to-dir");
  driver.symlink("nothing", "dangling");
  driver.symlink("loop", "loop");
  driver.symlink("../..", "dir/out");
  return driver;
}

describe("path_open", () => {
  const cases: [string, string, Parameters<Driver["open"]>[1], string | number][] = [
    ["a file", "file", {}, 4],
    ["a directory", "dir", { rights: READ }, 4],
    ["a file below", "dir/inner", {}, 4],
    ["through . and .. and double slashes", "./dir/..//dir/./inner", {}, 4],
    ["a directory with slashes at its end", "dir///", { rights: READ }, 4],
    ["through a link to a directory", "to-dir/inner", { follow: 0 }, 4],
    ["a link that is followed", "to-file", {}, 4],
    ["nothing", "nothing", {}, "ENOENT"],
    ["nothing below nothing", "nothing/below", { oflags: CREAT }, "ENOENT"],
    ["an empty path", "", {}, "ENOENT"],
    ["below a file", "file/below", {}, "ENOTDIR"],
    ["a file with a slash", "file/", {}, "ENOTDIR"],
    ["a file as a directory", "file", { oflags: DIRECTORY }, "ENOTDIR"],
    ["a link that is not followed", "to-file", { follow: 0 }, "ELOOP"],
    ["a link to a directory, not followed", "to-dir", { follow: 0, oflags: DIRECTORY }, "ELOOP"],
    ["a link to itself", "loop", {}, "ELOOP"],
    ["a link to nothing", "dangling", {}, "ENOENT"],
    ["a link to nothing, making it", "dangling", { oflags: CREAT }, 4],
    ["what must be new and is there", "file", { oflags: CREAT | EXCL }, "EEXIST"],
    ["what must be new where a link is", "dangling", { oflags: CREAT | EXCL }, "EEXIST"],
    ["a new file with a slash", "new/", { oflags: CREAT }, "EISDIR"],
    ["a new file with a slash where one is", "file/", { oflags: CREAT }, "EISDIR"],
    ["a new directory", "new", { oflags: CREAT | DIRECTORY }, "EINVAL"],
    ["a directory for writing", "dir", { rights: READ | WRITE }, "EISDIR"],
    ["a directory to truncate it", "dir", { oflags: TRUNC, rights: READ }, "EISDIR"],
    ["an absolute path", "/file", {}, "EPERM"],
    ["above the start", "../file", {}, "EPERM"],
    ["above the start and back", "dir/../../file", {}, "EPERM"],
    ["above the start by a link", "dir/out/file", {}, "EPERM"],
    ["a NUL in the path", "file\0", {}, "EINVAL"],
    ["a name that is too long", "n".repeat(256), {}, "ENAMETOOLONG"],
    ["a name that is too long in UTF-8", "ä".repeat(128), {}, "ENAMETOOLONG"],
    ["a path that is too long", "a/".repeat(2049), {}, "ENAMETOOLONG"],
    ["unknown oflags", "file", { oflags: 16 }, "EINVAL"],
    ["unknown fdflags", "file", { flags: 32 }, "EINVAL"],
    ["unknown lookup flags", "file", { follow: 2 }, "EINVAL"],
    ["below what is not open", "file", { fd: 99 }, "EBADF"],
    ["below a stream", "file", { fd: 1 }, "ENOTDIR"],
  ];
  it.each(cases)("opens or refuses %s", (_what, path, options, expected) => {
    expect(createDriver().open(path, options)).toBe(expected);
  });

  it("answers EILSEQ to a path that is no UTF-8, and EFAULT to one out of memory", () => {
    const driver = new Driver();
    const rest = [0, ALL, ALL, 0, RESULT] as const;
    expect(driver.call("path_open", 3, 0, ...driver.put(new Uint8Array([0xff, 0xfe])), ...rest)).toBe("EILSEQ");
    expect(driver.call("path_open", 3, 0, 200_000, 4, ...rest)).toBe("EFAULT");
    expect(driver.call("path_open", 3, 0, -4, 8, ...rest)).toBe("EFAULT");
  });

  it("opens nothing when there is no room for the answer", () => {
    const driver = new Driver();
    expect(driver.call("path_open", 3, 0, ...driver.put("new"), CREAT, ALL, ALL, 0, -2)).toBe("EFAULT");
    expect(driver.stat("new")).toBe("ENOENT");
  });

  it("truncates, and gives the lowest free number", () => {
    const driver = createDriver();
    const [first, second] = [driver.mustOpen("file"), driver.mustOpen("dir/inner")];
    driver.call("fd_close", first);
    expect(driver.mustOpen("file", { oflags: TRUNC })).toBe(first);
    expect(second).toBe(first + 1);
    expect(driver.stat("file")).toMatchObject({ size: 0n });
  });

  it("answers EMFILE when too much is open", () => {
    const driver = createDriver();
    const open = Array.from({ length: 5000 }, () => driver.open("file"));
    expect(open.at(-1)).toBe("EMFILE");
    expect(open.filter((fd) => typeof fd === "number")).toHaveLength(4092);
  });

  it("gives no right that the directory does not pass on, and none that means nothing for the kind", () => {
    const driver = createDriver();
    const directory = driver.mustOpen("dir", { rights: (1n << 13n) | (1n << 2n), inheriting: READ });
    expect(driver.open("inner", { fd: directory, rights: WRITE, inheriting: 0n })).toBe("ENOTCAPABLE");
    expect(driver.open("inner", { fd: directory, rights: 0n, inheriting: WRITE })).toBe("ENOTCAPABLE");
    expect(driver.open("new", { fd: directory, rights: 0n, inheriting: 0n, oflags: CREAT })).toBe("ENOTCAPABLE");
    expect(driver.open("inner", { fd: directory, rights: 0n, inheriting: 0n, oflags: TRUNC })).toBe("ENOTCAPABLE");
    const file = driver.mustOpen("inner", { fd: directory, rights: READ, inheriting: 0n });
    expect(driver.read(file)).toBe("inner");
    expect(driver.write(file, "x")).toBe("ENOTCAPABLE");
    driver.call("fd_fdstat_get", directory, 512);
    expect(driver.u64(520)).toBe(1n << 13n);
  });
});

describe("making, removing and reading names", () => {
  const cases: [string, (driver: Driver) => string, string][] = [
    ["path_create_directory", (d) => d.path("path_create_directory", "new"), "ok"],
    ["path_create_directory with a slash", (d) => d.path("path_create_directory", "new/"), "ok"],
    ["path_create_directory over a file", (d) => d.path("path_create_directory", "file"), "EEXIST"],
    ["path_create_directory over a link", (d) => d.path("path_create_directory", "dangling"), "EEXIST"],
    ["path_create_directory of .", (d) => d.path("path_create_directory", "."), "EEXIST"],
    ["path_create_directory below nothing", (d) => d.path("path_create_directory", "x/y"), "ENOENT"],
    ["path_create_directory in a file", (d) => d.path("path_create_directory", "file", d.mustOpen("file")), "ENOTDIR"],
    ["path_remove_directory", (d) => d.path("path_remove_directory", "empty/"), "ok"],
    ["path_remove_directory of a full one", (d) => d.path("path_remove_directory", "dir"), "ENOTEMPTY"],
    ["path_remove_directory of a file", (d) => d.path("path_remove_directory", "file"), "ENOTDIR"],
    ["path_remove_directory of a file with a slash", (d) => d.path("path_remove_directory", "file/"), "ENOTDIR"],
    ["path_remove_directory of a link", (d) => d.path("path_remove_directory", "to-dir/"), "ENOTDIR"],
    ["path_remove_directory of nothing", (d) => d.path("path_remove_directory", "nothing"), "ENOENT"],
    ["path_remove_directory of .", (d) => d.path("path_remove_directory", "empty/."), "EINVAL"],
    ["path_unlink_file", (d) => d.path("path_unlink_file", "file"), "ok"],
    ["path_unlink_file of a link", (d) => d.path("path_unlink_file", "loop"), "ok"],
    ["path_unlink_file of a directory", (d) => d.path("path_unlink_file", "dir"), "EISDIR"],
    ["path_unlink_file of a directory with a slash", (d) => d.path("path_unlink_file", "dir/"), "EISDIR"],
    ["path_unlink_file with a slash", (d) => d.path("path_unlink_file", "file/"), "ENOTDIR"],
    ["path_unlink_file of nothing", (d) => d.path("path_unlink_file", "nothing"), "ENOENT"],
    ["path_symlink", (d) => d.symlink("anywhere", "new"), "ok"],
    ["path_symlink to an absolute path", (d) => d.symlink("/", "new"), "EPERM"],
    ["path_symlink to nothing at all", (d) => d.symlink("", "new"), "ENOENT"],
    ["path_symlink with a slash", (d) => d.symlink("x", "new/"), "ENOENT"],
    ["path_symlink over a file", (d) => d.symlink("x", "file"), "EEXIST"],
    ["path_symlink over a file with a slash", (d) => d.symlink("x", "file/"), "ENOTDIR"],
    ["path_symlink over a directory with a slash", (d) => d.symlink("x", "dir/"), "EEXIST"],
    ["path_link", (d) => d.link("file", "new"), "ok"],
    ["path_link of a link", (d) => d.link("dangling", "new"), "ok"],
    ["path_link of what a link leads to", (d) => d.link("dangling", "new", 1), "ENOENT"],
    ["path_link of a directory", (d) => d.link("dir", "new"), "EPERM"],
    ["path_link of a directory over a file", (d) => d.link("dir", "file"), "EEXIST"],
    ["path_link over a file", (d) => d.link("file", "file"), "EEXIST"],
    ["path_link over a link", (d) => d.link("file", "dangling"), "EEXIST"],
    ["path_link with a slash", (d) => d.link("file", "new/"), "ENOENT"],
    ["path_link of nothing", (d) => d.link("nothing", "new"), "ENOENT"],
    ["path_rename", (d) => d.rename("file", "new"), "ok"],
    ["path_rename over a file", (d) => d.rename("file", "dir/inner"), "ok"],
    ["path_rename onto itself", (d) => d.rename("file", "./file"), "ok"],
    ["path_rename of a directory with slashes", (d) => d.rename("dir/", "new/"), "ok"],
    ["path_rename over an empty directory", (d) => d.rename("dir", "empty"), "ok"],
    ["path_rename over a full directory", (d) => d.rename("empty", "dir"), "ENOTEMPTY"],
    ["path_rename of a directory over a file", (d) => d.rename("dir", "file"), "ENOTDIR"],
    ["path_rename of a file over a directory", (d) => d.rename("file", "empty"), "EISDIR"],
    ["path_rename of a file with a slash", (d) => d.rename("file/", "new"), "ENOTDIR"],
    ["path_rename of a file to a name with a slash", (d) => d.rename("file", "new/"), "ENOTDIR"],
    ["path_rename into itself", (d) => d.rename("dir", "dir/new"), "EINVAL"],
    [
      "path_rename into itself by descriptor",
      (d) => d.rename("dir", "new", [3, d.mustOpen("dir", { rights: ALL ^ WRITE })]),
      "EINVAL",
    ],
    ["path_rename of .", (d) => d.rename("dir/.", "new"), "EBUSY"],
    ["path_rename of nothing", (d) => d.rename("nothing", "new"), "ENOENT"],
    ["path_readlink of a file", (d) => d.call("path_readlink", 3, ...d.put("file"), 512, 9, RESULT), "EINVAL"],
    [
      "path_readlink of a file with a slash",
      (d) => d.call("path_readlink", 3, ...d.put("file/"), 512, 9, RESULT),
      "ENOTDIR",
    ],
    ["path_readlink of nothing", (d) => d.call("path_readlink", 3, ...d.put("nothing"), 512, 9, RESULT), "ENOENT"],
    ["path_readlink out of memory", (d) => d.call("path_readlink", 3, ...d.put("loop"), -1, 9, RESULT), "EFAULT"],
    ["path_filestat_get out of memory", (d) => d.call("path_filestat_get", 3, 0, ...d.put("file"), -8), "EFAULT"],
  ];
  it.each(cases)("%s answers as POSIX does", (_what, run, expected) => {
    expect(run(createDriver())).toBe(expected);
  });

  it("two names lead to one file, which lives until the last goes", () => {
    const driver = createDriver();
    driver.link("file", "second");
    const [first, second] = [driver.stat("file"), driver.stat("second")];
    expect(second).toEqual(first);
    expect(first).toMatchObject({ links: 2n, size: 7n, type: 4 });
    driver.path("path_unlink_file", "file");
    expect(driver.stat("second")).toMatchObject({ links: 1n });
  });

  it("path_readlink tells as much as fits", () => {
    const driver = createDriver();
    expect(driver.call("path_readlink", 3, ...driver.put("dangling"), 512, 4, RESULT)).toBe("ok");
    expect(driver.text(512, driver.u32())).toBe("noth");
  });

  it("a renamed directory keeps what is in it, and a replaced file is gone", () => {
    const driver = createDriver();
    driver.rename("dir", "empty");
    expect(driver.stat("empty/inner")).toMatchObject({ size: 5n });
    expect(driver.stat("dir")).toBe("ENOENT");
    driver.rename("file", "empty/inner");
    expect(driver.stat("empty/inner")).toMatchObject({ size: 7n, links: 1n });
  });

  it("what a removed directory that is still open is asked to hold is refused", () => {
    const driver = createDriver();
    const fd = driver.mustOpen("empty", { rights: ALL ^ WRITE });
    driver.path("path_remove_directory", "empty");
    expect(driver.path("path_create_directory", "new", fd)).toBe("ENOENT");
    expect(driver.open("new", { fd, oflags: CREAT })).toBe("ENOENT");
  });

  it("a right that was given up is missed by the call that needs it", () => {
    const needed: [string, bigint, (driver: Driver) => string][] = [
      ["PATH_CREATE_DIRECTORY", 9n, (d) => d.path("path_create_directory", "new")],
      ["PATH_LINK_SOURCE", 11n, (d) => d.link("file", "new")],
      ["PATH_LINK_TARGET", 12n, (d) => d.link("file", "new")],
      ["PATH_OPEN", 13n, (d) => String(d.open("file"))],
      ["FD_READDIR", 14n, (d) => d.call("fd_readdir", 3, 512, 100, 0n, RESULT)],
      ["PATH_READLINK", 15n, (d) => d.call("path_readlink", 3, ...d.put("loop"), 512, 9, RESULT)],
      ["PATH_RENAME_SOURCE", 16n, (d) => d.rename("file", "new")],
      ["PATH_RENAME_TARGET", 17n, (d) => d.rename("file", "new")],
      ["PATH_FILESTAT_GET", 18n, (d) => String(d.stat("file"))],
      ["PATH_FILESTAT_SET_TIMES", 20n, (d) => d.call("path_filestat_set_times", 3, 0, ...d.put("file"), 0n, 0n, 0)],
      ["PATH_SYMLINK", 24n, (d) => d.symlink("x", "new")],
      ["PATH_REMOVE_DIRECTORY", 25n, (d) => d.path("path_remove_directory", "empty")],
      ["PATH_UNLINK_FILE", 26n, (d) => d.path("path_unlink_file", "file")],
    ];
    for (const [name, bit, run] of needed) {
      const driver = createDriver();
      driver.call("fd_fdstat_get", 3, 512);
      expect(driver.call("fd_fdstat_set_rights", 3, driver.u64(520) & ~(1n << bit), driver.u64(528))).toBe("ok");
      expect([name, run(driver)]).toEqual([name, "ENOTCAPABLE"]);
    }
  });
});

describe("path_filestat_set_times", () => {
  it("sets what it is asked to, of the link or of what it leads to", () => {
    const driver = createDriver();
    const set = (path: string, follow: number, flags: number) =>
      driver.call("path_filestat_set_times", 3, follow, ...driver.put(path), 11n, 22n, flags);
    expect(set("to-file", 1, 1)).toBe("ok");
    expect(driver.stat("file")).toMatchObject({ atimeNs: 11n, mtimeNs: driver.clock.now });
    expect(set("to-file", 0, 4)).toBe("ok");
    expect(driver.stat("to-file", 0)).toMatchObject({ mtimeNs: 22n, type: 7 });
    driver.clock.now += 5n;
    expect(set("file", 0, 2 | 8)).toBe("ok");
    expect(driver.stat("file")).toMatchObject({ atimeNs: driver.clock.now, mtimeNs: driver.clock.now });
    expect([set("file", 0, 3), set("file", 0, 12), set("file", 0, 16)]).toEqual(["EINVAL", "EINVAL", "EINVAL"]);
    expect(set("nothing", 0, 1)).toBe("ENOENT");
  });
});

describe("read-only files and full volumes", () => {
  const image = openImage(new Map([["lib/data", new TextEncoder().encode("shared")]]));
  const inImage = () => new Driver({ preopens: [{ path: "/", directory: image }] });

  it("everything that would change an image answers EROFS", () => {
    const driver = inImage();
    expect(driver.read(driver.mustOpen("lib/data", { rights: READ }))).toBe("shared");
    expect([
      driver.open("lib/data", { rights: WRITE }),
      driver.open("lib/data", { rights: READ, oflags: TRUNC }),
      driver.open("lib/new", { oflags: CREAT }),
      driver.path("path_create_directory", "new"),
      driver.path("path_remove_directory", "lib"),
      driver.path("path_unlink_file", "lib/data"),
      driver.rename("lib/data", "new"),
      driver.link("lib/data", "new"),
      driver.symlink("lib", "new"),
      driver.call("path_filestat_set_times", 3, 0, ...driver.put("lib/data"), 1n, 1n, 1),
    ]).toEqual(Array.from({ length: 10 }, () => "EROFS"));
  });

  it("an image's entries stand in a tree that may be written, and stay", () => {
    const directory = openTree({ nowNs: () => 1n, base: image });
    const driver = new Driver({ preopens: [{ path: "/", directory }] });
    driver.file("own", "mine");
    expect(driver.stat("own")).toMatchObject({ device: 1n, size: 4n });
    expect(driver.stat("lib/data")).toMatchObject({ device: 2n, size: 6n });
    expect(driver.rename("lib", "other")).toBe("EBUSY");
    expect(driver.rename("own", "lib/own")).toBe("EXDEV");
    expect(driver.link("lib/data", "linked")).toBe("EXDEV");
    expect(driver.open("lib/data", { rights: WRITE })).toBe("EROFS");
  });

  it("a volume without room answers ENOSPC and keeps what it has", () => {
    const directory = openTree({ nowNs: () => 1n, maxBytes: 10, maxNames: 2 });
    const driver = new Driver({ preopens: [{ path: "/", directory }] });
    driver.file("first", "12345678");
    const fd = driver.mustOpen("second", { oflags: CREAT });
    expect(driver.write(fd, "abc")).toBe("ENOSPC");
    expect(driver.write(fd, "ab")).toBe("ok");
    expect(driver.call("fd_filestat_set_size", fd, 3n)).toBe("ENOSPC");
    expect(driver.call("fd_allocate", fd, 0n, 100n)).toBe("ENOSPC");
    expect(driver.open("third", { oflags: CREAT })).toBe("ENOSPC");
    expect(driver.path("path_create_directory", "third")).toBe("ENOSPC");
    driver.path("path_unlink_file", "first");
    expect(driver.write(fd, "12345678")).toBe("ok");
  });

  it("an unlinked file that is open counts until it is closed", () => {
    const directory = openTree({ nowNs: () => 1n, maxBytes: 10 });
    const driver = new Driver({ preopens: [{ path: "/", directory }] });
    driver.file("file", "12345678");
    const fd = driver.mustOpen("file");
    driver.path("path_unlink_file", "file");
    expect(driver.read(fd)).toBe("12345678");
    expect(directory.inode.volume.usedBytes).toBe(8);
    driver.call("fd_close", fd);
    expect(directory.inode.volume.usedBytes).toBe(0);
  });

  it("what a program leaves open is closed with it", () => {
    const directory = openTree({ nowNs: () => 1n });
    const driver = new Driver({ preopens: [{ path: "/", directory }] });
    driver.write(driver.mustOpen("file", { oflags: CREAT }), "12345678");
    driver.path("path_unlink_file", "file");
    driver.host[Symbol.dispose]();
    expect(directory.inode.volume.usedBytes).toBe(0);
    expect(driver.open("file")).toBe("EBADF");
  });
});
