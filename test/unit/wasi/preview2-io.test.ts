/** `wasi:io`: streams and polling, through the standard streams and the clock. */

import { describe, expect, test } from "vitest";
import { StreamClosed } from "../../../src/engine/wasi/preview2/io-error.guest.ts";
import { type ByteSink, type ByteSource, bytesSource, emptySource } from "../../../src/engine/wasi/streams.guest.ts";
import {
  bad,
  createLab,
  drop,
  good,
  isSettled,
  ManualSink,
  ManualSource,
  text,
  utf8,
  valOf,
} from "./preview2-support.ts";

const IN = "[method]input-stream.";
const OUT = "[method]output-stream.";
const STREAMS = "wasi:io/streams";
const CLOSED = { tag: "closed", val: undefined };

function openInput(source: ByteSource) {
  const lab = createLab({ stdin: source });
  const stream = lab.call("wasi:cli/stdin", "get-stdin");
  return { ...lab, stream, input: (name: string, ...args: unknown[]) => lab.call(STREAMS, IN + name, stream, ...args) };
}

function openOutput(sink: ByteSink) {
  const lab = createLab({ stdout: sink });
  const stream = lab.call("wasi:cli/stdout", "get-stdout");
  return {
    ...lab,
    stream,
    output: (name: string, ...args: unknown[]) => lab.call(STREAMS, OUT + name, stream, ...args),
  };
}

describe("an input-stream whose bytes are there", () => {
  test("is read in parts, and is closed at the end", () => {
    const { input } = openInput(bytesSource(utf8("hello")));
    expect(text(good(input("read", 2n)))).toBe("he");
    expect(good(input("read", 0n))).toHaveLength(0);
    expect(text(good(input("blocking-read", 2n ** 64n - 1n)))).toBe("llo");
    expect(bad(input("read", 1n))).toEqual(CLOSED);
    expect(bad(input("read", 0n))).toEqual(CLOSED);
    expect(bad(input("blocking-read", 1n))).toEqual(CLOSED);
  });

  test("is skipped", () => {
    const { input } = openInput(bytesSource(utf8("hello")));
    expect(good(input("skip", 2n))).toBe(2n);
    expect(good(input("blocking-skip", 2n))).toBe(2n);
    expect(text(good(input("read", 9n)))).toBe("o");
    expect(bad(input("skip", 1n))).toEqual(CLOSED);
    expect(bad(input("blocking-skip", 1n))).toEqual(CLOSED);
  });

  test("is shared by all handles on the standard input", () => {
    const { call, input } = openInput(bytesSource(utf8("ab")));
    good(input("read", 1n));
    expect(text(good(call(STREAMS, `${IN}read`, call("wasi:cli/stdin", "get-stdin"), 1n)))).toBe("b");
  });

  test("that is empty is closed at once", () => {
    expect(bad(openInput(emptySource()).input("read", 1n))).toEqual(CLOSED);
  });
});

describe("an input-stream whose bytes come later", () => {
  test("gives nothing until they are there, and asks the source once", async () => {
    const source = new ManualSource();
    const { input } = openInput(source);
    expect(good(input("read", 10n))).toHaveLength(0);
    expect(good(input("read", 10n))).toHaveLength(0);
    expect(source.asked).toEqual([10]);
    const reading = input("blocking-read", 3n);
    expect(await isSettled(reading)).toBe(false);
    source.give("hello");
    expect(text(good(await reading))).toBe("hel");
    expect(text(good(input("read", 10n)))).toBe("lo");
  });

  test("never looks further ahead than 64 KiB", () => {
    const source = new ManualSource();
    const { input } = openInput(source);
    input("read", 2n ** 40n);
    expect(source.asked).toEqual([65_536]);
  });

  test("fails once with what the source failed with, then is closed", async () => {
    const source = new ManualSource();
    const { input, call } = openInput(source);
    const reading = input("blocking-read", 1n);
    source.fail(new TypeError("the line is dead"));
    const failure = bad(await reading);
    expect(failure).toMatchObject({ tag: "last-operation-failed" });
    expect(call("wasi:io/error", "[method]error.to-debug-string", valOf(failure))).toBe("the line is dead");
    expect(call("wasi:http/types", "http-error-code", valOf(failure))).toBeUndefined();
    expect(call("wasi:filesystem/types", "filesystem-error-code", valOf(failure))).toBeUndefined();
    expect(bad(input("read", 1n))).toEqual(CLOSED);
  });

  test("that fails at once fails the same way", () => {
    const { input } = openInput({
      read: () => {
        throw new TypeError("no");
      },
    });
    expect(bad(input("read", 1n))).toMatchObject({ tag: "last-operation-failed" });
    expect(bad(input("read", 1n))).toEqual(CLOSED);
  });

  test("is closed, and has not failed, when the other end is gone", async () => {
    const source = new ManualSource();
    const { input } = openInput(source);
    const reading = input("blocking-read", 1n);
    source.fail(new StreamClosed("gone"));
    expect(bad(await reading)).toEqual(CLOSED);
  });
});

describe("an output-stream whose sink takes all", () => {
  test("permits 64 KiB again and again, and never makes anyone wait", () => {
    const lab = createLab();
    const stream = lab.call("wasi:cli/stdout", "get-stdout");
    const output = (name: string, ...args: unknown[]) => lab.call(STREAMS, OUT + name, stream, ...args);
    for (let i = 0; i < 3; i++) {
      expect(good(output("check-write"))).toBe(65_536n);
      expect(output("write", utf8("ab"))).toEqual({ tag: "ok", val: undefined });
    }
    good(output("flush"));
    good(output("blocking-flush"));
    good(output("blocking-write-and-flush", utf8("cd")));
    good(output("write-zeroes", 2n));
    good(output("blocking-write-zeroes-and-flush", 1n));
    expect(text(lab.stdout.bytes())).toBe("abababcd\0\0\0");
  });

  test.each([
    ["write", new Uint8Array(65_537)],
    ["write-zeroes", 65_537n],
    ["write-zeroes", 2n ** 64n - 1n],
    ["blocking-write-and-flush", new Uint8Array(4097)],
    ["blocking-write-zeroes-and-flush", 4097n],
  ])("ends a guest that calls %s with too much", (name, argument) => {
    expect(() => openOutput({ write: () => undefined }).output(name, argument)).toThrow(WebAssembly.RuntimeError);
  });
});

describe("an output-stream whose sink takes its time", () => {
  test("counts what is under way against its budget", async () => {
    const sink = new ManualSink();
    const { output } = openOutput(sink);
    good(output("write", new Uint8Array(60_000)));
    expect(good(output("check-write"))).toBe(5536n);
    good(output("write", new Uint8Array(5536)));
    expect(good(output("check-write"))).toBe(0n);
    expect(() => output("write", new Uint8Array(1))).toThrow(WebAssembly.RuntimeError);
    expect(sink.pieces).toHaveLength(1);
    sink.take();
    expect(await isSettled(Promise.resolve())).toBe(true);
    expect(sink.pieces).toHaveLength(2);
    expect(good(output("check-write"))).toBe(60_000n);
  });

  test("permits nothing while a flush is under way", async () => {
    const sink = new ManualSink();
    const { output, call } = openOutput(sink);
    good(output("write", utf8("a")));
    good(output("flush"));
    expect(good(output("check-write"))).toBe(0n);
    const pollable = output("subscribe");
    expect(call("wasi:io/poll", "[method]pollable.ready", pollable)).toBe(false);
    const waiting = call("wasi:io/poll", "[method]pollable.block", pollable);
    expect(await isSettled(waiting)).toBe(false);
    sink.take();
    await waiting;
    expect(good(output("check-write"))).toBe(65_536n);
  });

  test("makes the blocking functions wait until it has taken all", async () => {
    const sink = new ManualSink();
    const { output } = openOutput(sink);
    const writing = output("blocking-write-and-flush", utf8("abc"));
    expect(await isSettled(writing)).toBe(false);
    sink.take();
    expect(await writing).toEqual({ tag: "ok", val: undefined });
    good(output("write", utf8("d")));
    const flushing = output("blocking-flush");
    expect(await isSettled(flushing)).toBe(false);
    sink.take();
    good(await flushing);
    expect(sink.pieces.map(text)).toEqual(["abc", "d"]);
  });

  test("writes in parts when the budget is smaller than what is to be written", async () => {
    const sink = new ManualSink();
    const { output } = openOutput(sink);
    good(output("write", new Uint8Array(65_000)));
    const writing = output("blocking-write-and-flush", new Uint8Array(4000));
    for (const pieces of [2, 3, 3]) {
      sink.take();
      await isSettled(writing);
      expect(sink.pieces).toHaveLength(pieces);
    }
    good(await writing);
    expect(sink.pieces.map((piece) => piece.length)).toEqual([65_000, 536, 3464]);
  });

  test("fails once with what the sink failed with, then is closed", async () => {
    const sink = new ManualSink();
    const { output, call } = openOutput(sink);
    const writing = output("blocking-write-and-flush", utf8("abc"));
    sink.fail(new TypeError("full"));
    const failure = bad(await writing);
    expect(call("wasi:io/error", "[method]error.to-debug-string", valOf(failure))).toBe("full");
    for (const name of ["check-write", "flush", "blocking-flush"]) expect(bad(output(name))).toEqual(CLOSED);
    expect(bad(output("write", utf8("x")))).toEqual(CLOSED);
    expect(bad(output("blocking-write-and-flush", utf8("x")))).toEqual(CLOSED);
    expect(call("wasi:io/poll", "[method]pollable.ready", output("subscribe"))).toBe(true);
  });

  test("has written well when the sink closes over the last bytes", async () => {
    const sink = new ManualSink();
    const { output } = openOutput(sink);
    const writing = output("blocking-write-and-flush", utf8("abc"));
    sink.fail(new StreamClosed("enough"));
    expect(await writing).toEqual({ tag: "ok", val: undefined });
    expect(bad(output("check-write"))).toEqual(CLOSED);
  });
});

describe("splice", () => {
  test("moves what is there", () => {
    const lab = createLab({ stdin: bytesSource(utf8("hello world")) });
    const input = lab.call("wasi:cli/stdin", "get-stdin");
    const output = lab.call("wasi:cli/stdout", "get-stdout");
    expect(good(lab.call(STREAMS, `${OUT}splice`, output, input, 5n))).toBe(5n);
    expect(good(lab.call(STREAMS, `${OUT}blocking-splice`, output, input, 100n))).toBe(6n);
    expect(bad(lab.call(STREAMS, `${OUT}splice`, output, input, 1n))).toEqual(CLOSED);
    expect(text(lab.stdout.bytes())).toBe("hello world");
  });

  test("waits for both ends when it may block", async () => {
    const [source, sink] = [new ManualSource(), new ManualSink()];
    const lab = createLab({ stdin: source, stdout: sink });
    const input = lab.call("wasi:cli/stdin", "get-stdin");
    const output = lab.call("wasi:cli/stdout", "get-stdout");
    good(lab.call(STREAMS, `${OUT}write`, output, new Uint8Array(65_536)));
    expect(good(lab.call(STREAMS, `${OUT}splice`, output, input, 5n))).toBe(0n);
    const splicing = lab.call(STREAMS, `${OUT}blocking-splice`, output, input, 5n);
    sink.take();
    expect(await isSettled(splicing)).toBe(false);
    source.give("abcdefgh");
    expect(good(await splicing)).toBe(5n);
    expect(text(sink.pieces.at(-1))).toBe("abcde");
  });
});

describe("poll", () => {
  const poll = (lab: ReturnType<typeof createLab>, ...list: unknown[]) => lab.call("wasi:io/poll", "poll", list);
  const startTimer = (lab: ReturnType<typeof createLab>, ns: bigint) =>
    lab.call("wasi:clocks/monotonic-clock", "subscribe-duration", ns);

  test("of nothing ends the guest", () => {
    expect(() => poll(createLab())).toThrow(WebAssembly.RuntimeError);
  });

  test("tells all that are ready at once, with the same one more than once", () => {
    const lab = createLab();
    const input = lab.call(STREAMS, `${IN}subscribe`, lab.call("wasi:cli/stdin", "get-stdin"));
    const output = lab.call(STREAMS, `${OUT}subscribe`, lab.call("wasi:cli/stdout", "get-stdout"));
    expect(poll(lab, input, startTimer(lab, 5n), output, input)).toEqual([0, 2, 3]);
  });

  test("waits for the first of many", async () => {
    const source = new ManualSource();
    const lab = createLab({ stdin: source });
    const input = lab.call(STREAMS, `${IN}subscribe`, lab.call("wasi:cli/stdin", "get-stdin"));
    const polling = poll(lab, startTimer(lab, 100n), input, startTimer(lab, 50n));
    expect(await isSettled(polling)).toBe(false);
    lab.clock.advance(60n);
    expect(await polling).toEqual([2]);
    const again = poll(lab, startTimer(lab, 100n), input);
    source.give("x");
    expect(await again).toEqual([1]);
  });

  test("leaves nothing behind on a source that never answers", async () => {
    const lab = createLab({ stdin: new ManualSource() });
    const input = lab.call(STREAMS, `${IN}subscribe`, lab.call("wasi:cli/stdin", "get-stdin"));
    for (let i = 0; i < 1000; i++) {
      const timer = startTimer(lab, 1n);
      const polling = poll(lab, input, timer);
      lab.clock.advance(1n);
      expect(await polling).toEqual([1]);
      drop(timer);
    }
    expect(lab.clock.sleeping).toBe(0);
  });

  test("with no time to wait gives the event loop a turn, so that what has come is seen", async () => {
    const source = new ManualSource();
    const lab = createLab({ stdin: source });
    const input = lab.call(STREAMS, `${IN}subscribe`, lab.call("wasi:cli/stdin", "get-stdin"));
    const polling = poll(lab, startTimer(lab, 0n), input);
    source.give("x");
    expect(await polling).toEqual([1]);
    expect(await poll(lab, startTimer(lab, 0n), startTimer(lab, 9n))).toEqual([0]);
  });

  test("is not needed: a guest that only asks again and again sees time pass", async () => {
    const lab = createLab({ stdin: { read: () => new Promise((resolve) => setImmediate(() => resolve(utf8("x")))) } });
    const input = lab.call(STREAMS, `${IN}subscribe`, lab.call("wasi:cli/stdin", "get-stdin"));
    let answers = 0;
    while (!(await lab.call("wasi:io/poll", "[method]pollable.ready", input))) answers += 1;
    expect(answers).toBeLessThan(1000);
  });
});

describe("resources", () => {
  test.each(["stdin", "stdout"])("%s may not be dropped before its pollables", (name) => {
    const lab = createLab();
    const stream = lab.call(`wasi:cli/${name}`, `get-${name}`);
    const pollable = lab.call(STREAMS, `${name === "stdin" ? IN : OUT}subscribe`, stream);
    expect(() => drop(stream)).toThrow(WebAssembly.RuntimeError);
    drop(pollable);
    drop(pollable);
    drop(stream);
  });

  test("of another kind end the guest", () => {
    const lab = createLab();
    const output = lab.call("wasi:cli/stdout", "get-stdout");
    expect(() => lab.call(STREAMS, `${IN}read`, output, 1n)).toThrow(WebAssembly.RuntimeError);
    expect(() => lab.call(STREAMS, `${OUT}splice`, output, output, 1n)).toThrow(WebAssembly.RuntimeError);
    expect(() => lab.call("wasi:io/poll", "poll", [output])).toThrow(WebAssembly.RuntimeError);
    expect(() => lab.call("wasi:io/poll", "poll", [undefined])).toThrow(WebAssembly.RuntimeError);
  });
});

test("when the instance is over, the call in which the guest waits throws, and so does every later one", async () => {
  const lab = createLab({ stdin: new ManualSource() });
  const stream = lab.call("wasi:cli/stdin", "get-stdin");
  const reading = lab.call(STREAMS, `${IN}blocking-read`, stream, 1n);
  lab.preview2.end();
  await expect(reading).rejects.toMatchObject({ name: "Cancelled" });
  expect(() => lab.call(STREAMS, `${IN}blocking-read`, stream, 1n)).toThrow("the request is over");
  lab.preview2.end();
});
