import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openWatcher, type Watcher } from "../../../src/cli/watch.ts";
import { createFolder, type Folder } from "./support.ts";

let folder: Folder;
let watcher: Watcher;
const seen = new Set<string>();
let wake = () => {};

beforeEach(async () => {
  folder = await createFolder({
    "src/a.ts": "1",
    "src/other.ts": "1",
    "public/deep/x.txt": "1",
    "node_modules/m/i.js": "1",
    "state/db": "1",
  });
  seen.clear();
  watcher = await openWatcher({
    onChange: (paths) => {
      for (const path of paths) seen.add(path.slice(folder.dir.length + 1));
      wake();
    },
    onProblem: (_, problem) => expect.unreachable(String(problem)),
    ignored: [join(folder.dir, "state")],
  });
});

afterEach(async () => {
  await watcher[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Waits for the path to be told of; the test's own limit is the bound. */
async function untilSeen(path: string): Promise<void> {
  while (!seen.has(path)) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

const at = (...names: readonly string[]) => names.map((name) => join(folder.dir, name));

describe("watch()", () => {
  test("tells of a file that is written, and of one that another takes the place of", async () => {
    await watcher.watch({ paths: at("src/a.ts"), folders: [] });
    await folder.write("src/a.ts", "22");
    await untilSeen("src/a.ts");
    for (const content of ["333", "4444"]) {
      seen.clear();
      await folder.write("src/a.ts.tmp", content);
      await rename(join(folder.dir, "src/a.ts.tmp"), join(folder.dir, "src/a.ts"));
      await untilSeen("src/a.ts");
    }
  });

  test("tells of a file that was missing, that goes and that comes back", async () => {
    await watcher.watch({ paths: at("src/new.ts"), folders: [] });
    await folder.write("src/new.ts", "1");
    await untilSeen("src/new.ts");
    seen.clear();
    await rm(join(folder.dir, "src/new.ts"));
    await untilSeen("src/new.ts");
    seen.clear();
    await folder.write("src/new.ts", "2");
    await untilSeen("src/new.ts");
  });

  test("sees everything below a folder, also what is new", async () => {
    await watcher.watch({ paths: at("public"), folders: [] });
    await folder.write("public/deep/x.txt", "22");
    await untilSeen("public/deep/x.txt");
    await folder.write("public/new/y.txt", "1");
    await untilSeen("public/new/y.txt");
  });

  test("looks into folders as deep as told, and not into those that are ignored", async () => {
    await watcher.watch({ paths: [], folders: [{ path: folder.dir, depth: 1 }] });
    await folder.write("node_modules/m/i.js", "22");
    await folder.write("node_modules/z", "1");
    await folder.write("state/db", "22");
    await folder.write("public/deep/x.txt", "22");
    await folder.write("src/a.ts", "22");
    await mkdir(join(folder.dir, "src/folder"));
    await untilSeen("src/a.ts");
    await untilSeen("src/folder");
    expect([...seen].sort()).toEqual(["src/a.ts", "src/folder"]);
  });

  test("watches nothing but what it was told last", async () => {
    await watcher.watch({ paths: at("src/a.ts"), folders: [] });
    await watcher.watch({ paths: at("public"), folders: [] });
    await folder.write("src/a.ts", "22");
    await folder.write("public/deep/x.txt", "22");
    await untilSeen("public/deep/x.txt");
    expect([...seen]).not.toContain("src/a.ts");
  });
});
