/** `wasi:cli`, `wasi:clocks`, `wasi:random` and `wasi:sockets`. */

import { describe, expect, test } from "vitest";
import { createWasiClock } from "../../../src/engine/wasi/clock.guest.ts";
import { CliExit } from "../../../src/engine/wasi/preview2/cli.guest.ts";
import type { Callable } from "../../../src/engine/wasi/preview2/handle-request.guest.ts";
import { runCommand } from "../../../src/engine/wasi/preview2/run-command.guest.ts";
import { createLab, drop, isSettled, ManualSource, text, utf8 } from "./preview2-support.ts";

describe("wasi:cli", () => {
  const { call, stdout, stderr } = createLab();

  test("gives environment and arguments, and no working directory", () => {
    expect(call("wasi:cli/environment", "get-environment")).toEqual([
      ["HOME", "/"],
      ["LANG", "C"],
    ]);
    expect(call("wasi:cli/environment", "get-arguments")).toEqual(["prog", "one"]);
    expect(call("wasi:cli/environment", "initial-cwd")).toBeUndefined();
  });

  test("keeps standard output and error apart", () => {
    for (const name of ["stdout", "stderr"]) {
      const stream = call(`wasi:cli/${name}`, `get-${name}`);
      call("wasi:io/streams", "[method]output-stream.write", stream, utf8(name));
    }
    expect([text(stdout.bytes()), text(stderr.bytes())]).toEqual(["stdout", "stderr"]);
  });

  test.each(["stdin", "stdout", "stderr"])("says that %s is no terminal", (name) => {
    expect(call(`wasi:cli/terminal-${name}`, `get-terminal-${name}`)).toBeUndefined();
  });

  test.each([
    ["exit", { tag: "ok", val: undefined }, 0],
    ["exit", { tag: "err", val: undefined }, 1],
    ["exit-with-code", 0, 0],
    ["exit-with-code", 42, 42],
  ])("%s(%j) throws a CliExit with code %j", (name, status, code) => {
    let thrown: unknown;
    try {
      call("wasi:cli/exit", name, status);
    } catch (caught) {
      thrown = caught;
    }
    expect(thrown).toBeInstanceOf(CliExit);
    expect(thrown).toMatchObject({ code, isOk: code === 0 });
  });
});

describe("runCommand", () => {
  const run = (call: Callable["call"], signal = new AbortController().signal, lab = createLab()) =>
    runCommand({ call }, lab.preview2, { signal });

  test.each([
    ["ok", async () => ({ tag: "ok", val: undefined }), 0],
    ["err", async () => ({ tag: "err", val: undefined }), 1],
    ["exit(7)", () => Promise.reject(new CliExit(7)), 7],
  ])("gives the code of %s", async (_, call, code) => {
    expect(await run(call)).toBe(code);
  });

  test("calls run of wasi:cli/run", async () => {
    const calls: unknown[] = [];
    await run(async (...args) => calls.push(args));
    expect(calls).toEqual([["wasi:cli/run", "run", []]]);
  });

  test("throws what stopped it", async () => {
    await expect(run(() => Promise.reject(new WebAssembly.RuntimeError("unreachable")))).rejects.toThrow("unreachable");
  });

  test("is broken off when its signal aborts", async () => {
    const lab = createLab({ stdin: new ManualSource() });
    const controller = new AbortController();
    const running = run(
      async () =>
        await lab.call(
          "wasi:io/streams",
          "[method]input-stream.blocking-read",
          lab.call("wasi:cli/stdin", "get-stdin"),
          1n,
        ),
      controller.signal,
      lab,
    );
    expect(await isSettled(running)).toBe(false);
    controller.abort();
    await expect(running).rejects.toMatchObject({ name: "Cancelled" });
    await expect(run(async () => undefined, controller.signal)).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("wasi:clocks", () => {
  const MONOTONIC = "wasi:clocks/monotonic-clock";

  test("tell the time of the clock that was given", () => {
    const { call } = createLab();
    expect(call(MONOTONIC, "now")).toBe(1_000_000n);
    expect(call(MONOTONIC, "resolution")).toBe(1000n);
    expect(call("wasi:clocks/wall-clock", "now")).toEqual({ seconds: 1_700_000_000n, nanoseconds: 123_456_789 });
    expect(call("wasi:clocks/wall-clock", "resolution")).toEqual({ seconds: 0n, nanoseconds: 1000 });
    const when = call("wasi:clocks/wall-clock", "now");
    expect(call("wasi:clocks/timezone", "display", when)).toEqual({
      utcOffset: 0,
      name: "UTC",
      inDaylightSavingTime: false,
    });
    expect(call("wasi:clocks/timezone", "utc-offset", when)).toBe(0);
  });

  test.each([
    ["subscribe-instant", 1_000_500n],
    ["subscribe-duration", 500n],
  ])("%s is ready at its time and not before", async (name, argument) => {
    const { call, clock } = createLab();
    const pollable = call(MONOTONIC, name, argument);
    const ready = () => call("wasi:io/poll", "[method]pollable.ready", pollable);
    expect(ready()).toBe(false);
    const waiting = call("wasi:io/poll", "[method]pollable.block", pollable);
    clock.advance(499n);
    expect(await isSettled(waiting)).toBe(false);
    clock.advance(1n);
    expect(await waiting).toBeUndefined();
    expect(ready()).toBe(true);
  });

  test("a moment that has passed is ready after a turn, the end of time never", async () => {
    const { call, clock } = createLab();
    await call("wasi:io/poll", "[method]pollable.block", call(MONOTONIC, "subscribe-instant", 5n));
    const never = call("wasi:io/poll", "[method]pollable.block", call(MONOTONIC, "subscribe-duration", 2n ** 64n - 1n));
    clock.advance(2n ** 62n);
    expect(await isSettled(never)).toBe(false);
  });

  test("a timer stops when its pollable is dropped, and when the instance is over", async () => {
    const { call, clock, preview2 } = createLab();
    const timers = [500n, 600n].map((ns) => call(MONOTONIC, "subscribe-duration", ns));
    for (const timer of timers) call("wasi:io/poll", "[method]pollable.ready", timer);
    expect(clock.sleeping).toBe(2);
    drop(timers[0]);
    expect(clock.sleeping).toBe(1);
    preview2.end();
    expect(clock.sleeping).toBe(0);
  });

  test("sleeps with the clock of the process", async () => {
    const { call } = createLab({ clock: createWasiClock() });
    const start = performance.now();
    await call("wasi:io/poll", "[method]pollable.block", call(MONOTONIC, "subscribe-duration", 5_000_000n));
    expect(performance.now() - start).toBeGreaterThan(4);
  });
});

describe("wasi:random", () => {
  test("gives bytes and numbers of the generator", () => {
    const { call } = createLab();
    expect(call("wasi:random/random", "get-random-bytes", 3n)).toEqual(new Uint8Array([0, 1, 2]));
    expect(call("wasi:random/random", "get-random-u64")).toBe(0x030405060708090an);
    expect(call("wasi:random/insecure", "get-insecure-random-bytes", 2n)).toEqual(new Uint8Array([11, 12]));
    expect(call("wasi:random/insecure", "get-insecure-random-u64")).toBe(0x0d0e0f1011121314n);
    expect(call("wasi:random/random", "get-random-bytes", 0n)).toHaveLength(0);
  });

  test("gives one seed, however often it is asked", () => {
    const { call } = createLab();
    const seed = call("wasi:random/insecure-seed", "insecure-seed");
    expect(seed).toEqual([0x0001020304050607n, 0x08090a0b0c0d0e0fn]);
    expect(call("wasi:random/insecure-seed", "insecure-seed")).toEqual(seed);
  });

  test("ends a guest that asks for more than 64 MiB at once", () => {
    expect(() => createLab().call("wasi:random/random", "get-random-bytes", 2n ** 40n)).toThrow(
      WebAssembly.RuntimeError,
    );
  });
});

describe("wasi:sockets", () => {
  const { call, imports } = createLab();
  const network = call("wasi:sockets/instance-network", "instance-network");

  test.each([
    ["tcp-create-socket", "create-tcp-socket", ["ipv4"], "access-denied"],
    ["tcp-create-socket", "create-tcp-socket", ["ipv6"], "access-denied"],
    ["udp-create-socket", "create-udp-socket", ["ipv4"], "access-denied"],
    ["ip-name-lookup", "resolve-addresses", [network, "example.com"], "permanent-resolver-failure"],
  ])("%s %s%j is refused with %s", (path, name, args, code) => {
    expect(call(`wasi:sockets/${path}`, name, ...args)).toEqual({ tag: "err", val: code });
  });

  test("every method of a socket is not supported", () => {
    for (const path of ["wasi:sockets/tcp", "wasi:sockets/udp"]) {
      for (const name of Object.keys(imports[path] ?? {})) {
        expect(call(path, name)).toEqual({ tag: "err", val: "not-supported" });
      }
    }
    expect(call("wasi:sockets/network", "network-error-code", undefined)).toBeUndefined();
  });
});
