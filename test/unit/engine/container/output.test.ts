import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { ContainerOutput, Demultiplexer } from "../../../../src/engine/container/output.ts";
import { createFakeClock } from "../../../support/fake-clock.ts";

/** A frame as Docker sends it. */
function frame(kind: number, text: string | Buffer): Buffer {
  const bytes = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = kind;
  header.writeUInt32BE(bytes.byteLength, 4);
  return Buffer.concat([header, bytes]);
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

function open() {
  const clock = createFakeClock();
  const lines: string[] = [];
  const output = new ContainerOutput({ clock, log: (level, text) => void lines.push(`${level} ${text}`) });
  const source = new PassThrough();
  output.read(source);
  return { clock, lines, output, source };
}

describe("Demultiplexer", () => {
  it("takes frames apart wherever they are cut", () => {
    const all = Buffer.concat([frame(1, "one"), frame(2, "two\n"), frame(1, ""), frame(1, "three")]);
    for (let step = 1; step < all.byteLength; step++) {
      const got = { stdout: "", stderr: "" };
      const demultiplexer = new Demultiplexer((name, bytes) => {
        got[name] += bytes;
      });
      for (let at = 0; at < all.byteLength; at += step) demultiplexer.push(all.subarray(at, at + step));
      expect(got).toEqual({ stdout: "onethree", stderr: "two\n" });
    }
  });

  it("refuses what is no frame", () => {
    const demultiplexer = new Demultiplexer(() => {});
    expect(() => demultiplexer.push(Buffer.from("HTTP/1.1 200"))).toThrow("Docker sends no frames");
  });
});

describe("ContainerOutput", () => {
  it("writes lines with the level of their output, cut where a line is too long, the last without its end", async () => {
    const { lines, output, source } = open();
    source.write(frame(1, "a\r\nb"));
    source.write(frame(2, "wrong\n"));
    source.write(frame(1, "c\n\n"));
    source.end(frame(1, `${"x".repeat(10_000)}\nend`));
    await new Promise((resolve) => source.once("close", resolve));
    expect(lines.map((line) => line.slice(0, 12))).toEqual([
      "log a",
      "error wrong",
      "log bc",
      "log xxxxxxxx",
      "log xxxxxxxx",
      "log end",
    ]);
    expect(output.tail.endsWith("x\nend")).toBe(true);
    expect(output.tail.length).toBeLessThanOrEqual(4_096);
    output[Symbol.dispose]();
  });

  it("lets a container that prints without end wait, and says how much is not in the log", async () => {
    const { clock, lines, output, source } = open();
    const piece = frame(1, `${"x".repeat(999)}\n`.repeat(60));
    for (let i = 0; i < 40; i++) source.write(piece);
    await settle();
    expect(source.isPaused()).toBe(true);
    const logged = lines.join("").length;
    expect(logged).toBeGreaterThan(60_000);
    expect(logged).toBeLessThan(80_000);
    clock.pass(1_000);
    expect(lines.at(-1)).toMatch(/^warn .* of output are not in the log: .* waits for the rest to be read$/);
    expect(source.isPaused()).toBe(false);
    output[Symbol.dispose]();
    expect(clock.waiting).toBe(0);
  });

  it("counts what a line costs besides its text, so that lines without any cannot take the node's time or its disk", async () => {
    for (const line of ["a\n", "\n"]) {
      const { clock, lines, output, source } = open();
      for (let i = 0; i < 20; i++) source.write(frame(1, line.repeat(10_000)));
      await settle();
      expect(source.isPaused()).toBe(true);
      expect(lines.length).toBeLessThan(2_100);
      clock.pass(1_000);
      output[Symbol.dispose]();
    }
  });
});
