/** Trees of files: images that are shared, trees that are loaded, and what is told of their changes. */

import { describe, expect, it } from "vitest";
import { type FileChange, takeChanges } from "../../../src/engine/wasi/files/changes.guest.ts";
import { Directory } from "../../../src/engine/wasi/files/directory.guest.ts";
import { File } from "../../../src/engine/wasi/files/file.guest.ts";
import { FileError } from "../../../src/engine/wasi/files/file-error.guest.ts";
import {
  createDirectory,
  createSymbolicLink,
  findNode,
  linkFile,
  openNode,
  readSymbolicLink,
  removeDirectory,
  rename,
  unlinkFile,
} from "../../../src/engine/wasi/files/operations.guest.ts";
import {
  type FileRecord,
  loadTree,
  mount,
  mountFiles,
  openImage,
  openTree,
} from "../../../src/engine/wasi/files/tree.guest.ts";

const nowNs = () => 100n;
const toBytes = (text: string) => new TextEncoder().encode(text);
const toText = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const PLAIN = { isCreated: false, isExclusive: false, isTruncated: false, isDirectory: false, isWritten: false };

function openFile(directory: Directory, path: string): File {
  const node = openNode({ directory, path }, { ...PLAIN, follows: true, isCreated: true });
  if (!(node instanceof File)) throw new TypeError(`${path} is no file`);
  return node;
}

function read(directory: Directory, path: string): string {
  const node = findNode({ directory, path }, true);
  return node instanceof File ? toText(node.view(0, node.size)) : node.kind;
}

function codeOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (thrown) {
    return thrown instanceof FileError ? thrown.code : thrown;
  }
}

describe("images", () => {
  it("holds files without copying them, read-only, whoever opens it", () => {
    const bytes = toBytes("shared");
    const image = openImage(
      new Map([
        ["/a/b/c.txt", bytes],
        ["top", bytes],
      ]),
      { mtimeNs: 7n },
    );
    const node = findNode({ directory: image, path: "a/b/c.txt" }, true);
    expect(node instanceof File && node.view(0, 100).buffer).toBe(bytes.buffer);
    expect(node.inode).toMatchObject({ mtimeNs: 7n, links: 1 });
    expect(codeOf(() => openFile(image, "new"))).toBe("EROFS");
  });

  it("refuses paths that collide or lead out", () => {
    const open = (...paths: string[]) => codeOf(() => openImage(new Map(paths.map((path) => [path, toBytes("x")]))));
    expect([open("a", "a/b"), open("a/b", "a"), open("../a"), open(""), open("a\0b")]).toEqual([
      "ENOTDIR",
      "EEXIST",
      "EINVAL",
      "EINVAL",
      "EINVAL",
    ]);
  });

  it("one image stands in many trees, each of which has its own files besides", () => {
    const image = openImage(new Map([["lib/x", toBytes("x")]]));
    const trees = ["one", "two"].map((name) => {
      const tree = openTree({ nowNs, base: image });
      openFile(tree, name).write(0, toBytes(name));
      return tree;
    });
    expect(trees.map((tree) => tree.list().map(({ name }) => name))).toEqual([
      ["lib", "one"],
      ["lib", "two"],
    ]);
    expect(image.list().map(({ name }) => name)).toEqual(["lib"]);
    expect(findNode({ directory: trees[0] ?? image, path: "lib" }, true)).toBe(image.find("lib"));
  });

  it("is mounted where it is told, beside what is there", () => {
    const tree = openTree({ nowNs });
    openFile(tree, "own");
    mountFiles(tree, "usr/share", new Map([["data/x", toBytes("x")]]));
    mountFiles(tree, "/", new Map([["y", toBytes("y")]]));
    expect([read(tree, "usr/share/data/x"), read(tree, "y")]).toEqual(["x", "y"]);
    expect(codeOf(() => mountFiles(tree, "usr/share", new Map([["data/z", toBytes("z")]])))).toBe("EEXIST");
    expect(codeOf(() => mount(tree, "own", openImage(new Map())))).toBe("ENOTDIR");
    expect(codeOf(() => unlinkFile({ directory: tree, path: "y" }))).toBe("EBUSY");
    expect(codeOf(() => removeDirectory({ directory: tree, path: "usr/share/data" }))).toBe("ENOTEMPTY");
  });
});

describe("files", () => {
  it("copies shared content before it is written to", () => {
    const bytes = toBytes("before");
    const tree = loadTree({ nowNs }, [{ path: "file", kind: "file", bytes, mtimeNs: 5n }]);
    openFile(tree, "file").write(0, toBytes("AF"));
    expect([read(tree, "file"), toText(bytes)]).toEqual(["AFfore", "before"]);
    const other = loadTree({ nowNs }, [{ path: "file", kind: "file", bytes, mtimeNs: 5n }]);
    openFile(other, "file").resize(3);
    openFile(other, "file").write(1, toBytes("X"));
    expect([read(other, "file"), toText(bytes)]).toEqual(["bXf", "before"]);
  });

  it("grows by doubling: many small writes move few bytes", () => {
    const file = openFile(openTree({ nowNs }), "file");
    const buffers = new Set<ArrayBufferLike>();
    for (let index = 0; index < 10_000; index += 1) {
      file.write(index * 10, new Uint8Array(10).fill(index));
      buffers.add(file.view(0, 1).buffer);
    }
    expect(file.size).toBe(100_000);
    expect(buffers.size).toBeLessThan(12);
  });

  it("holds to its limits", () => {
    const tree = openTree({ nowNs, maxBytes: 100, maxNames: 3 });
    const file = openFile(tree, "file");
    expect([codeOf(() => file.resize(101)), codeOf(() => file.resize(2 ** 40))]).toEqual(["ENOSPC", "EFBIG"]);
    file.resize(100);
    openFile(tree, "two");
    linkFile({ directory: tree, path: "two" }, { directory: tree, path: "three" }, false);
    expect(codeOf(() => createDirectory({ directory: tree, path: "four" }))).toBe("ENOSPC");
    rename({ directory: tree, path: "three" }, { directory: tree, path: "file" });
    expect(tree.inode.volume).toMatchObject({ usedBytes: 0, usedNames: 2 });
    unlinkFile({ directory: tree, path: "file" });
    unlinkFile({ directory: tree, path: "two" });
    expect(tree.inode.volume).toMatchObject({ usedBytes: 0, usedNames: 0 });
  });

  it("may have many names, but not endlessly many", () => {
    const tree = openTree({ nowNs, maxNames: 70_000 });
    const at = (path: string) => ({ directory: tree, path });
    openFile(tree, "file").inode.links = 65_000;
    expect(codeOf(() => linkFile(at("file"), at("more"), false))).toBe("EMLINK");
  });
});

describe("paths", () => {
  it("links lead through each other, up to a limit", () => {
    const tree = openTree({ nowNs });
    openFile(tree, "link-0").write(0, toBytes("end"));
    for (let index = 1; index <= 41; index += 1) {
      createSymbolicLink(`./link-${index - 1}`, { directory: tree, path: `link-${index}` });
    }
    expect(read(tree, "link-40")).toBe("end");
    expect(codeOf(() => read(tree, "link-41"))).toBe("ELOOP");
  });

  it("a link to a file that ends with a slash is no way to it", () => {
    const tree = openTree({ nowNs });
    openFile(tree, "file");
    createSymbolicLink("file/", { directory: tree, path: "link" });
    expect(codeOf(() => read(tree, "link"))).toBe("ENOTDIR");
    expect(readSymbolicLink({ directory: tree, path: "link" })).toBe("file/");
  });

  it("nothing above a directory is reached from it, though the tree goes on there", () => {
    const tree = openTree({ nowNs });
    openFile(tree, "secret");
    createDirectory({ directory: tree, path: "home" });
    const home = tree.find("home");
    if (!(home instanceof Directory)) throw new TypeError("no home");
    createSymbolicLink("../secret", { directory: home, path: "out" });
    expect([codeOf(() => read(home, "../secret")), codeOf(() => read(home, "out"))]).toEqual(["EPERM", "EPERM"]);
    expect(read(tree, "home/out")).toBe("");
  });
});

describe("changes", () => {
  const before: FileRecord[] = [
    { path: "kept", kind: "file", bytes: toBytes("kept"), mtimeNs: 1n },
    { path: "dir", kind: "directory", mtimeNs: 2n },
    { path: "dir/inner", kind: "file", bytes: toBytes("inner"), mtimeNs: 3n },
    { path: "link", kind: "symlink", linkTarget: "dir/inner", mtimeNs: 4n },
  ];

  /** What is told of what `run` does, in short, and applied to what was there it gives what is there. */
  function changesOf(run: (directory: Directory) => void): string[] {
    const tree = loadTree({ nowNs }, before);
    run(tree);
    const changes = takeChanges(tree).map(copy);
    expect(takeChanges(tree)).toEqual([]);
    const after = apply(before, changes);
    expect(describeTree(loadTree({ nowNs }, after))).toEqual(describeTree(tree));
    return changes.map((change) => (change.kind === "removed" ? `-${change.path}` : `+${change.path}`));
  }

  const copy = (change: FileChange): FileChange =>
    change.kind === "file" ? { ...change, bytes: change.bytes.slice() } : change;

  function apply(records: readonly FileRecord[], changes: readonly FileChange[]): FileRecord[] {
    const files = new Map(records.map((record) => [record.path, record]));
    for (const change of changes) {
      if (change.kind !== "removed") files.set(change.path, change);
      else for (const path of files.keys()) if (`${path}/`.startsWith(`${change.path}/`)) files.delete(path);
    }
    return [...files.values()];
  }

  function describeTree(root: Directory, prefix = ""): string[] {
    return root
      .list()
      .flatMap(({ name, node }) => [
        `${prefix}${name} ${node.kind} ${node instanceof File ? toText(node.view(0, node.size)) : ""}`,
        ...(node instanceof Directory ? describeTree(node, `${prefix}${name}/`) : []),
      ])
      .sort();
  }

  const at = (directory: Directory, path: string) => ({ directory, path });
  const cases: [string, (directory: Directory) => void, string[]][] = [
    ["nothing", (d) => void read(d, "link"), []],
    ["a write", (d) => openFile(d, "dir/inner").write(0, toBytes("I")), ["+dir/inner"]],
    ["a write through a link", (d) => openFile(d, "link").resize(2), ["+dir/inner"]],
    ["a new file", (d) => openFile(d, "dir/new").write(0, toBytes("new")), ["+dir/new"]],
    ["a removed file", (d) => unlinkFile(at(d, "kept")), ["-kept"]],
    ["a file that came and went", (d) => openFile(d, "x") && unlinkFile(at(d, "x")), []],
    ["times", (d) => findNode(at(d, "kept"), true).inode.setTimes({ mtimeNs: 9n }), ["+kept"]],
    ["a renamed file", (d) => rename(at(d, "kept"), at(d, "dir/kept")), ["-kept", "+dir/kept"]],
    ["a renamed directory", (d) => rename(at(d, "dir"), at(d, "moved")), ["-dir", "+moved", "+moved/inner"]],
    ["a second name", (d) => linkFile(at(d, "kept"), at(d, "second"), false), ["+second"]],
    ["a replaced file", (d) => rename(at(d, "kept"), at(d, "link")), ["-link", "-kept", "+link"]],
    [
      "a directory in the place of a file",
      (d) => {
        unlinkFile(at(d, "kept"));
        createDirectory(at(d, "kept"));
        openFile(d, "kept/x");
      },
      ["-kept", "+kept", "+kept/x"],
    ],
    [
      "a directory that was emptied, removed and made anew",
      (d) => {
        unlinkFile(at(d, "dir/inner"));
        removeDirectory(at(d, "dir"));
        createDirectory(at(d, "dir"));
      },
      ["-dir", "+dir"],
    ],
    ["a new link", (d) => createSymbolicLink("kept", at(d, "new")), ["+new"]],
  ];
  it.each(cases)("tells of %s", (_what, run, expected) => {
    expect(changesOf(run)).toEqual(expected);
  });

  it("keeps the times that were loaded", () => {
    const tree = loadTree({ nowNs }, before);
    const times = ["kept", "dir", "dir/inner"].map((path) => findNode(at(tree, path), false).inode.mtimeNs);
    expect(times).toEqual([1n, 2n, 3n]);
  });

  it("a tree that nobody asked to track tells nothing but what was written", () => {
    const tree = openTree({ nowNs });
    openFile(tree, "file");
    expect(tree.changed).toBeUndefined();
  });
});
