/** The step "componentize": what it makes, and how it says no. */

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { createComponentCache } from "../../../src/build/componentize/component-cache.ts";
import { joinGuest } from "../../../src/build/componentize/guest-text.ts";
import { Printed } from "../../../src/build/componentize/prelude/printed.ts";
import { findPrinted } from "../../../src/build/componentize/printed-lines.ts";
import { writeProgram } from "../../../src/build/componentize/program-text.ts";
import { renameToWasi } from "../../../src/build/componentize/rename.ts";
import { createEsbuild } from "../../../src/build/esbuild.ts";
import { toJsArtifact } from "../../../src/build/js-artifact.ts";
import { openComponentizeStep } from "../../../src/build/steps/componentize.ts";
import { systemClock } from "../../../src/model/ports.ts";
import { rejectionOf } from "../../support/capabilities.ts";
import { toProject } from "../../support/wasi-js-lab.ts";

const esbuild = createEsbuild();
afterAll(() => esbuild[Symbol.asyncDispose]());
const signal = new AbortController().signal;
const write = (main: string, modules: Parameters<typeof writeProgram>[0]["modules"] = []) =>
  writeProgram({ main, modules, sourceMap: undefined }, { esbuild, signal });

describe("componentize", () => {
  it("says what to install when the tool is not there", async () => {
    const project = toProject("/nowhere", { files: {} });
    const step = openComponentizeStep({
      project,
      esbuild,
      clock: systemClock,
      findTool: async () => undefined,
      cacheDir: undefined,
    });
    const error = await rejectionOf(step.run({ signal, earlier: [] }));
    expect(error.code).toBe("NEBULA_BUILD_FAILED");
    expect(error.details.step).toBe("componentize");
    expect(error.hint).toContain("npm install componentize-qjs");
  });

  it("puts the top level into a function that may wait, without any await of the engine", async () => {
    const { code } = await write(
      "const x = await 1;\nfor await (const y of [x]) y;\nexport { x as default, x as other };",
    );
    expect(code).not.toMatch(/\b(?:async|await)\b/);
    expect(code).toMatch(/default: x/);
    expect(code).toMatch(/other: x/);
  });

  it("inlines bytes that the function imports", async () => {
    const data = { name: "./raw.bin", kind: "data", content: Uint8Array.of(0, 255) } as const;
    expect((await write('import raw from "./raw.bin"; export default raw;', [data])).code).toContain(
      'fromBase64("AP8=")',
    );
  });

  it.each([
    ["node:fs", "JavaScript in Wasm has no modules of Node"],
    ["./gone.js", "it is no module of the function"],
  ])("refuses the import of %s where it stands", async (name, why) => {
    const error = await rejectionOf(write(`\nimport * as it from "${name}"; export default it;`));
    expect(error.code).toBe("NEBULA_BUILD_FAILED");
    expect(error.diagnostics[0]).toMatchObject({ line: 2, message: `Cannot import "${name}": ${why}` });
  });

  it("moves the map down by what stands above the function", async () => {
    const program = await write("export default () => { throw new TypeError('x'); };");
    const { code, sourceMap } = joinGuest("first\nsecond", program, "module");
    const above = code.split("\n").findIndex((line) => line.startsWith("var __program"));
    expect(sourceMap.mappings.startsWith(";".repeat(above) + program.sourceMap.mappings.slice(0, 3))).toBe(true);
  });

  it("gives imports and exports the names of WASI, and leaves modules alone", () => {
    const name = Buffer.from("nebu:io/poll");
    const section = (id: number) => Buffer.from([id, name.length, ...name]);
    const component = Buffer.concat([Buffer.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]), section(1), section(10)]);
    const renamed = Buffer.from(renameToWasi(component)).toString("latin1");
    expect(renamed.slice(10, 22)).toBe("nebu:io/poll");
    expect(renamed.slice(24)).toBe("wasi:io/poll");
  });

  it("finds what the top level printed between anything else", () => {
    const printed = new Printed();
    printed.add("one\0");
    printed.add("two é");
    printed.keep();
    expect(printed.keptBytes).toBeGreaterThan(10);
    expect(findPrinted(Buffer.from("nothing"))).toBe("");
    const snapshot = Buffer.from("abc nebula\u0003top-level\u0003printed\u0003hello\nyou\n\u0004def");
    expect(findPrinted(snapshot)).toBe("hello\nyou\n");
  });
});

describe("componentize: components made before", () => {
  const COMPONENT = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];

  /** Runs the step with a tool that tells how often it was asked. */
  async function openCounted() {
    const dir = await mkdtemp(join(tmpdir(), "nebula-components-"));
    onTestFinished(() => rm(dir, { recursive: true, force: true }));
    const asked = join(dir, "asked");
    await writeFile(asked, "");
    const write = `fs.appendFileSync(${JSON.stringify(asked)}, "x"); fs.writeFileSync(process.argv[1] + "/component.wasm", Uint8Array.of(${COMPONENT}))`;
    const cacheDir = join(dir, "cache");
    const run = async (main: string, version = "1") => {
      const tool = { file: process.execPath, args: ["-e", write], version };
      const project = toProject("/nowhere", { files: {} });
      const step = openComponentizeStep({ project, esbuild, clock: systemClock, findTool: async () => tool, cacheDir });
      const file = { name: "index.js", kind: "js", content: Buffer.from(main) } as const;
      return await step.run({ signal, earlier: [toJsArtifact({ main: file, modules: [], style: "module" })] });
    };
    return { cacheDir, run, count: async () => (await readFile(asked)).length };
  }

  it("makes the same function once, and another one or with another tool anew", async () => {
    const { run, count } = await openCounted();
    expect((await run("export default 1;")).note).toBeUndefined();
    const again = await run("export default 1;");
    expect(again.note).toBe("made before");
    expect([...(again.program?.bytes ?? [])]).toEqual(COMPONENT);
    expect(await count()).toBe(1);
    await run("export default 2;");
    await run("export default 1;", "2");
    expect(await count()).toBe(3);
  });

  it("makes anew what is damaged", async () => {
    const { cacheDir, run, count } = await openCounted();
    await run("export default 1;");
    const folder = join(cacheDir, "components-v1");
    for (const name of await readdir(folder)) await writeFile(join(folder, name), "sha256:0\nother");
    expect([...((await run("export default 1;")).program?.bytes ?? [])]).toEqual(COMPONENT);
    expect(await count()).toBe(2);
  });

  it("keeps the last ones, not all", async () => {
    const { cacheDir } = await openCounted();
    const cache = createComponentCache(cacheDir);
    for (let i = 0; i < 40; i++) await cache.keep(`sha256:${String(i).padStart(64, "0")}`, Uint8Array.of(i));
    expect(await readdir(join(cacheDir, "components-v1"))).toHaveLength(32);
  });
});
