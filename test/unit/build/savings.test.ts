import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { describe, expect, test } from "vitest";
import { readBlobSource } from "../../../src/build/blob-source.ts";
import { planBuild } from "../../../src/build/plan.ts";
import type { ProofSubject } from "../../../src/build/prove.ts";
import { runBuild } from "../../../src/build/run.ts";
import { findInstalledTool } from "../../../src/build/tools.ts";
import { NebulaError } from "../../../src/model/errors.ts";
import { decodeModule } from "../../../src/wasm/module.ts";
import { createManualClock, tempFolder } from "./support.ts";
import { buildWasm, COMMAND, HOOKED, noTools, provesWith, scriptTools, toWasmProject, wasmOf } from "./wasm-support.ts";

const main = { "main.wasm": COMMAND };
/** Appends an empty custom section: other bytes, the same program. */
const APPEND = String.raw`cp "$in" "$out"; printf '\000\002\001x' >> "$out"`;

async function mainOf(built: Awaited<ReturnType<typeof buildWasm>>): Promise<Uint8Array> {
  const source = built.blobs.get(wasmOf(built).main.digest);
  if (source === undefined) throw new Error("no blob");
  return await readBlobSource(source);
}

describe("a step that saves time", () => {
  test("is kept, recorded and told when the answers are the same and it is faster", async () => {
    const findTool = await scriptTools({ "wasm-ctor-eval": APPEND, "wasm-opt": APPEND });
    const built = await buildWasm(main, { run: { findTool, prove: provesWith([1.9, 0.11, 0.11, 0.11]) } });
    expect(built.notes).toMatchObject({ snapshot: "1.9 ms → 0.11 ms", optimise: "0.11 ms → 0.11 ms" });
    expect(wasmOf(built).savings).toEqual([
      { step: "snapshot", beforeMs: 1.9, afterMs: 0.11, isKept: true },
      { step: "optimise", beforeMs: 0.11, afterMs: 0.11, isKept: true },
    ]);
    expect(wasmOf(built).main.bytes).toBe(COMMAND.byteLength + 8);
  });

  test.each([
    ["is not faster", provesWith([1, 0.98, 1, 1.01]), "it is not faster"],
    ["changes an answer", provesWith([1, 0.1, 1, 0.1], ["a", "b", "a", "b"]), "an answer changed"],
  ])("is dropped when it %s", async (_name, prove, reason) => {
    const findTool = await scriptTools({ "wasm-ctor-eval": APPEND, "wasm-opt": APPEND });
    const built = await buildWasm(main, { run: { findTool, prove } });
    expect(wasmOf(built).savings).toMatchObject([
      { step: "snapshot", isKept: false, reason },
      { step: "optimise", isKept: false, reason },
    ]);
    expect(built.notes.snapshot).toContain(`dropped: ${reason}`);
    expect(await mainOf(built)).toEqual(Buffer.from(COMMAND));
  });

  test.each([
    ["fails", "echo 'Fatal: no such thing' >&2; exit 3", /^skipped: exit code 3, Fatal: no such thing$/],
    ["makes nothing", "exit 0", /^skipped: it made no file$/],
    [
      "makes what is no program",
      "echo x > $out",
      /^skipped: what it makes does not run: it is not a WebAssembly file$/,
    ],
    ["changes nothing", "cp $in $out", /^skipped: it changes nothing$/],
    ["dies", "kill -9 $$", /^skipped: ended by SIGKILL$/],
    ["writes without end", "ulimit -f 1; exec cat /dev/zero > $out", /^skipped: ended by SIGXFSZ|exit code/],
  ])("is skipped when its tool %s", async (_name, script, note) => {
    const findTool = await scriptTools({ "wasm-ctor-eval": script });
    const built = await buildWasm(main, { run: { findTool, prove: provesWith([]) } });
    expect(built.notes.snapshot).toMatch(note);
    expect(built.notes.optimise).toBe("skipped: binaryen is not installed");
    expect(wasmOf(built)).toMatchObject({ savings: [], main: { bytes: COMMAND.byteLength } });
  });

  test("is skipped when its tool hangs", async () => {
    const { clock, fire } = createManualClock();
    const dir = await tempFolder();
    const findTool = await scriptTools({ "wasm-opt": `touch ${dir}/started; sleep 100` });
    const building = buildWasm(main, { run: { findTool, clock, toolTimeoutMs: 7, prove: provesWith([]) } });
    await expect.poll(async () => (await readdir(dir)).length, { timeout: 10_000 }).toBe(1);
    fire(7);
    expect((await building).notes.optimise).toBe("skipped: still running after 7 ms");
  });

  test("is skipped when the program cannot be proved", async () => {
    const findTool = await scriptTools({ "wasm-ctor-eval": APPEND });
    const prove = async () => {
      throw new NebulaError("NEBULA_GUEST_TRAPPED", 'Cannot run "sample": unreachable');
    };
    const built = await buildWasm(main, { run: { findTool, prove } });
    expect(built.notes.snapshot).toBe('skipped: its proof request fails: Cannot run "sample": unreachable');
    const alone = await buildWasm(main, { run: { findTool } });
    expect(alone.notes.snapshot).toMatch(/^skipped: what it is worth has not been tried yet/);
    const silent = await buildWasm(main, { wasi: { proof: [] }, run: { findTool, prove } });
    expect(silent.notes.snapshot).toBe("skipped: there is no proof request");
  });

  test("is skipped when the answers are others each time anyway", async () => {
    const findTool = await scriptTools({ "wasm-ctor-eval": APPEND });
    let runs = 0;
    const prove = async () => ({ answers: String(runs++), medianMs: 1 });
    const built = await buildWasm(main, { run: { findTool, prove } });
    expect(built.notes.snapshot).toBe("skipped: its proof requests have other answers each time");
    expect(wasmOf(built).savings).toEqual([]);
  });

  test("warns where the author asked for a snapshot and there is none", async () => {
    const absent = await buildWasm({ "main.wasm": HOOKED }, { run: { findTool: noTools, prove: provesWith([]) } });
    expect(absent.notes.snapshot).toBe("skipped: @bytecodealliance/wizer is not installed");
    expect(absent.warnings).toMatchObject([{ severity: "warning", message: expect.stringContaining("wizer is not") }]);
    const findTool = await scriptTools({ wizer: "echo 'Error: the function trapped'; exit 1" });
    const failing = await buildWasm({ "main.wasm": HOOKED }, { run: { findTool, prove: provesWith([]) } });
    expect(failing.warnings).toMatchObject([{ message: expect.stringContaining("the function trapped") }]);
  });

  test("is given the files that ship with the program", async () => {
    const findTool = await scriptTools({ wizer: `cat files/data/a.txt; echo "error: $args"; exit 1` });
    const subjects: ProofSubject[] = [];
    const prove = async (subject: ProofSubject) => {
      subjects.push(subject);
      return { answers: "", medianMs: 1 };
    };
    const files = { "main.wasm": HOOKED, "data/a.txt": "a" };
    const built = await buildWasm(files, { mounts: { "/data": "data" }, run: { findTool, prove } });
    expect(built.notes.snapshot).toMatch(
      /--allow-wasi --init-func wizer-initialize --mapdir \/data::\/.*\/files\/data$/,
    );
    const eval1 = await scriptTools({ "wasm-ctor-eval": APPEND });
    await buildWasm(
      { ...files, "main.wasm": COMMAND },
      { mounts: { "/data": "data" }, run: { findTool: eval1, prove } },
    );
    expect([...(subjects[0]?.files ?? [])].map(([path, bytes]) => [path, String(bytes)])).toEqual([
      ["/data/a.txt", "a"],
    ]);
  });

  test("stops with the build", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const findTool = await scriptTools({ "wasm-ctor-eval": APPEND });
    const prove = async () => {
      controller.abort(reason);
      throw reason;
    };
    await expect(buildWasm(main, { run: { findTool, prove, signal: controller.signal } })).rejects.toBe(reason);
  });

  test("leaves nothing in the temporary folder", async () => {
    const before = (await readdir(tmpdir())).filter((name) => name.startsWith("nebula-tool-"));
    const findTool = await scriptTools({ "wasm-ctor-eval": APPEND, "wasm-opt": "exit 1" });
    await buildWasm(main, { run: { findTool, prove: provesWith([]) } });
    const after = (await readdir(tmpdir())).filter((name) => name.startsWith("nebula-tool-"));
    expect(after.filter((name) => !before.includes(name))).toEqual([]);
  });
});

describe("what a step was worth", () => {
  test("is remembered, so that the same program is the same artifact the next time", async () => {
    const dir = await tempFolder(main);
    const cacheDir = await tempFolder();
    const findTool = await scriptTools({ "wasm-ctor-eval": APPEND, "wasm-opt": "exit 1" });
    const build = async (times: readonly number[], wasi = {}) =>
      await runBuild(planBuild(toWasmProject(dir, { wasi })), {
        signal: new AbortController().signal,
        findTool,
        cacheDir,
        prove: provesWith(times),
      });
    const first = await build([2, 1]);
    expect((await build([5, 4])).forms).toEqual(first.forms);
    const other = await build([5, 4], { args: ["-x"] });
    expect(wasmOf(other).savings).toMatchObject([{ beforeMs: 5, afterMs: 4 }]);
  });
});

describe("the installed tools", () => {
  test("take away what a program does at its start", async () => {
    const built = await buildWasm(main, { run: { prove: provesWith([4, 3, 2, 1]) } });
    expect(wasmOf(built).savings).toContainEqual({ step: "snapshot", beforeMs: 4, afterMs: 3, isKept: true });
    const info = decodeModule(await mainOf(built));
    expect(info.data.length).toBeGreaterThan(0);
    expect(info.exports.map(({ name }) => name).sort()).toEqual(["_start", "memory"]);
  });

  test("snapshot a program that has a hook for it", async () => {
    if ((await findInstalledTool("wizer")) === undefined) {
      console.warn(`skipped: there is no Wizer for ${process.platform}-${process.arch}`);
      return;
    }
    const built = await buildWasm({ "main.wasm": HOOKED }, { run: { prove: provesWith([4, 3, 2, 1]) } });
    const info = decodeModule(await mainOf(built));
    expect(info.exports.map(({ name }) => name).sort()).toEqual(["_start", "memory"]);
    expect(info.data.some(({ content }) => content.includes(7))).toBe(true);
  });
});
