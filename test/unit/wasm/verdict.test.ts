import { describe, expect, test } from "vitest";
import { MIB } from "../../../src/model/units.ts";
import { decodeModule } from "../../../src/wasm/module.ts";
import { findPreview1Type } from "../../../src/wasm/preview1.ts";
import { judgeModule } from "../../../src/wasm/verdict.ts";
import { assembleWat } from "../../support/wat.ts";

const judge = (wat: string) => judgeModule(decodeModule(assembleWat(wat)), { memoryBytes: 128 * MIB });
const MEMORY = `(memory (export "memory") 1)`;
const START = `(func (export "_start"))`;

describe("a module that runs", () => {
  test.each([
    ["a command", `(module ${MEMORY} ${START})`, { runsAs: "command", problems: [] }],
    [
      "a reactor",
      `(module ${MEMORY} (func (export "_initialize")) (func (export "handle") (result i32) (i32.const 0)))`,
      { runsAs: "reactor", problems: [] },
    ],
    [
      "a command with a hook for snapshots",
      `(module ${MEMORY} ${START} (func (export "wizer.initialize")))`,
      { runsAs: "command", snapshotHook: "wizer.initialize", problems: [] },
    ],
    [
      "a program of the first edition of WASI",
      `(module (import "wasi_unstable" "fd_write" (func (param i32 i32 i32 i32) (result i32))) ${MEMORY} ${START})`,
      { runsAs: "command", problems: [] },
    ],
  ])("is %s", (_name, wat, verdict) => {
    expect(judge(wat)).toEqual(verdict);
  });
});

describe("a module that does not run", () => {
  test.each([
    ["unknown functions", `(module (import "env" "now" (func)) ${MEMORY} ${START})`, /env\.now \(function\)$/],
    ["what is no function", `(module (import "env" "memory" (memory 1)) ${START})`, /env\.memory \(memory\)/],
    [
      "a wrong type",
      `(module (import "wasi_snapshot_preview1" "fd_close" (func (param i64))) ${MEMORY} ${START})`,
      /fd_close as \(i64\) → \(\), which is \(i32\) → i32/,
    ],
    ["no entry", `(module ${MEMORY} (func (export "main")))`, /neither "_start" nor "handle": its exports are main/],
    ["no export at all", `(module)`, /it has no memory/],
    ["an entry with parameters", `(module ${MEMORY} (func (export "_start") (param i32)))`, /is \(i32\) → \(\)/],
    ["an entry that is no function", `(module ${MEMORY} (global (export "_start") i32 (i32.const 1)))`, /a global/],
    ["a shared memory", `(module (memory (export "memory") 1 2 shared) ${START})`, /shared between threads/],
    ["a 64-bit memory", `(module (memory (export "memory") i64 1) ${START})`, /64-bit/],
    ["two memories", `(module ${MEMORY} (memory 1) ${START})`, /2 memories/],
    ["a memory that is not exported", `(module (memory 1) ${START})`, /no memory under the name "memory"/],
    ["4 GB of memory", `(module (memory (export "memory") 65536) ${START})`, /4 GiB .* may have 128 MiB/],
  ])("for %s says why", (_name, wat, message) => {
    expect(judge(wat).problems.map((problem) => problem.message)).toContainEqual(expect.stringMatching(message));
  });

  test("has all its unknown imports named, up to a point", () => {
    const imports = Array.from({ length: 20 }, (_, n) => `(import "env" "f${n}" (func))`).join("");
    const [problem] = judge(`(module ${imports} ${MEMORY} ${START})`).problems;
    expect(problem?.message).toMatch(/env\.f0 \(function\), .*env\.f7 \(function\) and 12 more$/);
    expect(problem?.hint).toMatch(/STANDALONE_WASM/);
  });
});

test("preview 1 has 46 functions, each with its type", () => {
  expect(findPreview1Type("path_open")).toEqual({
    params: ["i32", "i32", "i32", "i32", "i32", "i64", "i64", "i32", "i32"],
    results: ["i32"],
  });
  expect(findPreview1Type("proc_exit")).toEqual({ params: ["i32"], results: [] });
  expect(findPreview1Type("constructor")).toBeUndefined();
});
