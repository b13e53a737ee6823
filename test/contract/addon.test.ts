/** A guest process gets its add-on through the sandbox, and from then on may load nothing more. */

import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, describe, expect, it } from "vitest";
import { buildGuestBootstrap } from "../../src/build/guest-bootstrap.ts";
import { ADDON_FD, BINARY_FD, createSandbox, FRAMES_FD, inspectMachine } from "../../src/engine/guest/sandbox.ts";
import { FIB, findAddonFile, keepFib, loadAddonFile } from "../support/addon.ts";

const file = await findAddonFile();
const dir = await mkdtemp(join(tmpdir(), "nebula-addon-"));
await mkdir(join(dir, "empty"));
const binaryFd = openSync(process.execPath, "r");
const addonFd = file === undefined ? undefined : openSync(file, "r");
const loader = await buildGuestBootstrap(join(import.meta.dirname, "../../src/engine/wasi/addon/load-addon.guest.ts"));
const sandbox = createSandbox(inspectMachine());
const memoryBytes = 128 * 1024 * 1024;

afterAll(async () => {
  closeSync(binaryFd);
  if (addonFd !== undefined) closeSync(addonFd);
  await rm(dir, { recursive: true, force: true });
});

/** Runs lines in a process as a guest's is started; `tell` is what comes back. */
async function run(lines: string, options: { mayLoadAddon: boolean; addonFd: number | undefined }): Promise<unknown> {
  const { file, args } = sandbox.command({ index: 1, memoryBytes, mayLoadAddon: options.mayLoadAddon });
  const descriptors = ["pipe", "ignore", "pipe", "pipe", binaryFd, options.addonFd] as const;
  expect([FRAMES_FD, BINARY_FD, ADDON_FD]).toEqual([3, 4, descriptors.length - 1]);
  const stdio = descriptors.filter((each) => each !== undefined);
  const child = spawn(file, [...args], { cwd: join(dir, "empty"), env: {}, detached: true, stdio });
  child.stdin?.end(`${loader}
    import { Socket } from "node:net";
    const tell = (value) => new Socket({ fd: 3 }).end(JSON.stringify(value));
    const every = ["addon", "fs", "fs.read", "fs.write", "net", "child", "worker", "wasi", "inspector", "ffi"];
    const granted = () => every.filter((scope) => process.permission.has(scope));
    const attempt = (run) => { try { return run() ?? "done"; } catch (error) { return error.code ?? error.message; } };
    const load = (path) => attempt(() => process.dlopen({ exports: {} }, path));
    ${lines}`);
  const frames = child.stdio[FRAMES_FD];
  if (frames === null || frames === undefined || !("setEncoding" in frames) || child.stderr === null)
    return "no socket";
  const [told, stderr] = await Promise.all([text(frames), text(child.stderr)]);
  return told === "" ? stderr : JSON.parse(told);
}

describe.skipIf(addonFd === undefined)("a guest process with the add-on", () => {
  it("loads it once, and then has lost every right", async () => {
    const lines = `
      const before = granted();
      const addon = loadAddon(5);
      const paths = ["/proc/self/fd/5", ${JSON.stringify(file)}, "/proc/self/exe"];
      tell({ before, functions: Object.keys(addon), after: granted(), again: paths.map(load), more: loadAddon(5) });
    `;
    expect(await run(lines, { mayLoadAddon: true, addonFd })).toEqual({
      before: ["addon"],
      functions: ["serialize", "deserialize", "createImage", "mapImage", "resetMemory", "closeImage"],
      after: [],
      again: ["ERR_ACCESS_DENIED", "ERR_ACCESS_DENIED", "ERR_ACCESS_DENIED"],
      more: { reason: expect.stringContaining("Access to this API has been restricted") },
    });
  });

  it("takes machine code of another process of its kind, and gives its own", async () => {
    const wire = `Uint8Array.from(Buffer.from("${Buffer.from(FIB).toString("hex")}", "hex"))`;
    const call = (module: string) => `new WebAssembly.Instance(${module}).exports.fib(20)`;
    const make = `
      const addon = loadAddon(5);
      const module = new WebAssembly.Module(${wire});
      new WebAssembly.Instance(module).exports.fib(27);
      let code;
      while ((code = addon.serialize(module)) === undefined) await new Promise((resolve) => setImmediate(resolve));
      tell(Buffer.from(code).toString("base64"));
    `;
    const code = await run(make, { mayLoadAddon: true, addonFd });
    const use = (base64: unknown) => `
      const kept = loadAddon(5).deserialize(${wire}, new Uint8Array(Buffer.from("${base64}", "base64")));
      tell(kept === undefined ? "refused" : ${call("kept")});
    `;
    expect(await run(use(code), { mayLoadAddon: true, addonFd })).toBe(6765);
    // This process has other flags than a guest.
    if (file === undefined) return;
    const ours = Buffer.from(await keepFib(loadAddonFile(file))).toString("base64");
    expect(await run(use(ours), { mayLoadAddon: true, addonFd })).toBe("refused");
  });

  it("maps and resets memories within its limits", async () => {
    const lines = `
      const addon = loadAddon(5);
      const image = addon.createImage(new Uint8Array(8_000_000).fill(7), 65_536);
      const memories = Array.from({ length: 20 }, () => new WebAssembly.Memory({ initial: 160 }));
      for (const memory of memories) {
        addon.mapImage(image, memory);
        new Uint8Array(memory.buffer).fill(1);
        addon.resetMemory(memory);
      }
      const bytes = memories.map(({ buffer }) => new Uint8Array(buffer));
      tell([bytes.every((each) => each[65_535] === 0 && each[65_536] === 7 && each[8_065_536] === 0), granted()]);
    `;
    expect(await run(lines, { mayLoadAddon: true, addonFd })).toEqual([true, []]);
  });

  it("holds hundreds of images, and throws when there are too many", async () => {
    const lines = `
      const addon = loadAddon(5);
      let count = 0;
      const full = attempt(() => { for (;; count++) addon.createImage(Uint8Array.of(count), 0); });
      tell([full, count > 900 && count < 1_024]);
    `;
    expect(await run(lines, { mayLoadAddon: true, addonFd })).toEqual(["EMFILE", true]);
  });

  it("keeps fault-free pages: the kernel tells it which it has written", async () => {
    const lines = `
      const addon = loadAddon(5);
      const memory = new WebAssembly.Memory({ initial: 16 });
      const bytes = new Uint8Array(memory.buffer);
      const faults = () => process.resourceUsage().minorPageFault;
      const touch = () => { for (let at = 0; at < bytes.length; at += 4_096) bytes[at] = 1; };
      touch();
      addon.resetMemory(memory);
      faults();
      const before = faults();
      touch();
      tell(faults() - before);
    `;
    expect(await run(lines, { mayLoadAddon: true, addonFd })).toBeLessThan(100);
  });

  it("is refused it when the command does not allow it", async () => {
    const reason = expect.stringMatching(/it cannot be loaded: .*(?:restricted|disabled)/);
    const lines = `tell([loadAddon(5), granted(), load("/proc/self/fd/5")]);`;
    expect(await run(lines, { mayLoadAddon: false, addonFd })).toEqual([
      { reason },
      [],
      expect.stringMatching(/^ERR_(?:DLOPEN_DISABLED|ACCESS_DENIED)$/),
    ]);
  });
});

describe("a guest process without the add-on", () => {
  it.each([true, false])("says why and has no right either (allowed: %s)", async (mayLoadAddon) => {
    const lines = `tell([loadAddon(5), granted(), load("/proc/self/fd/5"), load("/proc/self/fd/4")]);`;
    const refused = expect.stringMatching(/^ERR_(?:DLOPEN_DISABLED|ACCESS_DENIED)$/);
    const reason = expect.stringMatching(/^it cannot be loaded: ./);
    expect(await run(lines, { mayLoadAddon, addonFd: undefined })).toEqual([{ reason }, [], refused, refused]);
  });

  it("is not misled by a file that is no add-on", async () => {
    const lines = `tell([loadAddon(5), granted()]);`;
    const reason = expect.stringMatching(/^it cannot be loaded: ./);
    expect(await run(lines, { mayLoadAddon: true, addonFd: binaryFd })).toEqual([{ reason }, []]);
  });
});
