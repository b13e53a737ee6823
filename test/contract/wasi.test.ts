import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import type { Instance } from "../../src/engine/engine.ts";
import { findHeader } from "../../src/model/exchange.ts";
import {
  type AskOptions,
  ask,
  askText,
  bytesOf,
  createFeed,
  type LogLine,
  noCapabilities,
  rejectionOf,
  until,
} from "../support/capabilities.ts";
import { childrenOf, isAlive } from "../support/processes.ts";
import { openWasiLab, type WasmSource } from "../support/wasi-lab.ts";
import { echo, loop, saying, toProgram } from "../support/wasi-programs.ts";

const lab = await openWasiLab();
afterAll(() => lab[Symbol.asyncDispose]());
const signal = new AbortController().signal;
const MIB = 1024 * 1024;

async function start(
  wasm: Uint8Array,
  rest: Omit<WasmSource, "wasm"> & { isProven?: boolean } = {},
): Promise<Instance> {
  const { isProven = true, ...source } = rest;
  const prepared = await lab.engine.prepare(lab.deploy({ wasm, ...source }), {
    signal,
    capabilities: noCapabilities,
    isProven,
  });
  onTestFinished(() => prepared[Symbol.asyncDispose]());
  const instance = await prepared.start({ signal });
  onTestFinished(() => instance[Symbol.asyncDispose]());
  return instance;
}

/** A program that answers with an exit code, a trap, or too late. */
const failing = (body: string, rest: Omit<WasmSource, "wasm"> = {}) => start(toProgram({ start: body }), rest);

describe("wasi: a command", () => {
  it("answers with its standard output", async () => {
    const { head, body } = await ask(await start(saying("hello")));
    expect(head.status).toBe(200);
    expect(findHeader(head.headers, "content-type")).toBe("text/plain; charset=utf-8");
    expect((await bytesOf(body)).toString()).toBe("hello");
  });

  it("says how long its instance took to make", async () => {
    const { phases } = await ask(await start(saying("hello")));
    expect(phases?.startMs).toBeGreaterThan(0);
    expect(phases?.queueMs).toBeGreaterThanOrEqual(0);
  });

  const ECHOED: readonly { name: string; options: AskOptions; text: string }[] = [
    { name: "the body", options: { method: "POST", body: "from the body" }, text: "from the body" },
    { name: "the query parameter input", options: { path: "/?input=from+the%20query" }, text: "from the query" },
    { name: "the body, where there are both", options: { method: "POST", path: "/?input=x", body: "y" }, text: "y" },
    { name: "nothing, where there is neither", options: {}, text: "" },
  ];
  it.each(ECHOED)("reads $name from its standard input", async ({ options, text }) => {
    expect(await askText(await start(echo), options)).toBe(text);
  });

  it("reads a body while it comes, and its output goes out while it runs", async () => {
    const instance = await start(echo);
    const feed = createFeed();
    const answering = ask(instance, { method: "POST", body: feed.stream });
    feed.push("one");
    const { body } = await answering;
    if (!(body instanceof ReadableStream)) throw new Error("the body is no stream");
    const reader = body.getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("one");
    feed.push("two");
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("two");
    feed.end();
    expect((await reader.read()).done).toBe(true);
  });

  it("passes megabytes through unchanged", async () => {
    const instance = await start(echo);
    const bytes = Buffer.alloc(3 * MIB, "0123456789abcdef!");
    const stream = new Blob([bytes]).stream();
    const { body } = await ask(instance, { method: "POST", body: stream });
    expect((await bytesOf(body)).equals(bytes)).toBe(true);
  });

  it("is answered without a body when it is asked for its head", async () => {
    const { head, body } = await ask(await start(saying("hello")), { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(body).toBeNull();
  });

  it("sleeps without holding up others in its process", async () => {
    const sleeper = await start(
      toProgram({
        start: `(call $sleep (i64.const 150)) (call $print (i32.const 1) (i32.const 256) (i32.const 4))`,
        rest: `(data (i32.const 256) "late")`,
      }),
    );
    await askText(sleeper);
    const startedAtMs = performance.now();
    const texts = await Promise.all(Array.from({ length: 40 }, () => askText(sleeper)));
    expect(new Set(texts)).toEqual(new Set(["late"]));
    // One after the other it would be six seconds.
    expect(performance.now() - startedAtMs).toBeLessThan(3_000);
  });

  it("writes its standard error to the log, line by line", async () => {
    const lines: LogLine[] = [];
    const instance = await start(
      toProgram({
        start: `(call $print (i32.const 2) (i32.const 256) (i32.const 7))`,
        rest: `(data (i32.const 256) "one\\ntwo")`,
      }),
    );
    await askText(instance, { onLog: (level, text) => lines.push({ level, text }) });
    expect(lines).toEqual([
      { level: "error", text: "one" },
      { level: "error", text: "two" },
    ]);
  });

  it("is answered by a reactor's handler as by _start", async () => {
    const wasm = toProgram({
      start: "(unreachable)",
      rest: `(global $ready (mut i32) (i32.const 0)) (data (i32.const 256) "reactor")
        (func (export "_initialize") (global.set $ready (i32.const 7)))
        (func (export "handle") (call $print (i32.const 1) (i32.const 256) (global.get $ready)))`,
    });
    const reactor = Buffer.from(wasm);
    // Without its other entry: a name of the same length that nobody looks for.
    reactor.write("_other", reactor.indexOf("_start"), "latin1");
    expect(await askText(await start(reactor))).toBe("reactor");
  });
});

const FAILURES: readonly {
  name: string;
  body: string;
  code: string;
  message: string;
  details?: Record<string, unknown>;
}[] = [
  {
    name: "an exit code that is not 0",
    body: "(call $proc_exit (i32.const 3))",
    code: "NEBULA_EXIT_CODE",
    message: "exit code 3",
    details: { exitCode: 3 },
  },
  { name: "a trap", body: "(unreachable)", code: "NEBULA_GUEST_TRAPPED", message: "unreachable" },
  {
    name: "an access outside its memory",
    body: "(drop (i32.load (i32.const -1)))",
    code: "NEBULA_GUEST_TRAPPED",
    message: "memory access out of bounds",
  },
  {
    name: "a division by zero",
    body: "(drop (i32.div_u (i32.const 1) (i32.load (i32.const 512))))",
    code: "NEBULA_GUEST_TRAPPED",
    message: "divide by zero",
  },
];

describe("wasi: a failure", () => {
  it.each(FAILURES)("$name is told as what it is", async ({ body, code, message, details = {} }) => {
    const error = await rejectionOf(ask(await failing(body)));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.details).toMatchObject({ function: "guest", ...details });
  });

  it("a stack that is full is told as that", async () => {
    const wasm = toProgram({
      start: "(call $down (i64.const 1))",
      rest: "(func $down (param $n i64) (call $down (i64.add (local.get $n) (i64.const 1))) (drop (i32.load (i32.const 0))))",
    });
    const error = await rejectionOf(ask(await start(wasm)));
    expect(error.code).toBe("NEBULA_GUEST_TRAPPED");
    expect(error.details.trap).toBe("stack overflow");
  });

  it("memory that is full is told as that", async () => {
    const wasm = toProgram({
      start: "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)",
    });
    const error = await rejectionOf(ask(await start(wasm, { limits: { memoryBytes: 16 * MIB } })));
    expect(error.code).toBe("NEBULA_MEMORY_LIMIT");
  });

  it("an exit code comes with the end of standard error", async () => {
    const wasm = toProgram({
      start: "(call $print (i32.const 2) (i32.const 256) (i32.const 4)) (call $proc_exit (i32.const 1))",
      rest: `(data (i32.const 256) "oops")`,
    });
    expect((await rejectionOf(ask(await start(wasm)))).details.stderr).toBe("oops");
  });

  it("a loop ends with its wall limit, and its neighbours never notice", async () => {
    const neighbour = await start(saying("here"), { name: "neighbour" });
    await askText(neighbour);
    const looping = await start(loop, { limits: { wallMs: 1_500 } });
    const failures = Array.from({ length: 3 }, () => rejectionOf(ask(looping)));
    const texts: string[] = [];
    let isOver = false;
    const asking = (async () => {
      while (!isOver) texts.push(await askText(neighbour));
    })();
    for (const { code } of await Promise.all(failures)) expect(code).toBe("NEBULA_WALL_LIMIT");
    isOver = true;
    await asking;
    expect(texts.length).toBeGreaterThan(0);
    expect(new Set(texts)).toEqual(new Set(["here"]));
  });

  it("a loop ends with its CPU limit", async () => {
    const error = await rejectionOf(ask(await start(loop, { limits: { cpuMs: 200, wallMs: 20_000 } })));
    expect(error.code).toBe("NEBULA_CPU_LIMIT");
    expect(error.details).toMatchObject({ limit: "cpuMs", value: 200, function: "guest" });
  });

  it("a client that leaves ends its request and nobody else's", async () => {
    const instance = await start(echo);
    const [leaving, staying] = [createFeed(), createFeed()];
    const client = new AbortController();
    const left = rejectionOf(ask(instance, { method: "POST", body: leaving.stream, signal: client.signal }));
    const stays = askText(instance, { method: "POST", body: staying.stream });
    client.abort();
    expect((await left).code).toBe("NEBULA_CLIENT_GONE");
    staying.push("still here");
    staying.end();
    expect(await stays).toBe("still here");
  });

  it("a process that is killed from outside takes no request with it that can be repeated", async () => {
    const instance = await start(
      toProgram({
        start: "(call $sleep (i64.const 100)) (call $print (i32.const 1) (i32.const 256) (i32.const 4))",
        rest: `(data (i32.const 256) "done")`,
      }),
    );
    await askText(instance);
    const asked = Array.from({ length: 10 }, () => askText(instance));
    for (const pid of childrenOf()) process.kill(pid, "SIGKILL");
    expect(new Set(await Promise.all(asked))).toEqual(new Set(["done"]));
  });
});

describe("wasi: prepare", () => {
  const prepare = (wasm: Uint8Array, rest: Omit<WasmSource, "wasm"> = {}) =>
    lab.engine.prepare(lab.deploy({ wasm, ...rest }), { signal, capabilities: noCapabilities, isProven: false });

  it.each([
    { name: "bytes that are no Wasm", wasm: Buffer.from("hello"), why: "" },
    { name: "a module without an entry", wasm: Buffer.from("0061736d01000000", "hex"), why: "_start" },
    { name: "a truncated module", wasm: saying("hello").subarray(0, 60), why: "" },
  ])("refuses $name", async ({ wasm, why }) => {
    const error = await rejectionOf(prepare(wasm));
    expect(error.code).toBe("NEBULA_PREPARE_FAILED");
    expect(error.message).toContain(why);
  });

  it("refuses a program that asks for more memory than it may have", async () => {
    const error = await rejectionOf(prepare(saying("x", { memory: "65536" })));
    expect(error.code).toBe("NEBULA_PREPARE_FAILED");
    expect(error.message).toContain("bytes of memory");
  });

  it("refuses a program that loops on its proof request", async () => {
    const error = await rejectionOf(prepare(loop, { limits: { startMs: 300 } }));
    expect(error.code).toBe("NEBULA_PREPARE_FAILED");
  });

  it("keeps machine code, and the next process starts from it", async () => {
    const prepared = await prepare(saying("kept"));
    const instance = await prepared.start({ signal });
    expect(await askText(instance)).toBe("kept");
    await instance[Symbol.asyncDispose]();
    await prepared[Symbol.asyncDispose]();
  });
});

describe("wasi: an instance", () => {
  it("sees nothing of the one before it: memory, globals and tables are as at first", async () => {
    // Answers with what it finds, as one character for each place, and then leaves a secret in all of them.
    const wasm = toProgram({
      memory: "2",
      rest: `(global $g (mut i32) (i32.const 0)) (table $t 2 funcref) (func $secret) (elem declare func $secret)
        (func $dirty (result i32) (local $at i32)
          (local.set $at (i32.const 1024))
          (loop $next
            (if (i32.load8_u (local.get $at)) (then (return (i32.const 1))))
            (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 131072))))
          (i32.or (global.get $g) (i32.eqz (ref.is_null (table.get $t (i32.const 1))))))`,
      start: `(local $at i32)
        (i32.store8 (i32.const 256) (i32.add (i32.const 48) (call $dirty)))
        (call $print (i32.const 1) (i32.const 256) (i32.const 1))
        (local.set $at (i32.const 256))
        (loop $next
          (i32.store8 (local.get $at) (i32.const 83))
          (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 131072))))
        (global.set $g (i32.const 1)) (table.set $t (i32.const 1) (ref.func $secret))`,
    });
    const instance = await start(wasm);
    const texts = await Promise.all(Array.from({ length: 200 }, () => askText(instance)));
    expect(new Set(texts)).toEqual(new Set(["0"]));
  });

  it("begins with its own data when that is mapped", async () => {
    const text = "x".repeat(300_000);
    const wasm = toProgram({
      memory: "8",
      rest: `(data (i32.const 1000) "${text}")`,
      // Counts what is still there, clears it, and says whether all was.
      start: `(local $at i32) (local $n i32)
        (local.set $at (i32.const 1000))
        (loop $next
          (local.set $n (i32.add (local.get $n) (i32.eq (i32.load8_u (local.get $at)) (i32.const 120))))
          (i32.store8 (local.get $at) (i32.const 0))
          (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 301000))))
        (i32.store8 (i32.const 256) (i32.add (i32.const 48) (i32.eq (local.get $n) (i32.const 300000))))
        (call $print (i32.const 1) (i32.const 256) (i32.const 1))`,
    });
    const instance = await start(wasm);
    const texts = await Promise.all(Array.from({ length: 50 }, () => askText(instance)));
    expect(new Set(texts)).toEqual(new Set(["1"]));
  });
});

describe("wasi: its processes", () => {
  it("dispose() of the engine leaves none", async () => {
    const before = childrenOf();
    const other = await openWasiLab();
    const prepared = await other.engine.prepare(other.deploy({ wasm: saying("x") }), {
      signal,
      capabilities: noCapabilities,
      isProven: false,
    });
    const instance = await prepared.start({ signal });
    expect(await askText(instance)).toBe("x");
    const started = childrenOf().filter((pid) => !before.includes(pid));
    expect(started.length).toBeGreaterThan(0);
    await other[Symbol.asyncDispose]();
    await until("they are gone", () => !started.some(isAlive));
  });

  it("a program with few requests is not held up by one with many", async () => {
    const busy = await start(
      toProgram({
        start: `(local $n i32) (loop $next (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1)))
          (i32.const 20000000))))`,
      }),
      { name: "busy" },
    );
    const quick = await start(saying("quick"), { name: "quick" });
    await Promise.all([askText(busy), askText(quick)]);
    let isOver = false;
    const crowd = Array.from({ length: 60 }, async () => {
      while (!isOver) await askText(busy);
    });
    const waits: number[] = [];
    for (let i = 0; i < 10; i++) {
      const sinceMs = performance.now();
      expect(await askText(quick)).toBe("quick");
      waits.push(performance.now() - sinceMs);
    }
    isOver = true;
    await Promise.all(crowd);
    waits.sort((a, b) => a - b);
    // Behind sixty requests of ten milliseconds and more it would be seconds.
    expect(waits[5]).toBeLessThan(400);
  });
});

describe("wasi: what a module may import", () => {
  it.each([
    { module: "constructor", name: "keys" },
    { module: "wasi_snapshot_preview1", name: "toString" },
    { module: "nebula", name: "memory_of_others" },
    { module: "env", name: "secret" },
  ])("is nothing but WASI: $module $name is refused", async ({ module, name }) => {
    const wasm = toProgram({ start: "(nop)", imports: `(import "${module}" "${name}" (func))` });
    const error = await rejectionOf(
      lab.engine.prepare(lab.deploy({ wasm }), { signal, capabilities: noCapabilities, isProven: false }),
    );
    expect(error.code).toBe("NEBULA_PREPARE_FAILED");
    expect(error.message).toContain(name);
  });
});
