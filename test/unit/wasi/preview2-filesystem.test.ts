/** `wasi:filesystem`: descriptors over a file system in memory, each function and each refusal. */

import { beforeEach, describe, expect, test } from "vitest";
import type { Directory } from "../../../src/engine/wasi/files/directory.guest.ts";
import { mountFiles, openTree } from "../../../src/engine/wasi/files/tree.guest.ts";
import { bad, createLab, drop, good, text, utf8, valOf } from "./preview2-support.ts";

const NOFOLLOW = { symlinkFollow: false };
const FOLLOW = { symlinkFollow: true };
const ONE_SECOND = 1_000_000_000n;

const NO_FLAGS = {
  read: false,
  write: false,
  fileIntegritySync: false,
  dataIntegritySync: false,
  requestedWriteSync: false,
  mutateDirectory: false,
};
type Flag = keyof typeof NO_FLAGS;
const NO_OPEN = { create: false, directory: false, exclusive: false, truncate: false };
type How = keyof typeof NO_OPEN;

function flags(...names: Flag[]) {
  return { ...NO_FLAGS, ...Object.fromEntries(names.map((name) => [name, true])) };
}

let nowNs: bigint;
let lab: ReturnType<typeof createLab>;
let dir: unknown;

const on = (descriptor: unknown, name: string, ...args: unknown[]) =>
  lab.call("wasi:filesystem/types", `[method]descriptor.${name}`, descriptor, ...args);
const at = (name: string, ...args: unknown[]) => on(dir, name, ...args);

function open(path: string, how: readonly How[] = [], with_: readonly Flag[] = ["read"], follow = NOFOLLOW): unknown {
  const openFlags = { ...NO_OPEN, ...Object.fromEntries(how.map((name) => [name, true])) };
  return at("open-at", follow, path, openFlags, flags(...with_));
}

function createFile(path: string, content = ""): unknown {
  const file = good(open(path, ["create", "exclusive"], ["read", "write"]));
  good(on(file, "write", utf8(content), 0n));
  return file;
}

function contentOf(descriptor: unknown): string {
  const [bytes] = good(on(descriptor, "read", 1000n, 0n)) as readonly [unknown];
  return text(bytes);
}

function makeLab(directory: Directory): void {
  lab = createLab({ preopens: [{ path: "/", directory }] });
  const [[descriptor]] = lab.call("wasi:filesystem/preopens", "get-directories") as [[unknown, string]];
  dir = descriptor;
}

beforeEach(() => {
  nowNs = 5n * ONE_SECOND + 7n;
  makeLab(openTree({ nowNs: () => nowNs, maxBytes: 100_000 }));
  drop(createFile("a.txt", "hello"));
});

describe("preopens", () => {
  test("are given with their paths", () => {
    const directory = openTree({ nowNs: () => 0n });
    const { call } = createLab({
      preopens: [
        { path: "/", directory },
        { path: "/data", directory },
      ],
    });
    const list = call("wasi:filesystem/preopens", "get-directories") as [unknown, string][];
    expect(list.map(([, path]) => path)).toEqual(["/", "/data"]);
    const [one, other] = list;
    expect(call("wasi:filesystem/types", "[method]descriptor.is-same-object", one?.[0], other?.[0])).toBe(true);
  });

  test("may be read and changed", () => {
    expect(good(at("get-flags"))).toEqual(flags("read", "mutateDirectory"));
    expect(good(at("get-type"))).toBe("directory");
  });
});

describe("open-at", () => {
  test.each<[How[], Flag[], Flag[]]>([
    [[], [], ["read"]],
    [[], ["read"], ["read"]],
    [[], ["write"], ["write"]],
    [[], ["read", "write"], ["read", "write"]],
    [["exclusive"], [], ["read"]],
    [["create"], [], ["read", "write"]],
    [["create"], ["write"], ["write"]],
    [["truncate"], ["read"], ["read", "write"]],
    [[], ["read", "fileIntegritySync"], ["read", "fileIntegritySync"]],
  ])("with %j and %j gives a file with %j", (how, asked, got) => {
    const file = good(open("a.txt", how, asked));
    expect(good(on(file, "get-flags"))).toEqual(flags(...got));
    expect(good(on(file, "get-type"))).toBe("regular-file");
  });

  test("creates a file, and truncates one", () => {
    expect(contentOf(good(open("new", ["create"])))).toBe("");
    expect(contentOf(good(open("a.txt", ["create"])))).toBe("hello");
    expect(contentOf(good(open("a.txt", ["truncate"], ["read", "write"])))).toBe("");
  });

  test("opens directories", () => {
    good(at("create-directory-at", "d"));
    expect(good(on(good(open("d", ["directory"])), "get-flags"))).toEqual(flags("read"));
    const child = good(open("d", ["directory"], ["read", "mutateDirectory"]));
    expect(good(on(child, "get-flags"))).toEqual(flags("read", "mutateDirectory"));
    good(on(child, "create-directory-at", "e"));
    expect(good(on(good(open("d/e/..")), "is-same-object", child) === true && { tag: "ok", val: 1 })).toBe(1);
  });

  test("follows a symbolic link when it is to", () => {
    good(at("symlink-at", "a.txt", "link"));
    expect(bad(open("link"))).toBe("loop");
    expect(contentOf(good(open("link", [], ["read"], FOLLOW)))).toBe("hello");
    good(at("symlink-at", "dangling-target", "dangling"));
    expect(bad(open("dangling", [], ["read"], FOLLOW))).toBe("no-entry");
  });

  test.each<[string, How[], Flag[], string]>([
    ["", [], ["read"], "no-entry"],
    ["none", [], ["read"], "no-entry"],
    ["..", [], ["read"], "not-permitted"],
    ["/", [], ["read"], "not-permitted"],
    ["/etc/passwd", [], ["read"], "not-permitted"],
    ["d/../../a.txt", [], ["read"], "not-permitted"],
    ["a.txt/x", [], ["read"], "not-directory"],
    ["a.txt/", [], ["read"], "not-directory"],
    ["a.txt", ["directory"], ["read"], "not-directory"],
    ["a.txt", ["create", "exclusive"], ["read"], "exist"],
    ["d", [], ["write"], "is-directory"],
    ["d", ["truncate"], ["read"], "is-directory"],
    ["x", ["create", "directory"], ["read"], "invalid"],
    ["d", ["exclusive", "directory"], ["read"], "invalid"],
    ["a.txt", ["truncate", "directory"], ["read"], "invalid"],
    ["x".repeat(256), [], ["read"], "name-too-long"],
    ["round", [], ["read"], "loop"],
  ])("of %j with %j and %j is refused with %s", (path, how, with_, code) => {
    good(at("create-directory-at", "d"));
    good(at("symlink-at", "round", "round"));
    expect(bad(open(path, how, with_, path === "round" ? FOLLOW : NOFOLLOW))).toBe(code);
  });

  test("of what is below a file is refused", () => {
    expect(bad(on(good(open("a.txt")), "open-at", NOFOLLOW, "x", NO_OPEN, flags("read")))).toBe("not-directory");
  });
});

describe("read and write", () => {
  test("read gives bytes, and whether that was the end", () => {
    const file = good(open("a.txt"));
    expect(good(on(file, "read", 2n, 1n))).toEqual([utf8("el"), false]);
    expect(good(on(file, "read", 9n, 3n))).toEqual([utf8("lo"), true]);
    expect(good(on(file, "read", 9n, 5n))).toEqual([utf8(""), true]);
    expect(good(on(file, "read", 9n, 2n ** 62n))).toEqual([utf8(""), true]);
    expect(good(on(file, "read", 0n, 0n))).toEqual([utf8(""), false]);
    expect(good(on(file, "read", 2n ** 64n - 1n, 0n))).toEqual([utf8("hello"), true]);
  });

  test("write goes on behind the end, with zeros between", () => {
    const file = good(open("a.txt", [], ["read", "write"]));
    expect(good(on(file, "write", utf8("yy"), 7n))).toBe(2n);
    expect(contentOf(file)).toBe("hello\0\0yy");
  });

  test.each<[string, Flag[], string, unknown[], string]>([
    ["a file that is not open for reading", ["write"], "read", [1n, 0n], "bad-descriptor"],
    ["a file that is not open for writing", ["read"], "write", [utf8("x"), 0n], "bad-descriptor"],
    ["a file that is not open for writing", ["read"], "set-size", [1n], "invalid"],
    ["a file that is not open for reading", ["write"], "read-via-stream", [0n], "bad-descriptor"],
    ["a file that is not open for writing", ["read"], "write-via-stream", [0n], "bad-descriptor"],
    ["a file that is not open for writing", ["read"], "append-via-stream", [], "bad-descriptor"],
    ["a place that does not exist", ["read"], "read", [1n, 2n ** 64n - 1n], "invalid"],
    ["a place that does not exist", ["write"], "write", [utf8("x"), 2n ** 64n - 1n], "invalid"],
    ["a place too far", ["write"], "write", [utf8("x"), 2n ** 40n], "file-too-large"],
    ["a size too large", ["write"], "set-size", [2n ** 40n], "file-too-large"],
    ["a size beyond all", ["write"], "set-size", [2n ** 64n - 1n], "invalid"],
    ["more than there is room for", ["write"], "set-size", [200_000n], "insufficient-space"],
  ])("of %s with %j: %s is refused", (_, with_, name, args, code) => {
    expect(bad(on(good(open("a.txt", [], with_)), name, ...args))).toBe(code);
  });

  test.each([
    ["read", [1n, 0n], "bad-descriptor"],
    ["write", [utf8("x"), 0n], "bad-descriptor"],
    ["set-size", [1n], "bad-descriptor"],
    ["advise", [0n, 0n, "normal"], "bad-descriptor"],
    ["write-via-stream", [0n], "bad-descriptor"],
    ["append-via-stream", [], "bad-descriptor"],
    ["read-via-stream", [0n], "is-directory"],
  ])("%s of a directory is refused", (name, args, code) => {
    expect(bad(at(name, ...args))).toBe(code);
  });

  test("set-size cuts off and fills up, for all who have it open", () => {
    const [one, other] = [good(open("a.txt", [], ["read", "write"])), good(open("a.txt"))];
    good(on(one, "set-size", 7n));
    expect(contentOf(other)).toBe("hello\0\0");
    good(on(one, "set-size", 2n));
    expect(contentOf(other)).toBe("he");
    expect(good(on(other, "stat"))).toMatchObject({ size: 2n });
  });

  test("advise, sync and sync-data succeed", () => {
    const file = good(open("a.txt"));
    for (const advice of ["normal", "sequential", "random", "will-need", "dont-need", "no-reuse"]) {
      good(on(file, "advise", 0n, 10n, advice));
    }
    for (const descriptor of [file, dir]) for (const name of ["sync", "sync-data"]) good(on(descriptor, name));
  });
});

describe("streams", () => {
  const STREAMS = "wasi:io/streams";

  test("read from a place on, and see what is written meanwhile", () => {
    const file = good(open("a.txt", [], ["read", "write"]));
    const stream = good(on(file, "read-via-stream", 1n));
    const pollable = lab.call(STREAMS, "[method]input-stream.subscribe", stream);
    const read = (length: bigint) => lab.call(STREAMS, "[method]input-stream.read", stream, length);
    expect(lab.call("wasi:io/poll", "[method]pollable.ready", pollable)).toBe(true);
    expect(good(read(0n))).toHaveLength(0);
    expect(text(good(read(2n)))).toBe("el");
    good(on(file, "write", utf8("LO, world"), 3n));
    expect(text(good(lab.call(STREAMS, "[method]input-stream.blocking-read", stream, 99n)))).toBe("LO, world");
    expect(bad(read(1n))).toMatchObject({ tag: "closed" });
    drop(pollable);
    drop(stream);
  });

  test("write from a place on, and append", () => {
    const file = good(open("a.txt", [], ["read", "write"]));
    const [writing, appending] = [good(on(file, "write-via-stream", 1n)), good(on(file, "append-via-stream"))];
    const write = (stream: unknown, content: string) =>
      good(lab.call(STREAMS, "[method]output-stream.blocking-write-and-flush", stream, utf8(content)));
    write(appending, "!");
    write(writing, "EL");
    write(writing, "LO");
    write(appending, "!");
    expect(contentOf(file)).toBe("hELLO!!");
  });

  test("fail with an error that has a code of the file system", () => {
    const stream = good(on(good(open("a.txt", [], ["write"])), "write-via-stream", 0n));
    const write = (bytes: number) => lab.call(STREAMS, "[method]output-stream.write", stream, new Uint8Array(bytes));
    good(write(65_000));
    const failure = valOf(bad(write(65_000)));
    expect(lab.call("wasi:filesystem/types", "filesystem-error-code", failure)).toBe("insufficient-space");
    expect(lab.call("wasi:io/error", "[method]error.to-debug-string", failure)).toBe("ENOSPC");
    expect(bad(write(1))).toMatchObject({ tag: "closed" });
  });

  test("outlive their descriptor, and the name of the file", () => {
    const file = good(open("a.txt"));
    const stream = good(on(file, "read-via-stream", 0n));
    drop(file);
    drop(file);
    good(at("unlink-file-at", "a.txt"));
    expect(text(good(lab.call(STREAMS, "[method]input-stream.read", stream, 9n)))).toBe("hello");
    drop(stream);
  });
});

describe("stat, times and hashes", () => {
  test("tell type, links, size and times", () => {
    good(at("link-at", NOFOLLOW, "a.txt", dir, "b.txt"));
    good(at("symlink-at", "a.txt", "link"));
    const now = { seconds: 5n, nanoseconds: 7 };
    const times = { dataAccessTimestamp: now, dataModificationTimestamp: now, statusChangeTimestamp: now };
    expect(good(at("stat-at", NOFOLLOW, "a.txt"))).toEqual({ type: "regular-file", linkCount: 2n, size: 5n, ...times });
    expect(good(at("stat-at", NOFOLLOW, "link"))).toEqual({ type: "symbolic-link", linkCount: 1n, size: 5n, ...times });
    expect(good(at("stat-at", FOLLOW, "link"))).toMatchObject({ type: "regular-file" });
    expect(good(at("stat"))).toMatchObject({ type: "directory" });
    expect(good(at("stat-at", NOFOLLOW, "."))).toEqual(good(at("stat")));
  });

  test("times are set, kept, or now", () => {
    const stamp = (seconds: bigint) => ({ tag: "timestamp", val: { seconds, nanoseconds: 3 } });
    const keep = { tag: "no-change", val: undefined };
    const times = () => {
      const stat = good(at("stat-at", NOFOLLOW, "a.txt")) as Record<string, { seconds: bigint }>;
      return [stat.dataAccessTimestamp?.seconds, stat.dataModificationTimestamp?.seconds];
    };
    good(at("set-times-at", NOFOLLOW, "a.txt", stamp(42n), stamp(69n)));
    expect(times()).toEqual([42n, 69n]);
    good(on(good(open("a.txt")), "set-times", keep, stamp(70n)));
    expect(times()).toEqual([42n, 70n]);
    nowNs = 99n * ONE_SECOND;
    good(at("set-times-at", NOFOLLOW, "a.txt", { tag: "now", val: undefined }, keep));
    expect(times()).toEqual([99n, 70n]);
    const wrong = { tag: "timestamp", val: { seconds: 1n, nanoseconds: 1_000_000_000 } };
    expect(bad(at("set-times", wrong, keep))).toBe("invalid");
    expect(bad(at("set-times-at", NOFOLLOW, "none", keep, keep))).toBe("no-entry");
  });

  test("hashes are the same for one object until it changes", () => {
    const file = good(open("a.txt", [], ["read", "write"]));
    const before = good(on(file, "metadata-hash"));
    expect(good(at("metadata-hash-at", NOFOLLOW, "a.txt"))).toEqual(before);
    expect(good(at("metadata-hash-at", NOFOLLOW, "."))).not.toEqual(before);
    drop(createFile("same", "hello"));
    expect(good(at("metadata-hash-at", NOFOLLOW, "same"))).not.toEqual(before);
    nowNs += 1n;
    good(on(file, "write", utf8("x"), 0n));
    expect(good(on(file, "metadata-hash"))).not.toEqual(before);
    expect(bad(at("metadata-hash-at", NOFOLLOW, "/"))).toBe("not-permitted");
  });

  test("is-same-object knows one file under two names", () => {
    good(at("link-at", NOFOLLOW, "a.txt", dir, "b.txt"));
    drop(createFile("c.txt"));
    const [a, b, c] = ["a.txt", "b.txt", "c.txt"].map((path) => good(open(path)));
    expect([on(a, "is-same-object", b), on(a, "is-same-object", c), on(dir, "is-same-object", a)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(() => on(a, "is-same-object", {})).toThrow(WebAssembly.RuntimeError);
  });
});

describe("names", () => {
  test("are listed as they were, without dots", () => {
    good(at("create-directory-at", "d"));
    good(at("symlink-at", "a.txt", "link"));
    const stream = good(at("read-directory"));
    good(at("unlink-file-at", "link"));
    const next = () =>
      good(lab.call("wasi:filesystem/types", "[method]directory-entry-stream.read-directory-entry", stream));
    expect([next(), next(), next(), next(), next()]).toEqual([
      { type: "regular-file", name: "a.txt" },
      { type: "directory", name: "d" },
      { type: "symbolic-link", name: "link" },
      undefined,
      undefined,
    ]);
    expect(bad(on(good(open("a.txt")), "read-directory"))).toBe("not-directory");
  });

  test("are created, renamed, linked and removed", () => {
    good(at("create-directory-at", "d"));
    const child = good(open("d"));
    good(at("rename-at", "a.txt", child, "moved"));
    good(on(child, "link-at", NOFOLLOW, "moved", dir, "again"));
    good(on(child, "unlink-file-at", "moved"));
    good(at("remove-directory-at", "d"));
    expect(contentOf(good(open("again")))).toBe("hello");
    good(at("symlink-at", "again", "link"));
    expect(good(at("readlink-at", "link"))).toBe("again");
    good(at("link-at", FOLLOW, "link", dir, "third"));
    expect(contentOf(good(open("third")))).toBe("hello");
  });

  test.each<[string, (args: { file: unknown }) => unknown, string]>([
    ["create-directory-at of what is there", () => at("create-directory-at", "a.txt"), "exist"],
    ["create-directory-at above", () => at("create-directory-at", "../x"), "not-permitted"],
    ["create-directory-at of nothing", () => at("create-directory-at", ""), "no-entry"],
    ["create-directory-at below a file", ({ file }) => on(file, "create-directory-at", "x"), "not-directory"],
    ["remove-directory-at of a file", () => at("remove-directory-at", "a.txt"), "not-directory"],
    ["remove-directory-at of nothing", () => at("remove-directory-at", "none"), "no-entry"],
    ["remove-directory-at of itself", () => at("remove-directory-at", "."), "invalid"],
    ["remove-directory-at of a full one", () => at("remove-directory-at", "full"), "not-empty"],
    ["unlink-file-at of a directory", () => at("unlink-file-at", "full"), "is-directory"],
    ["unlink-file-at of nothing", () => at("unlink-file-at", "none"), "no-entry"],
    ["unlink-file-at above", () => at("unlink-file-at", "/etc/passwd"), "not-permitted"],
    ["link-at of a directory", () => at("link-at", NOFOLLOW, "full", dir, "x"), "not-permitted"],
    ["link-at to what is there", () => at("link-at", NOFOLLOW, "a.txt", dir, "a.txt"), "exist"],
    ["link-at of nothing", () => at("link-at", NOFOLLOW, "none", dir, "x"), "no-entry"],
    ["link-at into a file", ({ file }) => at("link-at", NOFOLLOW, "a.txt", file, "x"), "not-directory"],
    ["symlink-at with an absolute target", () => at("symlink-at", "/etc", "x"), "not-permitted"],
    ["symlink-at over what is there", () => at("symlink-at", "x", "a.txt"), "exist"],
    ["readlink-at of a file", () => at("readlink-at", "a.txt"), "invalid"],
    ["readlink-at of nothing", () => at("readlink-at", "none"), "no-entry"],
    ["rename-at of nothing", () => at("rename-at", "none", dir, "x"), "no-entry"],
    ["rename-at above", () => at("rename-at", "a.txt", dir, "../x"), "not-permitted"],
    ["rename-at of itself", () => at("rename-at", ".", dir, "x"), "busy"],
    ["rename-at into itself", () => at("rename-at", "full", dir, "full/x"), "invalid"],
    ["rename-at over a directory", () => at("rename-at", "a.txt", dir, "full"), "is-directory"],
    ["rename-at of a directory over a file", () => at("rename-at", "full", dir, "a.txt"), "not-directory"],
    ["stat-at of nothing", () => at("stat-at", NOFOLLOW, "none"), "no-entry"],
    ["stat-at above", () => at("stat-at", NOFOLLOW, ".."), "not-permitted"],
    ["stat-at through a link that leads above", () => at("stat-at", FOLLOW, "up"), "not-permitted"],
    ["stat-at below a file", ({ file }) => on(file, "stat-at", NOFOLLOW, "."), "not-directory"],
  ])("%s is refused", (_, run, code) => {
    good(at("create-directory-at", "full"));
    drop(createFile("full/x"));
    good(at("symlink-at", "..", "up"));
    expect(bad(run({ file: good(open("a.txt")) }))).toBe(code);
  });
});

describe("files that may only be read", () => {
  beforeEach(() => {
    const tree = openTree({ nowNs: () => nowNs });
    mountFiles(tree, "/", new Map([["ro.txt", utf8("fixed")]]));
    tree.inode.volume.isReadOnly = true;
    makeLab(tree);
  });

  test("are read", () => {
    expect(contentOf(good(open("ro.txt")))).toBe("fixed");
    expect(good(at("get-flags"))).toEqual(flags("read"));
  });

  test.each<[string, () => unknown]>([
    ["open-at for writing", () => open("ro.txt", [], ["write"])],
    ["open-at with truncate", () => open("ro.txt", ["truncate"])],
    ["open-at with create", () => open("new", ["create"], ["write"])],
    ["create-directory-at", () => at("create-directory-at", "d")],
    ["unlink-file-at", () => at("unlink-file-at", "ro.txt")],
    ["rename-at", () => at("rename-at", "ro.txt", dir, "x")],
    ["set-times", () => on(good(open("ro.txt")), "set-times", { tag: "now" }, { tag: "now" })],
  ])("%s is refused with read-only", (_, run) => {
    expect(bad(run())).toBe("read-only");
  });
});
