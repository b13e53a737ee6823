import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readBlobSource } from "../../../src/build/blob-source.ts";
import { toWasmArtifact } from "../../../src/build/wasm-artifact.ts";
import { concatBytes, toSection, toU32 } from "../../../src/wasm/writer.ts";
import { assembleWat } from "../../support/wat.ts";
import { rejectionOf } from "./support.ts";
import { buildWasm, COMMAND, noTools, wasmOf } from "./wasm-support.ts";

const run = { findTool: noTools };

describe("a program", () => {
  test("becomes an artifact of standard bytes", async () => {
    const built = await buildWasm({ "main.wasm": COMMAND }, { run });
    const artifact = wasmOf(built);
    expect(artifact).toMatchObject({ kind: "wasi-p1", main: { bytes: COMMAND.byteLength }, files: {}, savings: [] });
    expect([...built.blobs.keys()]).toEqual([artifact.main.digest]);
    expect(built.steps.map(({ step }) => step)).toEqual(["module", "snapshot", "optimise"]);
    expect(built.inputs).toContain(join(built.dir, "main.wasm"));
    expect(built.warnings).toEqual([]);
  });

  test("may be made by the build command", async () => {
    const build = { command: "cp source.wasm main.wasm" };
    const built = await buildWasm({ "source.wasm": COMMAND }, { build, run });
    expect(wasmOf(built).main.bytes).toBe(COMMAND.byteLength);
  });

  test("takes the files along that it names, each under its path", async () => {
    const files = { "main.wasm": COMMAND, "data/a.txt": "a", "data/b/c.txt": "c", "words.txt": "w" };
    const mounts = { "/data": "data", "/etc/words": "words.txt" };
    const built = await buildWasm(files, { mounts, run });
    const artifact = wasmOf(built);
    expect(Object.keys(artifact.files)).toEqual(["/data/a.txt", "/data/b/c.txt", "/etc/words"]);
    expect(built.notes.files).toBe("3 files, 3 B");
    const digest = artifact.files["/data/b/c.txt"]?.digest;
    const source = digest && built.blobs.get(digest);
    expect(source && Buffer.from(await readBlobSource(source)).toString()).toBe("c");
    expect(built.inputs).toContain(join(built.dir, "data"));
  });

  test("is named the same whatever the order of its files", () => {
    const file = {
      digest: `sha256:${"a".repeat(64)}` as const,
      bytes: 1,
      source: { from: "file", path: "", bytes: 1 },
    } as const;
    const program = { kind: "wasi-p1", bytes: COMMAND, savings: [] } as const;
    const one = toWasmArtifact(
      program,
      new Map([
        ["/b", file],
        ["/a", file],
      ]),
    );
    const other = toWasmArtifact(
      program,
      new Map([
        ["/a", file],
        ["/b", file],
      ]),
    );
    expect(JSON.stringify(one.artifact)).toBe(JSON.stringify(other.artifact));
  });

  test("may have 100 000 functions", async () => {
    const count = 100_000;
    const body = Uint8Array.of(0x02, 0x00, 0x0b);
    const many = concatBytes([
      COMMAND.subarray(0, 8),
      toSection(1, Uint8Array.of(1, 0x60, 0, 0)),
      toSection(3, concatBytes([toU32(count), new Uint8Array(count)])),
      toSection(5, Uint8Array.of(1, 0, 1)),
      toSection(7, Uint8Array.from([2, 6, ...Buffer.from("memory"), 2, 0, 6, ...Buffer.from("_start"), 0, 0])),
      toSection(10, concatBytes([toU32(count), ...Array.from({ length: count }, () => body)])),
    ]);
    expect(wasmOf(await buildWasm({ "main.wasm": many }, { run })).main.bytes).toBe(many.byteLength);
  });
});

/** A function of blocks inside each other. */
function nest(depth: number): Uint8Array {
  const body = concatBytes([
    Uint8Array.of(0),
    Uint8Array.from({ length: depth * 2 }, (_, at) => (at % 2 === 0 ? 0x02 : 0x40)),
    new Uint8Array(depth + 1).fill(0x0b),
  ]);
  return concatBytes([
    COMMAND.subarray(0, 8),
    toSection(1, Uint8Array.of(1, 0x60, 0, 0)),
    toSection(3, Uint8Array.of(1, 0)),
    toSection(5, Uint8Array.of(1, 0, 1)),
    toSection(7, Uint8Array.from([2, 6, ...Buffer.from("memory"), 2, 0, 6, ...Buffer.from("_start"), 0, 0])),
    toSection(10, concatBytes([toU32(1), toU32(body.byteLength), body])),
  ]);
}

test("a program may nest as deep as V8 lets it", async () => {
  expect(wasmOf(await buildWasm({ "main.wasm": nest(100_000) }, { run })).kind).toBe("wasi-p1");
});

const MEMORY = `(memory (export "memory") 1)`;
const badCode = nest(3).slice();
badCode[badCode.length - 2] = 0x1a;

describe("a file that is no program", () => {
  test.each([
    ["an empty file", new Uint8Array(), /: it is empty$/],
    ["a text", "hello", /: it is not a WebAssembly file$/],
    ["WebAssembly as text", "(module)", /: it is WebAssembly as text$/],
    ["a cut header", COMMAND.slice(0, 6), /: it ends within its header/],
    ["a cut module", COMMAND.slice(0, -5), /: it is no valid WebAssembly: it ends too early \(at byte \d+\)$/],
    [
      "a cut component",
      Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 1, 9),
      /no valid WebAssembly: it ends too early/,
    ],
    ["code that V8 refuses", badCode, /: V8 does not take its code: .*#0/],
    [
      "unknown imports",
      assembleWat(`(module (import "env" "now" (func)) ${MEMORY} (func (export "_start")))`),
      /env\.now/,
    ],
    [
      "a wrong type",
      assembleWat(`(module (import "wasi_snapshot_preview1" "fd_close" (func)) ${MEMORY} (func (export "_start")))`),
      /fd_close as \(\) → \(\), which is \(i32\) → i32$/,
    ],
    ["no entry", assembleWat(`(module ${MEMORY})`), /it exports neither "_start" nor "handle"/],
    [
      "4 GB of memory",
      assembleWat(`(module (memory (export "memory") 65536) (func (export "_start")))`),
      /it asks for 4 GiB of memory to begin with, and may have 128 MiB$/,
    ],
    ["an empty component", Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0), /exports neither wasi:http/],
  ])("fails in step module: %s", async (_name, content, message) => {
    const error = await rejectionOf(buildWasm({ "main.wasm": content }, { run }));
    expect(error).toMatchObject({ code: "NEBULA_BUILD_FAILED", details: { step: "module" } });
    expect(error.message).toMatch(/^Cannot use "main\.wasm": /);
    expect(error.message).toMatch(message);
    expect(error.diagnostics.length).toBeGreaterThan(0);
  });

  test("has all its problems told at once", async () => {
    const wat = `(module (import "env" "now" (func)) (memory (export "memory") 65536))`;
    const error = await rejectionOf(buildWasm({ "main.wasm": assembleWat(wat) }, { run }));
    expect(error.diagnostics).toHaveLength(3);
    expect(error.message).toMatch(/\(and 2 more\)$/);
    expect(error.hint).toBeDefined();
  });

  test.each([
    ["is not there", {}, /there is no such file$/],
    ["is a folder", { "main.wasm/a": "" }, /it is not a file$/],
  ])("fails in step module when it %s", async (_name, files, message) => {
    const error = await rejectionOf(buildWasm(files, { run }));
    expect(error.details).toMatchObject({ step: "module" });
    expect(error.message).toMatch(message);
  });
});

describe("files that cannot go along", () => {
  test.each([
    ["are gone", { "/data": "gone" }, 'Cannot take "gone" along: there is no such file or folder'],
    [
      "meet",
      { "/data": "data", "/data/a.txt": "b.txt" },
      'Cannot take "b.txt" along: another file is "/data/a.txt" already',
    ],
  ])("fail in step files when they %s", async (_name, mounts, message) => {
    const files = { "main.wasm": COMMAND, "data/a.txt": "a", "b.txt": "b" };
    const error = await rejectionOf(buildWasm(files, { mounts, run }));
    expect(error).toMatchObject({ code: "NEBULA_BUILD_FAILED", message, details: { step: "files" } });
  });
});

test("the compiled functions of this repository pass as they are", async () => {
  for (const name of ["hello-rust", "fibonacci", "checksum"]) {
    const bytes = await readFile(new URL(`../../../functions/${name}/${name}.wasm`, import.meta.url));
    const artifact = wasmOf(await buildWasm({ "main.wasm": bytes }, { run }));
    expect(artifact).toMatchObject({ kind: "wasi-p1", main: { bytes: bytes.byteLength } });
  }
});

test("a component for a newer WASI is told from a damaged one", async () => {
  // A type section with the type of a stream.
  const content = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 7, 3, 1, 0x66, 0);
  const error = await rejectionOf(buildWasm({ "main.wasm": content }, { run }));
  expect(error.message).toMatch(/^Cannot use "main\.wasm": it needs more than WASI 0\.2: streams are not supported/);
});
