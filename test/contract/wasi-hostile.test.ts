/**
 * Modules that are broken, that ask for too much or that mean harm: each gets the error that is written down for it,
 * within its limits, and its neighbour on the same node goes on answering.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { checkWasm } from "../../src/build/check-wasm.ts";
import type { Instance } from "../../src/engine/engine.ts";
import type { ErrorCode } from "../../src/model/errors.ts";
import { toNebulaError } from "../../src/model/errors.ts";
import { ask, askText, bytesOf, type LogLine, noCapabilities, rejectionOf } from "../support/capabilities.ts";
import { childrenOf } from "../support/processes.ts";
import { openWasiLab, type WasmSource } from "../support/wasi-lab.ts";
import { saying, toProgram } from "../support/wasi-programs.ts";
import {
  EMPTY_BODY,
  findBoundaries,
  NO_TYPE,
  toCustom,
  toExport,
  toImport,
  toModule,
  toRawProgram,
} from "../support/wasm-bytes.ts";
import { assembleWat } from "../support/wat.ts";

const lab = await openWasiLab();
afterAll(() => lab[Symbol.asyncDispose]());
const signal = new AbortController().signal;
const MIB = 1024 * 1024;
const MEMORY_BYTES = 128 * MIB;
/** What a hostile program may take, so that its test is over soon. */
const LIMITS = { startMs: 2_000, wallMs: 700, cpuMs: 2_000 } as const;

/** For those that end by themselves, however loaded the machine is. */
const PATIENT = { startMs: 20_000, wallMs: 20_000, cpuMs: 20_000 } as const;

type Source = Omit<WasmSource, "wasm">;

function prepare(wasm: Uint8Array, { isProven, ...rest }: Source & { isProven: boolean }) {
  const deployment = lab.deploy({ wasm, ...rest, limits: { ...LIMITS, ...rest.limits } });
  return lab.engine.prepare(deployment, { signal, capabilities: noCapabilities, isProven });
}

/** As after a restart of the node: it was accepted before, and is not tried again. */
async function start(wasm: Uint8Array, rest: Source = {}): Promise<Instance> {
  const prepared = await prepare(wasm, { ...rest, isProven: true });
  onTestFinished(() => prepared[Symbol.asyncDispose]());
  const instance = await prepared.start({ signal });
  onTestFinished(() => instance[Symbol.asyncDispose]());
  return instance;
}

let neighbour: Instance;
beforeAll(async () => {
  const prepared = await prepare(saying("here"), { name: "neighbour", isProven: true, limits: { wallMs: 10_000 } });
  neighbour = await prepared.start({ signal });
});
afterEach(async () => {
  expect(await askText(neighbour)).toBe("here");
});

const repeat = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
/** A 32-bit number as LEB128, for code. */
const big = (value: number): number[] => {
  const low = value & 0x7f;
  const rest = value >> 7;
  const isDone = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return isDone ? [low] : [low | 0x80, ...big(rest)];
};
const wat = (text: string) => () => assembleWat(text);
const program = (text: Parameters<typeof toProgram>[0]) => () => toProgram(text);

/** What a deployment answers: refused, with this in the message; and what a build says of it, where it can see it. */
const REFUSED: readonly {
  name: string;
  wasm: () => Uint8Array;
  message: string;
  limits?: Source["limits"];
  isSeen?: boolean;
  buildMessage?: string;
}[] = [
  { name: "nothing", wasm: () => new Uint8Array(), message: "" },
  { name: "a header alone", wasm: () => toModule({}), message: "_start" },
  {
    name: "an import that nobody gives",
    wasm: () =>
      toRawProgram({ imports: [toImport("env", "launch_missiles", 0)], exports: [toExport("_start2", 0, 1)] }),
    message: "env",
  },
  {
    name: "ten thousand imports with long names",
    wasm: () => toRawProgram({ imports: repeat(10_000, (i) => toImport("env", `${"x".repeat(200)}${i}`, 0)) }),
    message: "env",
  },
  {
    name: "an import of preview 1 with another type",
    wasm: wat(`(module (import "wasi_snapshot_preview1" "fd_write" (func (param f64) (result f64)))
      (memory (export "memory") 1) (func (export "_start")))`),
    message: "fd_write",
  },
  {
    name: "an import of a global that preview 1 has as a function",
    wasm: wat(`(module (import "wasi_snapshot_preview1" "fd_write" (global i32))
      (memory (export "memory") 1) (func (export "_start")))`),
    message: "fd_write",
  },
  {
    name: "the name under which memories are handed in, imported by the author",
    wasm: wat(`(module (import "nebula" "memory" (memory 1)) (export "memory" (memory 0)) (func (export "_start")))`),
    message: "nebula",
  },
  {
    name: "an imported memory",
    wasm: wat(`(module (import "env" "memory" (memory 1)) (export "memory" (memory 0)) (func (export "_start")))`),
    message: "env",
  },
  {
    name: "a memory of 4 GiB",
    wasm: program({ start: "", memory: "65536" }),
    message: "bytes of memory",
    buildMessage: "4 GiB of memory",
  },
  {
    name: "a memory larger than there can be",
    wasm: () => toRawProgram({ memories: [[0, 0x81, 0x80, 0x04]] }),
    message: "memory",
  },
  {
    name: "a shared memory",
    wasm: () => toRawProgram({ memories: [[3, 1, 2]] }),
    message: "shared",
  },
  {
    name: "a memory with 64-bit addresses",
    wasm: () => toRawProgram({ memories: [[4, 1]] }),
    message: "64-bit",
  },
  {
    name: "no memory",
    wasm: () =>
      toModule({ types: [NO_TYPE], functions: [[0]], exports: [toExport("_start", 0, 0)], code: [EMPTY_BODY] }),
    message: "memory",
  },
  {
    name: "an export memory that is a function",
    wasm: () =>
      toModule({
        types: [NO_TYPE],
        functions: [[0]],
        memories: [[0, 1]],
        exports: [toExport("_start", 0, 0), toExport("memory", 0, 0)],
        code: [EMPTY_BODY],
      }),
    message: "memory",
  },
  {
    name: "two memories",
    wasm: () =>
      toRawProgram({
        memories: [
          [0, 1],
          [0, 1],
        ],
      }),
    message: "memories",
  },
  {
    name: "a _start that wants a parameter",
    wasm: wat(`(module (memory (export "memory") 1) (func (export "_start") (param i32)))`),
    message: "_start",
  },
  {
    name: "a _start that is a global",
    wasm: wat(`(module (memory (export "memory") 1) (global (export "_start") i32 (i32.const 0)))`),
    message: "_start",
  },
  {
    name: "a table of eleven million entries",
    wasm: () => toRawProgram({ tables: [[0x70, 0, ...big(11_000_000)]] }),
    message: "",
  },
  {
    name: "more functions than there may be",
    wasm: () => toRawProgram({ functions: repeat(1_100_000, () => [0]) }),
    message: "",
  },
  {
    name: "a count of four billion functions",
    wasm: () => toModule({ types: [NO_TYPE], rest: [Uint8Array.of(3, 5, 0xff, 0xff, 0xff, 0xff, 0x0f)] }),
    message: "",
  },
  {
    name: "types nested too deeply",
    wasm: () =>
      toModule({
        types: repeat(200, (i) => (i === 0 ? [0x50, 0, 0x5f, 0] : [0x50, 1, ...big(i - 1), 0x5f, 0])),
        memories: [[0, 1]],
        exports: [toExport("memory", 2, 0)],
      }),
    message: "",
  },
  {
    name: "sections out of order",
    wasm: () => Buffer.concat([saying("x"), toModule({ types: [NO_TYPE] }).subarray(8)]),
    message: "",
  },
  {
    name: "code that does not validate",
    wasm: () => toRawProgram({ code: [[0, 0x6a, 0x0b]] }),
    message: "",
  },
  {
    name: "a component of nothing",
    wasm: () => Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0),
    message: "",
  },
  {
    name: "an unknown version",
    wasm: () => Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x02, 0, 0, 0),
    message: "",
  },
  {
    name: "a start function that loops",
    wasm: program({ start: "", rest: "(func $spin (loop $again (br $again))) (start $spin)" }),
    message: "",
    limits: { startMs: 400, cpuMs: 300 },
    isSeen: false,
  },
];

describe("a hostile program is refused", () => {
  it.each(REFUSED)("$name", async ({ wasm, message, limits, isSeen = true, buildMessage = message }) => {
    const bytes = wasm();
    const refused = await rejectionOf(prepare(bytes, { isProven: false, ...(limits && { limits }) }));
    expect(refused.code).toBe("NEBULA_PREPARE_FAILED");
    expect(refused.message).toContain(message);
    expect(refused.message.length).toBeLessThan(2_000);
    // The build says so too, before anything is sent; what only running shows, it cannot know.
    const checked = checkWasm(bytes, { memoryBytes: MEMORY_BYTES });
    expect(checked.problems !== undefined).toBe(isSeen);
    if (isSeen) expect(checked.problems?.map((problem) => problem.message).join("; ")).toContain(buildMessage);
    // And it harms nobody where it was accepted by some older node.
    const failed = await rejectionOf(start(bytes, limits && { limits }).then((instance) => ask(instance)));
    expect(failed.fault).toBe("owner");
  });
});

const PRINT = "(call $print (i32.const 1) (i32.const 256) (i32.const 4))";
const HERE = `(data (i32.const 256) "fine")`;
const PREVIEW1 = (name: string, type: string) => `(import "wasi_snapshot_preview1" "${name}" (func $${name} ${type}))`;
/** A program with other imports than those of `toProgram`. */
const withImports = (imports: string, start: string, rest = "") =>
  wat(`(module ${imports} (memory (export "memory") 1) ${rest} (func (export "_start") ${start}))`);
const EXIT = PREVIEW1("proc_exit", "(param i32)");

/** What a request to a program that was accepted answers. */
const ANSWERED: readonly { name: string; wasm: () => Uint8Array; text: string }[] = [
  {
    name: "a hundred thousand functions",
    wasm: () => toRawProgram({ functions: repeat(100_000, () => [0]), code: repeat(100_001, () => EMPTY_BODY) }),
    text: "",
  },
  {
    name: "a hundred thousand exports of one function",
    wasm: () => toRawProgram({ exports: repeat(100_000, (i) => toExport(`_start${i}`, 0, 0)) }),
    text: "",
  },
  {
    name: "blocks nested fifty thousand deep",
    wasm: () => toRawProgram({ code: [[0, ...repeat(50_000, () => [2, 0x40]).flat(), ...repeat(50_001, () => 0x0b)]] }),
    text: "",
  },
  {
    name: "a custom section of 32 MB, and one with a name of one",
    wasm: () => toRawProgram({ rest: [toCustom("big", 32_000_000), toCustom("x".repeat(1_000_000), 0)] }),
    text: "",
  },
  {
    name: "exports that are named as what we hand in",
    wasm: program({
      start: PRINT,
      rest: `${HERE} (func (export "nebula")) (global (export "nebula.memory") i32 (i32.const 0))
        (func (export "__proto__")) (func (export "constructor")) (func (export "then"))`,
    }),
    text: "fine",
  },
  {
    name: "a table of ten million entries",
    wasm: program({ start: PRINT, rest: `${HERE} (table 10000000 funcref)` }),
    text: "fine",
  },
  {
    name: "an exit with 0 from its start function",
    wasm: program({ start: "(unreachable)", rest: `(func $begin (call $proc_exit (i32.const 0))) (start $begin)` }),
    text: "",
  },
  {
    name: "a memory that has grown just before the host writes to it",
    wasm: withImports(
      `${PREVIEW1("clock_time_get", "(param i32 i64 i32) (result i32)")} ${EXIT}`,
      `(drop (memory.grow (i32.const 1)))
        (call $proc_exit (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 70000)))`,
    ),
    text: "",
  },
  {
    name: "reads into a gigabyte of buffers",
    wasm: program({
      start: `(local $i i32)
        (loop $next
          (i32.store (i32.add (i32.const 1024) (i32.shl (local.get $i) (i32.const 3))) (i32.const 0))
          (i32.store (i32.add (i32.const 1028) (i32.shl (local.get $i) (i32.const 3))) (i32.const 65535))
          (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8000))))
        (drop (call $fd_read (i32.const 0) (i32.const 1024) (i32.const 8000) (i32.const 8)))
        ${PRINT}`,
      rest: HERE,
    }),
    text: "fine",
  },
];

describe("a strange program answers all the same", () => {
  it.each(ANSWERED)("$name", async ({ wasm, text }) => {
    const bytes = wasm();
    expect(checkWasm(bytes, { memoryBytes: MEMORY_BYTES }).problems).toBeUndefined();
    const prepared = await prepare(bytes, { isProven: false, limits: PATIENT });
    await prepared[Symbol.asyncDispose]();
    expect(await askText(await start(bytes, { limits: PATIENT }))).toBe(text);
  });
});

const FAILING: readonly {
  name: string;
  wasm: () => Uint8Array;
  code: ErrorCode | readonly ErrorCode[];
  message?: string;
  limits?: Source["limits"];
}[] = [
  {
    name: "a start function that loops",
    wasm: program({ start: "", rest: "(func $spin (loop $again (br $again))) (start $spin)" }),
    code: "NEBULA_WALL_LIMIT",
  },
  {
    name: "a start function that traps",
    wasm: program({ start: "", rest: "(func $fall (unreachable)) (start $fall)" }),
    code: "NEBULA_GUEST_TRAPPED",
    message: "unreachable",
  },
  {
    name: "an exit from its start function",
    wasm: program({ start: "", rest: "(func $leave (call $proc_exit (i32.const 5))) (start $leave)" }),
    code: "NEBULA_EXIT_CODE",
    message: "exit code 5",
  },
  {
    name: "data that begins behind its memory",
    wasm: program({ start: "", rest: `(data (i32.const -65536) "far")` }),
    code: "NEBULA_GUEST_TRAPPED",
    message: "out of bounds",
  },
  {
    name: "elements that end behind their table",
    wasm: program({ start: "", rest: "(table 1 funcref) (func $f) (elem (i32.const 1) $f)" }),
    code: "NEBULA_GUEST_TRAPPED",
    message: "out of bounds",
  },
  {
    name: "a memory that grows without end",
    wasm: program({ start: "(loop $more (drop (memory.grow (i32.const 1))) (br $more))" }),
    code: ["NEBULA_WALL_LIMIT", "NEBULA_CPU_LIMIT", "NEBULA_MEMORY_LIMIT"],
    limits: { memoryBytes: 16 * MIB },
  },
  {
    name: "a table that grows without end",
    wasm: program({
      start: "(loop $more (drop (table.grow $t (ref.null func) (i32.const 100000))) (br $more))",
      rest: "(table $t 0 funcref)",
    }),
    code: ["NEBULA_WALL_LIMIT", "NEBULA_CPU_LIMIT", "NEBULA_MEMORY_LIMIT"],
  },
  {
    name: "garbage-collected objects without end",
    wasm: wat(`(module (rec (type $list (struct (field (ref null $list)) (field (ref null $block)))) (type $block (array (mut i64)))) (memory (export "memory") 1)
      (func (export "_start") (local $all (ref null $list))
        (loop $more
          (local.set $all (struct.new $list (local.get $all) (array.new_default $block (i32.const 100000))))
          (br $more))))`),
    code: ["NEBULA_GUEST_EXITED", "NEBULA_MEMORY_LIMIT", "NEBULA_WALL_LIMIT", "NEBULA_GUEST_TRAPPED"],
  },
  {
    name: "recursion without end",
    wasm: program({
      start: "(drop (call $down (i64.const 1)))",
      rest: `(func $down (param i64) (result i64)
        (i64.add (i64.const 1) (call $down (i64.add (local.get 0) (i64.const 1)))))`,
    }),
    code: "NEBULA_GUEST_TRAPPED",
    message: "stack overflow",
  },
  {
    name: "recursion without end that calls the host at every step",
    wasm: program({
      start: "(call $down)",
      rest: `(func $down (call $print (i32.const 2) (i32.const 256) (i32.const 1)) (call $down) (drop (i32.load (i32.const 0))))`,
    }),
    code: "NEBULA_GUEST_TRAPPED",
    message: "stack overflow",
  },
  {
    name: "an exception that nobody catches",
    wasm: wat(`(module (tag $oops) (memory (export "memory") 1) (func (export "_start") (throw $oops)))`),
    code: "NEBULA_GUEST_TRAPPED",
  },
  {
    name: "a buffer outside of its memory",
    wasm: program({
      start: `(i32.store (i32.const 0) (i32.const -16)) (i32.store (i32.const 4) (i32.const 64))
        (call $proc_exit (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))`,
    }),
    code: "NEBULA_EXIT_CODE",
    message: "exit code 21",
  },
  {
    name: "four billion buffers",
    wasm: program({
      start: "(call $proc_exit (call $fd_write (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 8)))",
    }),
    code: "NEBULA_EXIT_CODE",
  },
  {
    name: "four billion subscriptions",
    wasm: program({
      start: "(call $proc_exit (call $poll_oneoff (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 8)))",
    }),
    code: "NEBULA_EXIT_CODE",
  },
  {
    name: "four billion random bytes",
    wasm: withImports(
      `${EXIT} ${PREVIEW1("random_get", "(param i32 i32) (result i32)")}`,
      "(call $proc_exit (call $random_get (i32.const 0) (i32.const -1)))",
    ),
    code: "NEBULA_EXIT_CODE",
  },
  {
    name: "an exit with the largest number there is",
    wasm: program({ start: "(call $proc_exit (i32.const -1))" }),
    code: "NEBULA_EXIT_CODE",
  },
  {
    name: "sleep for all eternity",
    wasm: program({ start: "(call $sleep (i64.const 9000000000000))" }),
    code: "NEBULA_WALL_LIMIT",
  },
  {
    name: "signals to itself",
    wasm: withImports(
      PREVIEW1("proc_raise", "(param i32) (result i32)"),
      "(drop (call $proc_raise (i32.const 9))) (unreachable)",
    ),
    code: ["NEBULA_EXIT_CODE", "NEBULA_GUEST_TRAPPED"],
  },
  {
    name: "standard error without end",
    wasm: program({ start: "(loop $more (call $print (i32.const 2) (i32.const 256) (i32.const 60000)) (br $more))" }),
    code: ["NEBULA_WALL_LIMIT", "NEBULA_CPU_LIMIT"],
  },
  {
    name: "files without end",
    wasm: withImports(
      `${EXIT} ${PREVIEW1("path_open", "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)")}
       ${PREVIEW1("fd_close", "(param i32) (result i32)")}`,
      `(local $i i32) (local $errno i32)
        (loop $more
          (i32.store (i32.const 64) (i32.or (i32.const 0x41414141) (local.get $i)))
          (i32.store8 (i32.const 64) (i32.add (i32.const 64) (i32.and (local.get $i) (i32.const 31))))
          (i32.store8 (i32.const 65) (i32.add (i32.const 64) (i32.and (i32.shr_u (local.get $i) (i32.const 5)) (i32.const 31))))
          (i32.store8 (i32.const 66) (i32.add (i32.const 64) (i32.and (i32.shr_u (local.get $i) (i32.const 10)) (i32.const 31))))
          (i32.store8 (i32.const 67) (i32.add (i32.const 64) (i32.and (i32.shr_u (local.get $i) (i32.const 15)) (i32.const 31))))
          (local.set $errno (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 4)
            (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 8)))
          (if (local.get $errno) (then (call $proc_exit (local.get $errno))))
          (drop (call $fd_close (i32.load (i32.const 8))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $more))`,
    ),
    code: "NEBULA_EXIT_CODE",
    message: "exit code 51",
  },
  {
    name: "descriptors without end",
    wasm: withImports(
      `${EXIT} ${PREVIEW1("path_open", "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)")}`,
      `(local $errno i32)
        (i32.store8 (i32.const 64) (i32.const 65))
        (loop $more
          (local.set $errno (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1)
            (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 8)))
          (br_if $more (i32.eqz (local.get $errno))))
        (call $proc_exit (local.get $errno))`,
    ),
    code: "NEBULA_EXIT_CODE",
    message: "exit code 33",
  },
  {
    name: "a file without end",
    wasm: withImports(
      `${EXIT} ${PREVIEW1("path_open", "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)")}
       ${PREVIEW1("fd_write", "(param i32 i32 i32 i32) (result i32)")}`,
      `(local $errno i32)
        (i32.store8 (i32.const 64) (i32.const 65))
        (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1)
            (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 8)))
        (i32.store (i32.const 0) (i32.const 128))
        (i32.store (i32.const 4) (i32.const 65000))
        (loop $more
          (local.set $errno (call $fd_write (i32.load (i32.const 8)) (i32.const 0) (i32.const 1) (i32.const 16)))
          (br_if $more (i32.eqz (local.get $errno))))
        (call $proc_exit (local.get $errno))`,
    ),
    code: "NEBULA_EXIT_CODE",
    message: "exit code 51",
  },
];

describe("a hostile program fails as it should", () => {
  it.each(FAILING)("$name", async ({ wasm, code, message = "", limits }) => {
    const codes = typeof code === "string" ? [code] : code;
    const patience = codes.some((each) => each.endsWith("_LIMIT")) ? {} : PATIENT;
    const error = await rejectionOf(
      start(wasm(), { limits: { ...patience, ...limits } }).then(
        async (instance) => await bytesOf((await ask(instance)).body),
      ),
    );
    expect(codes).toContain(error.code);
    expect(error.message).toContain(message);
  });
});

describe("a flood", () => {
  const flood = toProgram({
    start: "(loop $more (call $print (i32.const 1) (i32.const 0) (i32.const 65000)) (br $more))",
  });

  it("of output ends with its limit, and is not kept in memory", async () => {
    const before = process.memoryUsage().rss;
    const { body } = await ask(await start(flood, { limits: { ...PATIENT, responseBodyBytes: 100 * MIB } }));
    let bytes = 0;
    const reading = (async () => {
      if (!(body instanceof ReadableStream)) throw new Error("the body is no stream");
      for await (const chunk of body) bytes += chunk.byteLength;
    })();
    expect((await rejectionOf(reading)).code).toBe("NEBULA_RESPONSE_TOO_LARGE");
    expect(bytes).toBeGreaterThan(50 * MIB);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * MIB);
  });

  it("of output that nobody reads is held up", async () => {
    const before = process.memoryUsage().rss;
    const { body } = await ask(await start(flood));
    if (!(body instanceof ReadableStream)) throw new Error("the body is no stream");
    expect(await askText(neighbour)).toBe("here");
    await body.cancel();
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * MIB);
  });

  it("of standard error is cut off in the log", async () => {
    const lines: LogLine[] = [];
    const instance = await start(
      toProgram({
        start: `(local $i i32) (loop $more
          (call $print (i32.const 2) (i32.const 256) (i32.const 2))
          (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 200000))))`,
        rest: `(data (i32.const 256) "x\\n")`,
      }),
      { limits: { ...PATIENT, logBytes: 1_000 } },
    );
    await askText(instance, { onLog: (level, text) => lines.push({ level, text }) });
    expect(lines.length).toBeLessThan(1_100);
    expect(lines.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThan(2_000);
  });
});

describe("a program that sleeps", () => {
  const memoryOf = (pid: number) =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  const heldMiB = () => childrenOf().reduce((sum, pid) => sum + memoryOf(pid), 0) / 1024;

  it("is over when nobody waits for it, and holds no memory", async () => {
    const touch = `(local $i i32) (loop $next (i32.store8 (local.get $i) (i32.const 1))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4096))) (i32.const 16777216))))`;
    const wasm = toProgram({ memory: "256", start: `${touch} (call $sleep (i64.const 100000000))` });
    const sleeper = await start(wasm, { limits: { wallMs: 300 } });
    const round = async () => {
      const failures = await Promise.all(Array.from({ length: 12 }, () => rejectionOf(ask(sleeper))));
      expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(["NEBULA_WALL_LIMIT"]));
    };
    await round();
    const before = heldMiB();
    for (let i = 0; i < 3; i++) await round();
    // All of them together would hold 576 MiB.
    expect(heldMiB() - before).toBeLessThan(300);
  });
});

describe("a program that is cut off", () => {
  const whole = readFileSync(join(import.meta.dirname, "../../functions/hello-rust/hello-rust.wasm"));
  const boundaries = findBoundaries(whole).slice(0, -1);
  const cuts = boundaries.flatMap((at) => [at, at + 1, at + 3]);

  it(`at any of ${cuts.length} places is refused, or is a whole program`, async () => {
    for (const at of cuts) {
      const cut = whole.subarray(0, at);
      const isValid = WebAssembly.validate(cut);
      const failed = await start(cut).then(
        async (instance) => await ask(instance).then(() => undefined, toNebulaError),
        toNebulaError,
      );
      if (!isValid) expect([at, failed?.code]).toEqual([at, "NEBULA_START_FAILED"]);
      else expect([at, failed?.fault]).toEqual([at, failed === undefined ? undefined : "owner"]);
    }
  });
});
