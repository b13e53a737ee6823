/**
 * Races, floods and leaks that strangers' programs and clients could try: what each must not do to its neighbours.
 */

import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Instance } from "../../src/engine/engine.ts";
import { ask, askText, bytesOf, type LogLine, noCapabilities, rejectionOf, until } from "../support/capabilities.ts";
import { childrenOf } from "../support/processes.ts";
import { openWasiLab, type WasiLab, type WasmSource } from "../support/wasi-lab.ts";
import { loop, saying, toProgram } from "../support/wasi-programs.ts";
import { assembleWat } from "../support/wat.ts";

const lab = await openWasiLab();
afterAll(() => lab[Symbol.asyncDispose]());
const signal = new AbortController().signal;

async function start(
  wasm: Uint8Array,
  { on = lab, ...rest }: Omit<WasmSource, "wasm"> & { on?: WasiLab } = {},
): Promise<Instance> {
  const options = { signal, capabilities: noCapabilities, isProven: true };
  const prepared = await on.engine.prepare(on.deploy({ wasm, ...rest }), options);
  const instance = await prepared.start({ signal });
  onTestFinished(() => instance[Symbol.asyncDispose]());
  return instance;
}

/** Does what the first character of its input says: `l`oops, `s`leeps 400 ms, `f`ails, `w`rites and then sleeps; says so. */
const obedient = toProgram({
  rest: `(data (i32.const 512) "fine")`,
  start: `(local $what i32)
    (drop (call $read (i32.const 256) (i32.const 16)))
    (local.set $what (i32.load8_u (i32.const 256)))
    (if (i32.eq (local.get $what) (i32.const 108)) (then (loop $again (br $again))))
    (if (i32.eq (local.get $what) (i32.const 115)) (then (call $sleep (i64.const 400))))
    (if (i32.eq (local.get $what) (i32.const 102)) (then (call $proc_exit (i32.const 1))))
    (call $print (i32.const 1) (i32.const 512) (i32.const 4))
    (if (i32.eq (local.get $what) (i32.const 119)) (then (call $sleep (i64.const 400))))`,
});
const POST = (body: string) => ({ method: "POST", body });

/** Between two requests, so that the processor is left to what the test is about. */
const pause = async () => await new Promise((resolve) => setTimeout(resolve, 5));

/** Learns that requests are short, so that many go to one process. */
async function warmUp(instance: Instance): Promise<void> {
  for (let i = 0; i < 30; i++) await askText(instance, POST("x"));
}

describe("a loop", () => {
  // A node of its own: what loops on in it is in nobody's way.
  let node: WasiLab;
  beforeAll(async () => {
    node = await openWasiLab();
  });
  afterAll(() => node[Symbol.asyncDispose]());

  /** A program that no process of the node has yet. */
  const startLate = async (i: number) =>
    expect(await askText(await start(saying("here"), { on: node, name: `late-${i}` }))).toBe("here");

  it("is not blamed on whoever is behind it in its process", async () => {
    const guilty = await start(obedient, { on: node, name: "guilty", limits: { wallMs: 400 } });
    const innocent = await start(obedient, { on: node, name: "innocent" });
    await warmUp(guilty);
    await warmUp(innocent);
    for (let round = 0; round < 4; round++) {
      const failed = rejectionOf(ask(guilty, POST("l")));
      expect(await askText(innocent, POST("x"))).toBe("fine");
      expect((await failed).code).toBe("NEBULA_WALL_LIMIT");
    }
  });

  it("that nobody waits for any more holds up nobody else", async () => {
    const guilty = await start(obedient, { on: node, name: "guilty", limits: { wallMs: 20_000 } });
    const innocent = await start(obedient, { on: node, name: "innocent", limits: { wallMs: 3_000 } });
    await warmUp(guilty);
    await warmUp(innocent);
    const clients = Array.from({ length: 4 }, () => new AbortController());
    const left = clients.map((client) => rejectionOf(ask(guilty, { ...POST("l"), signal: client.signal })));
    await until("they run", async () => (await askText(innocent, POST("x"))) === "fine");
    for (const client of clients) client.abort();
    expect(new Set((await Promise.all(left)).map(({ code }) => code))).toEqual(new Set(["NEBULA_CLIENT_GONE"]));
    for (let i = 0; i < 10; i++) {
      const sinceMs = performance.now();
      expect(await askText(innocent, POST("x"))).toBe("fine");
      expect(performance.now() - sinceMs).toBeLessThan(1_500);
      await startLate(i);
    }
  });

  it("is not begun for a client that has left before", async () => {
    await using other = await openWasiLab();
    const guilty = await start(obedient, { on: other, name: "guilty", limits: { waitUntilMs: 1 } });
    const innocent = await start(obedient, { on: other, name: "innocent" });
    await warmUp(guilty);
    await warmUp(innocent);
    for (let i = 0; i < 4; i++) {
      // What follows a request in one turn goes in one piece: the process hears of both at once, and of the client too.
      const answered = askText(innocent, POST("x"));
      const failed = rejectionOf(ask(guilty, { ...POST("l"), signal: AbortSignal.abort() }));
      expect(await answered).toBe("fine");
      expect((await failed).code).toBe("NEBULA_CLIENT_GONE");
      expect(await askText(await start(saying("here"), { on: other, name: `late-${i}` }))).toBe("here");
    }
  });

  it("in many requests of one function leaves a process to the others", async () => {
    const guilty = await start(loop, { on: node, name: "guilty", limits: { wallMs: 6_000 } });
    const innocent = await start(obedient, { on: node, name: "innocent" });
    const clients = new AbortController();
    const failed = Array.from({ length: 100 }, () => rejectionOf(ask(guilty, { signal: clients.signal })));
    await until("they run", () => childrenOf().length >= 4);
    for (let i = 0; i < 5; i++) {
      const sinceMs = performance.now();
      expect(await askText(innocent, POST("x"))).toBe("fine");
      expect(performance.now() - sinceMs).toBeLessThan(3_000);
      await startLate(i);
    }
    // Their limits would take as long again.
    clients.abort();
    await Promise.all(failed);
  }, 120_000);
});

describe("a crowd of requests that wait", () => {
  it("does not take every place there is", async () => {
    const other = await openWasiLab();
    onTestFinished(() => other[Symbol.asyncDispose]());
    const scaling = { queueDepth: 10_000, queueMs: 60_000 };
    const sleeping = await start(obedient, { on: other, name: "sleeping", scaling, limits: { wallMs: 30_000 } });
    const quick = await start(obedient, { on: other, name: "quick" });
    await askText(quick, POST("x"));
    let isOver = false;
    const crowd = Array.from({ length: 3_000 }, async () => {
      while (!isOver) expect(await askText(sleeping, POST("s"))).toBe("fine");
    });
    for (let i = 0; i < 200; i++) {
      const sinceMs = performance.now();
      expect(await askText(quick, POST("x"))).toBe("fine");
      expect(performance.now() - sinceMs).toBeLessThan(3_000);
    }
    isOver = true;
    await Promise.all(crowd);
  }, 60_000);
});

describe("standard error", () => {
  const printing = (content: string, bytes: number) =>
    toProgram({
      memory: "8",
      rest: `(data (i32.const 512) "${content}")`,
      start: `(memory.fill (i32.const 256) (i32.load8_u (i32.const 512)) (i32.const ${bytes}))
        (i32.store8 (i32.const ${256 + bytes - 1}) (i32.const 10))
        (call $print (i32.const 2) (i32.const 256) (i32.const ${bytes}))
        (i32.store (i32.const 256) (i32.const 0x656e6966))
        (call $print (i32.const 1) (i32.const 256) (i32.const 4))`,
    });

  it.each([
    { name: "in one line of control characters", wasm: printing("\\01", 300_000) },
    { name: "in a quarter of a million empty lines", wasm: printing("\\0a", 300_000) },
  ])("$name ends no process", async ({ wasm }) => {
    const lines: LogLine[] = [];
    await using other = await openWasiLab();
    const instance = await start(wasm, { on: other });
    expect(await askText(instance, { onLog: (level, text) => lines.push({ level, text }) })).toBe("fine");
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThan(300_000);
  });

  it("has its end in the error, however much went before", async () => {
    const wasm = toProgram({
      rest: `(data (i32.const 256) "0123456789\\0athe end")`,
      start: `(local $i i32)
        (loop $more (call $print (i32.const 2) (i32.const 256) (i32.const 11))
          (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 500))))
        (call $print (i32.const 2) (i32.const 267) (i32.const 7))
        (call $proc_exit (i32.const 1))`,
    });
    await using other = await openWasiLab();
    const { details } = await rejectionOf(ask(await start(wasm, { on: other, limits: { logBytes: 1_000 } })));
    expect(details.stderr).toMatch(/the end$/);
  });
});

describe("a CGI program", () => {
  it("that writes much and no head is refused when that is clear", async () => {
    const wasm = toProgram({
      memory: "4",
      start: `(memory.fill (i32.const 256) (i32.const 120) (i32.const 200000))
        (loop $more (call $print (i32.const 1) (i32.const 256) (i32.const 200000)) (br $more))`,
    });
    const instance = await start(wasm, { wasi: { interface: "cgi" }, limits: { wallMs: 5_000 } });
    expect((await rejectionOf(ask(instance))).code).toBe("NEBULA_RESPONSE_INVALID");
  });
});

/**
 * Appends its input to a file that it keeps, and then does what the first character says: `f`ails, `s`leeps 400 ms, `w`rites
 * something and sleeps, `r`eads the file out.
 */
const keeper = assembleWat(`(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 40) "file")
  (data (i32.const 512) "fine")
  (func $print (param $fd i32) (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $length))
    (if (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable))))
  (func $read (param $fd i32) (param $at i32) (param $length i32) (result i32)
    (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $length))
    (if (call $fd_read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
    (i32.load (i32.const 8)))
  (func $open (param $flags i32) (result i32)
    (if (call $path_open (i32.const 4) (i32.const 0) (i32.const 40) (i32.const 4) (i32.const 1)
      (i64.const 102) (i64.const 0) (local.get $flags) (i32.const 16)) (then (unreachable)))
    (i32.load (i32.const 16)))
  (func $sleep
    (i64.store (i32.const 64) (i64.const 7)) (i32.store (i32.const 72) (i32.const 0))
    (i32.store (i32.const 80) (i32.const 1)) (i64.store (i32.const 88) (i64.const 400000000))
    (i64.store (i32.const 96) (i64.const 0)) (i32.store (i32.const 104) (i32.const 0))
    (drop (call $poll_oneoff (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 192))))
  (func (export "_start") (local $what i32) (local $length i32)
    (local.set $length (call $read (i32.const 0) (i32.const 1024) (i32.const 1000)))
    (local.set $what (i32.load8_u (i32.const 1024)))
    (if (i32.eq (local.get $what) (i32.const 114)) (then
      (call $print (i32.const 1) (i32.const 1024) (call $read (call $open (i32.const 0)) (i32.const 1024) (i32.const 60000))))
    (else
      (call $print (call $open (i32.const 1)) (i32.const 1024) (local.get $length))
      (if (i32.eq (local.get $what) (i32.const 102)) (then (call $proc_exit (i32.const 1))))
      (if (i32.eq (local.get $what) (i32.const 115)) (then (call $sleep)))
      (call $print (i32.const 1) (i32.const 512) (i32.const 4))
      (if (i32.eq (local.get $what) (i32.const 119)) (then (call $sleep)))))))`);
const KEEPS = { wasi: { state: "/state" } } as const;

describe("a state directory", () => {
  it("has nothing of an invocation that failed", async () => {
    const instance = await start(keeper, { name: "fails", ...KEEPS });
    await askText(instance, POST("one."));
    expect((await rejectionOf(ask(instance, POST("f")))).code).toBe("NEBULA_EXIT_CODE");
    await askText(instance, POST("two."));
    expect(await askText(instance, POST("r"))).toBe("one.two.");
  });

  it("has nothing of an invocation whose changes could not be kept", async () => {
    const instance = await start(keeper, { name: "full", ...KEEPS });
    await askText(instance, POST("one."));
    // In the way of every file of that name.
    const path = join(lab.stateDir, "states", "full.state");
    await rm(path);
    await mkdir(join(path, "in-the-way"), { recursive: true });
    expect((await rejectionOf(ask(instance, POST("lost.")))).message).toContain("state directory");
    await rm(path, { recursive: true });
    await askText(instance, POST("two."));
    expect(await askText(instance, POST("r"))).toBe("one.two.");
  });

  it("keeps what was acknowledged while clients leave", async () => {
    const instance = await start(keeper, { name: "leaving", ...KEEPS });
    await askText(instance, POST("begin."));
    for (const how of ["s", "w"]) {
      const client = AbortSignal.timeout(100);
      const left = ask(instance, { ...POST(`${how}.`), signal: client }).then(({ body }) => bytesOf(body));
      await left.catch(() => {});
      await askText(instance, POST(`after-${how}.`));
      expect(await askText(instance, POST("r"))).toContain(`after-${how}.`);
    }
  });

  it("has one request at a time, also where only the head is asked for", async () => {
    const instance = await start(keeper, { name: "heads", ...KEEPS });
    await askText(instance, POST("begin."));
    for (let i = 0; i < 3; i++) {
      await ask(instance, { method: "HEAD", body: "w." });
      await askText(instance, POST(`${i}.`));
    }
    expect(await askText(instance, POST("r"))).toBe("begin.w.0.w.1.w.2.");
  });
});

describe("processes that are killed under load", () => {
  it("lose no request that can be repeated", async () => {
    const functions = await Promise.all(
      Array.from({ length: 12 }, (_, i) => start(i % 3 === 0 ? obedient : saying("fine"), { name: `f${i}` })),
    );
    await Promise.all(functions.map((instance) => askText(instance, POST("x"))));
    let isOver = false;
    const failures: string[] = [];
    let slowAnswers = 0;
    const clients = functions.flatMap((instance, i) =>
      Array.from({ length: 4 }, async () => {
        while (!isOver) {
          await askText(instance, POST(i === 0 ? "s" : "x")).then(
            (text) => text === "fine" || failures.push(text),
            (error) => failures.push(`${error.code} ${error.message}`),
          );
          if (i === 0) slowAnswers += 1;
        }
      }),
    );
    for (let i = 0; i < 8; i++) {
      // Of the slow ones all have come through since the last time.
      const next = slowAnswers + 4;
      await until("they are answered", () => slowAnswers > next, 20_000);
      const pids = childrenOf();
      const pid = pids[i % pids.length];
      if (pid !== undefined) process.kill(pid, "SIGKILL");
    }
    isOver = true;
    await Promise.all(clients);
    expect(failures).toEqual([]);
  }, 60_000);
});

describe("memory", () => {
  it("that one function hoards ends no process", async () => {
    const ended: string[] = [];
    const other = await openWasiLab({ log: { write: (_level, message) => ended.push(message) } });
    onTestFinished(() => other[Symbol.asyncDispose]());
    const hog = toProgram({
      memory: "1 1600",
      rest: `(data (i32.const 512) "fine")`,
      start: `(drop (memory.grow (i32.const 1500)))
        (memory.fill (i32.const 65536) (i32.const 1) (i32.const 98000000))
        (call $sleep (i64.const 3000)) (call $print (i32.const 1) (i32.const 512) (i32.const 4))`,
    });
    const hogs = await start(hog, { on: other, name: "hog", limits: { wallMs: 20_000 }, scaling: { queueMs: 40_000 } });
    const neighbour = await start(saying("here"), { on: other, name: "neighbour" });
    const asked = Array.from({ length: 24 }, () => askText(hogs));
    let isOver = false;
    const all = Promise.all(asked).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      expect(await askText(neighbour)).toBe("here");
      await pause();
    }
    expect(new Set(await all)).toEqual(new Set(["fine"]));
    expect(ended).not.toContain("lane ended");
  }, 60_000);

  it("that has grown goes when its request is over", async () => {
    const ended: string[] = [];
    const other = await openWasiLab({ log: { write: (_level, message) => ended.push(message) } });
    onTestFinished(() => other[Symbol.asyncDispose]());
    const wasm = toProgram({
      start: `(drop (memory.grow (i32.const 320)))
        (memory.fill (i32.const 65536) (i32.const 1) (i32.const 20000000))`,
    });
    const instance = await start(wasm, { on: other });
    const ask200 = () => Promise.all(Array.from({ length: 200 }, () => askText(instance)));
    for (let i = 0; i < 5; i++) expect(new Set(await ask200())).toEqual(new Set([""]));
    expect(ended).not.toContain("lane ended");
  }, 60_000);

  it("is there for twenty thousand requests that fail before they begin", async () => {
    const wasm = toProgram({ start: "", rest: "(func $fall (unreachable)) (start $fall)" });
    const instance = await start(wasm);
    const codes = new Map<string, number>();
    for (let i = 0; i < 100; i++) {
      const asked = Array.from({ length: 200 }, () => rejectionOf(ask(instance)));
      for (const { code } of await Promise.all(asked)) codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    expect([...codes]).toEqual([["NEBULA_GUEST_TRAPPED", 20_000]]);
  }, 120_000);
});
