/** What the add-on promises to those who call it, and that it takes nothing else. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { callFib, FIB, findAddonFile, keepFib, loadAddonFile } from "../../support/addon.ts";

const PAGE = 65_536;
const file = await findAddonFile();
const addon = file === undefined ? undefined : loadAddonFile(file);

/** Bytes that look like chance and are the same each time. */
function makeNoise(length: number, seed = "a"): Uint8Array {
  const bytes = createHash("shake256", { outputLength: length }).update(seed).digest();
  return new Uint8Array(bytes.buffer, bytes.byteOffset, length);
}

const digestOf = (bytes: Uint8Array | ArrayBuffer) =>
  createHash("sha256")
    .update(bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes)
    .digest("hex");

describe.skipIf(addon === undefined)("machine code", () => {
  if (addon === undefined) return;

  it("is nothing while V8 has optimised nothing", () => {
    expect(addon.serialize(new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)))).toBeUndefined();
  });

  it("makes the module that it was made from", async () => {
    const module = addon.deserialize(FIB, await keepFib(addon));
    expect(module).toBeInstanceOf(WebAssembly.Module);
    if (module !== undefined) expect(callFib(module, 20)).toBe(6765);
  });

  it("is refused when it is cut short, or when any byte of it is another", async () => {
    const code = await keepFib(addon);
    const lengths = Array.from(code, (_, length) => length);
    expect(lengths.filter((length) => addon.deserialize(FIB, code.subarray(0, length)) !== undefined)).toEqual([]);
    const accepted = lengths.filter((at) => {
      const damaged = code.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      return addon.deserialize(FIB, damaged) !== undefined;
    });
    expect(accepted).toEqual([]);
  });

  it("is refused for another module", async () => {
    const code = await keepFib(addon);
    const other = FIB.slice();
    other[FIB.length - 3] = 0x6b;
    expect(callFib(new WebAssembly.Module(other), 5)).not.toBe(5);
    expect(addon.deserialize(other, code)).toBeUndefined();
  });

  it("is refused by a process with other flags, which compiles the module instead", async () => {
    const code = Buffer.from(await keepFib(addon)).toString("base64");
    const program = `
      const module = { exports: {} };
      process.dlopen(module, ${JSON.stringify(file)});
      const wire = Uint8Array.from(Buffer.from("${Buffer.from(FIB).toString("hex")}", "hex"));
      const kept = module.exports.deserialize(wire, new Uint8Array(Buffer.from("${code}", "base64")));
      const compiled = kept ?? new WebAssembly.Module(wire);
      console.log(kept !== undefined, new WebAssembly.Instance(compiled).exports.fib(20));
    `;
    const run = (flags: readonly string[]) =>
      spawnSync(process.execPath, [...flags, "-e", program], { encoding: "utf8", env: {} }).stdout.trim();
    expect(run([])).toBe("true 6765");
    expect(run(["--stack-size=900"])).toBe("false 6765");
  });
});

describe.skipIf(addon === undefined)("memory", () => {
  if (addon === undefined) return;

  const sizes = [1, 2, 17, 64, 256].map((pages) => ({ pages }));

  it.each(sizes)("of $pages pages is all zero again, whatever was written", ({ pages }) => {
    const memory = new WebAssembly.Memory({ initial: pages });
    const bytes = new Uint8Array(memory.buffer);
    const zero = digestOf(new Uint8Array(pages * PAGE));
    for (const stride of [1, 4_096, 12_345]) {
      for (let at = 0; at < bytes.length; at += stride) bytes[at] = 0xa5;
      bytes[bytes.length - 1] = 0x5a;
      addon.resetMemory(memory);
      expect(digestOf(memory.buffer)).toBe(zero);
    }
  });

  const images = [
    { pages: 1, at: 0, length: 1 },
    { pages: 4, at: PAGE, length: PAGE + 1 },
    { pages: 4, at: 2 * PAGE, length: 2 * PAGE },
    { pages: 200, at: 16 * PAGE, length: 150 * PAGE - 77 },
  ];

  it.each(images)(
    "of $pages pages shows an image of $length bytes at $at, each time again",
    ({ pages, at, length }) => {
      const image = makeNoise(length);
      const expected = new Uint8Array(pages * PAGE);
      expected.set(image, at);
      const memory = new WebAssembly.Memory({ initial: pages });
      new Uint8Array(memory.buffer).fill(7);
      const id = addon.createImage(image, at);
      addon.mapImage(id, memory);
      for (const stride of [1, 5_000, 100_001]) {
        addon.resetMemory(memory);
        expect(digestOf(memory.buffer)).toBe(digestOf(expected));
        const bytes = new Uint8Array(memory.buffer);
        for (let i = 0; i < bytes.length; i += stride) bytes[i] = 0x77;
      }
      addon.closeImage(id);
      addon.resetMemory(memory);
      expect(digestOf(memory.buffer)).toBe(digestOf(expected));
    },
  );

  it("shares nothing that is written with another that shows the same image", () => {
    const id = addon.createImage(makeNoise(PAGE), 0);
    const [one, other] = [0, 1].map(() => {
      const memory = new WebAssembly.Memory({ initial: 1 });
      addon.mapImage(id, memory);
      return memory;
    });
    if (one === undefined || other === undefined) return;
    const before = digestOf(other.buffer);
    new Uint8Array(one.buffer).fill(9);
    expect(digestOf(other.buffer)).toBe(before);
    addon.resetMemory(one);
    expect(digestOf(one.buffer)).toBe(before);
    addon.closeImage(id);
  });

  it("grows after it, and traps behind its end as before", () => {
    // (memory (import "n" "m") 1) (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    const hex =
      "0061736d01000000 0106 01 60 01 7f 01 7f 0208 01 01 6e 01 6d 02 00 01 0302 01 00 0708 01 04 6c6f6164 00 00" +
      "0a09 01 07 00 2000 2d0000 0b";
    const module = new WebAssembly.Module(Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex")));
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 5 });
    const { load } = new WebAssembly.Instance(module, { n: { m: memory } }).exports;
    if (typeof load !== "function") throw new TypeError("no export");
    const id = addon.createImage(new Uint8Array(PAGE).fill(3), PAGE);
    addon.mapImage(id, memory);
    addon.resetMemory(memory);
    expect(load(2 * PAGE - 1)).toBe(3);
    expect(() => load(2 * PAGE)).toThrow(WebAssembly.RuntimeError);
    memory.grow(2);
    expect(load(4 * PAGE - 1)).toBe(0);
    expect(() => load(4 * PAGE)).toThrow(WebAssembly.RuntimeError);
    new Uint8Array(memory.buffer).fill(1);
    addon.resetMemory(memory);
    expect([load(0), load(PAGE), load(2 * PAGE), load(4 * PAGE - 1)]).toEqual([0, 3, 0, 0]);
    expect(() => load(4 * PAGE)).toThrow(WebAssembly.RuntimeError);
    addon.closeImage(id);
  });
});

describe.skipIf(addon === undefined)("arguments", () => {
  if (addon === undefined) return;

  const call = (name: keyof typeof addon, ...args: unknown[]) => Reflect.apply(addon[name], undefined, args);
  const shared = new Uint8Array(new SharedArrayBuffer(8));
  const memory = () => new WebAssembly.Memory({ initial: 1 });
  const sharedMemory = () => Reflect.construct(WebAssembly.Memory, [{ initial: 1, maximum: 1, shared: true }]);
  const bytes = new Uint8Array(8);
  const proxied = new Proxy(memory(), {});

  const wrong: [keyof typeof addon, ...unknown[]][] = [
    ["serialize"],
    ["serialize", {}],
    ["serialize", Object.create(WebAssembly.Module.prototype)],
    ["deserialize", bytes],
    ["deserialize", "text", bytes],
    ["deserialize", bytes.buffer, bytes],
    ["deserialize", shared, bytes],
    ["deserialize", bytes, shared],
    ["createImage"],
    ["createImage", bytes],
    ["createImage", bytes, "0"],
    ["createImage", bytes, 1],
    ["createImage", bytes, -PAGE],
    ["createImage", bytes, PAGE + 0.5],
    ["createImage", bytes, Number.NaN],
    ["createImage", bytes, 2 ** 60],
    ["createImage", new Uint8Array(0), 0],
    ["createImage", shared, 0],
    ["createImage", new Uint16Array(8), 0],
    ["mapImage", 0, memory()],
    ["mapImage", 1e9, memory()],
    ["mapImage", "1", memory()],
    ["resetMemory"],
    ["resetMemory", new ArrayBuffer(PAGE)],
    ["resetMemory", memory().buffer],
    ["resetMemory", Object.create(WebAssembly.Memory.prototype)],
    ["resetMemory", proxied],
    ["resetMemory", sharedMemory()],
    ["closeImage"],
    ["closeImage", -1],
    ["closeImage", {}],
  ];

  it.each(wrong)("%s refuses what it is not made for: %j", (name, ...args) => {
    expect(() => call(name, ...args)).toThrow(/^(?:bytes|module|memory|an? (?:image|place)|the (?:image|place)) .*\w/);
  });

  it("mapImage refuses an image that does not fit, a closed one and a second one", () => {
    const fits = addon.createImage(new Uint8Array(PAGE), PAGE);
    expect(() => addon.mapImage(fits, memory())).toThrow(/within the memory/);
    expect(() => addon.mapImage(fits, new WebAssembly.Memory({ initial: 0 }))).toThrow(/within the memory/);
    const far = addon.createImage(new Uint8Array(1), 2 ** 53 - PAGE);
    expect(() => addon.mapImage(far, memory())).toThrow(/within the memory/);
    const target = new WebAssembly.Memory({ initial: 2 });
    addon.mapImage(fits, target);
    expect(() => addon.mapImage(fits, target)).toThrow(/one image/);
    for (const id of [fits, far]) addon.closeImage(id);
    expect(() => addon.mapImage(fits, memory())).toThrow(/not closed/);
    expect(() => addon.closeImage(fits)).toThrow(/not closed/);
  });

  it("an empty memory needs no reset", () => {
    expect(() => addon.resetMemory(new WebAssembly.Memory({ initial: 0 }))).not.toThrow();
  });
});

describe.skipIf(file === undefined)("a thread", () => {
  it("has images of its own, which go with it", async () => {
    const program = `
      const { parentPort } = require("node:worker_threads");
      const module = { exports: {} };
      process.dlopen(module, ${JSON.stringify(file)});
      const memory = new WebAssembly.Memory({ initial: 1 });
      const id = module.exports.createImage(Uint8Array.of(5), 0);
      module.exports.mapImage(id, memory);
      parentPort.postMessage([id, new Uint8Array(memory.buffer)[0]]);
    `;
    const images = () => readdirSync("/proc/self/fd").filter(isImage).length;
    const before = images();
    const threads = [0, 1].map(() => new Worker(program, { eval: true }));
    const told = await Promise.all(threads.map(async (thread) => await once(thread, "message")));
    expect(told).toEqual([[[1, 5]], [[1, 5]]]);
    await Promise.all(threads.map(async (thread) => await thread.terminate()));
    expect(images()).toBe(before);
  });
});

function isImage(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).includes("nebula-image");
  } catch {
    // because the descriptor of the listing itself is gone
    return false;
  }
}

describe.skipIf(file === undefined)("a system that denies", () => {
  /** Runs lines with `addon` in a process whose limits the shell sets. */
  const run = (limits: string, lines: string) => {
    const program = `
      const module = { exports: {} };
      process.dlopen(module, ${JSON.stringify(file)});
      const addon = module.exports;
      try { ${lines} } catch (error) { console.log(error.code, error.syscall); }
    `;
    const command = `${limits}; exec "$0" -e "$1"`;
    return spawnSync("/bin/sh", ["-c", command, process.execPath, program], { encoding: "utf8" }).stdout.trim();
  };

  it("descriptors makes createImage throw, and what was made before still works", () => {
    const lines = `
      const memory = new WebAssembly.Memory({ initial: 1 });
      const first = addon.createImage(Uint8Array.of(42), 0);
      try { for (;;) addon.createImage(Uint8Array.of(1), 0); } catch (error) { console.log(error.code); }
      addon.mapImage(first, memory);
      addon.closeImage(first);
      console.log(new Uint8Array(memory.buffer)[0], addon.createImage(Uint8Array.of(1), 0) > first);
    `;
    expect(run("ulimit -n 40", lines)).toBe("EMFILE\n42 true");
  });

  it("the kernel's word on pages leaves resetMemory slower and as thorough", () => {
    const lines = `
      const { closeSync, readdirSync, readlinkSync } = require("node:fs");
      const isPagemap = (fd) => { try { return readlinkSync("/proc/self/fd/" + fd).endsWith("/pagemap"); } catch {} };
      const found = readdirSync("/proc/self/fd").filter(isPagemap);
      for (const fd of found) closeSync(Number(fd));
      const memory = new WebAssembly.Memory({ initial: 4 });
      addon.mapImage(addon.createImage(new Uint8Array(70_000).fill(8), 65_536), memory);
      const bytes = new Uint8Array(memory.buffer).fill(1);
      addon.resetMemory(memory);
      console.log(found.length, bytes.every((byte, at) => byte === (at >= 65_536 && at < 135_536 ? 8 : 0)));
    `;
    expect(run(":", lines)).toBe("1 true");
  });
});
