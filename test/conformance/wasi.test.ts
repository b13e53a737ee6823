import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { echo, loop, saying, toProgram } from "../support/wasi-programs.ts";
import { assembleWat } from "../support/wat.ts";

interface Told {
  readonly code: number;
  readonly lines: readonly string[];
}

const RUNNER = join(import.meta.dirname, "wasi.ts");

function run(...args: string[]): Promise<Told> {
  return new Promise((resolve) => {
    const env = { ...process.env, NEBULA_TEST_MS: "5000" };
    const child = execFile(process.execPath, [RUNNER, ...args], { env }, (_error, stdout) => {
      resolve({ code: child.exitCode ?? -1, lines: stdout.trimEnd().split("\n") });
    });
  });
}

/** Says whether it may open the file "there" in its first directory. */
const opener = assembleWat(`(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (data (i32.const 64) "there")
  (func (export "_start")
    (call $exit (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 5) (i32.const 0)
      (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0)))))`);

const threaded = assembleWat(`(module
  (import "wasi" "thread-spawn" (func (param i32) (result i32)))
  (memory (export "memory") 1) (func (export "_start")))`);

/** A component that answers with the body in capitals. */
const capitals = readFileSync(join(import.meta.dirname, "../../functions/stream-component/stream-component.wasm"));
const serving = (body: string, response: unknown) => ({
  proposals: ["http"],
  world: "wasi:http/proxy",
  operations: [
    { type: "run" },
    { type: "request", method: "POST", path: "/", body, response },
    { type: "kill", signal: "SIGINT" },
    { type: "wait" },
  ],
});

const exits = toProgram({ start: "(call $proc_exit (i32.const 7))" });

const TESTS: Readonly<Record<string, readonly [Uint8Array, unknown?]>> = {
  "good/bare": [toProgram({ start: "" })],
  "good/says": [saying("hello"), { stdout: "hello" }],
  "good/exits": [exits, { exit_code: 7 }],
  "good/echoes": [echo, { stdin: "in", stdout: "in" }],
  "good/talks": [
    echo,
    {
      operations: [
        { type: "run" },
        { type: "write", id: "stdin", payload: "one" },
        { type: "read", id: "stdout", payload: "one" },
        { type: "write", id: "stdin", payload: "two" },
        { type: "read", id: "stdout", payload: "two" },
        { type: "wait", exit_code: 0 },
      ],
    },
  ],
  "good/finds": [opener, { dirs: ["tree.dir"] }],
  "good/finds-root": [opener, { root: "tree.dir" }],
  "good/serves": [
    capitals,
    serving("nebula", { status: 200, headers: { "content-type": "text/plain; charset=utf-8" }, body: "NEBULA" }),
  ],
  "good/threads": [threaded],
  "good/sockets": [exits, { proposals: ["sockets"], operations: [{ type: "run" }, { type: "wait" }] }],
  "bad/says": [saying("hello"), { stdout: "hell" }],
  "bad/exits": [exits],
  "bad/traps": [toProgram({ start: "(unreachable)" })],
  "bad/hangs": [loop],
  "bad/field": [exits, { exit_coda: 7 }],
  "bad/operation": [exits, { operations: [{ type: "run" }, { type: "dance" }] }],
  "bad/finds": [opener],
  "bad/serves": [capitals, serving("nebula", { status: 404 })],
  "bad/broken": [saying("hello").subarray(0, 50)],
};

describe("the runner of WASI tests", () => {
  let folder = "";
  let told: Record<string, Told> = {};
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nebula-conformance-"));
    await mkdir(join(folder, "good/tree.dir"), { recursive: true });
    await mkdir(join(folder, "bad"));
    await mkdir(join(folder, "none"));
    await writeFile(join(folder, "good/tree.dir/there"), "");
    await writeFile(join(folder, "bad/manifest.json"), JSON.stringify({ name: "The bad ones" }));
    for (const [name, [wasm, json]] of Object.entries(TESTS)) {
      await writeFile(join(folder, `${name}.wasm`), wasm);
      if (json !== undefined) await writeFile(join(folder, `${name}.json`), JSON.stringify(json));
    }
    const [all, good, none] = await Promise.all([run(folder), run(join(folder, "good")), run(join(folder, "none"))]);
    told = { all, good, none };
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("ends with 0 when nothing fails", () => {
    expect(told.good?.lines.at(-1)).toBe("8 passed, 0 failed, 2 skipped");
    expect(told.good?.code).toBe(0);
  });

  it("counts by folder, by the name that the folder gives itself", () => {
    expect(told.all?.lines).toContain("good: 8 passed, 0 failed, 2 skipped");
    expect(told.all?.lines).toContain("The bad ones: 0 passed, 9 failed, 0 skipped");
    expect(told.all?.lines.at(-1)).toBe("8 passed, 9 failed, 2 skipped");
  });

  it("ends with 1 when something fails, and when there is nothing", () => {
    expect(told.all?.code).toBe(1);
    expect(told.none?.code).toBe(1);
  });

  it.each([
    { name: "bad/says", why: 'stdout: expected "hell", got "hello"' },
    { name: "bad/exits", why: "exit code: expected 0, got 7" },
    { name: "bad/traps", why: "unreachable" },
    { name: "bad/hangs", why: "it was not done after 5000 ms" },
    { name: "bad/field", why: "exit code: expected 0, got 7" },
    { name: "bad/operation", why: "its description: unknown operation: dance" },
    { name: "bad/finds", why: "exit code: expected 0, got 8" },
    { name: "bad/serves", why: "POST /: expected status 404, got 200" },
    { name: "bad/broken", why: "exit code: expected 0, got 134" },
  ])("says why $name fails", ({ name, why }) => {
    const line = told.all?.lines.find((each) => each.startsWith(`FAILED ${name}: `));
    expect(line).toContain(why);
  });

  it("says which fields it does not know", () => {
    expect(told.all?.lines).toContain("note bad/field: unknown fields exit_coda");
  });

  it("says what it skips, and why", () => {
    expect(told.all?.lines).toContain("skipped good/threads: it needs threads");
    expect(told.all?.lines).toContain("skipped good/sockets: it needs sockets");
    expect(told.all?.lines).toContain("skipped 1: it needs threads");
  });
});
