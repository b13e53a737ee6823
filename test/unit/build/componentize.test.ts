/** The step "componentize": what it makes, and how it says no. */

import { afterAll, describe, expect, it } from "vitest";
import { joinGuest } from "../../../src/build/componentize/guest-text.ts";
import { writeProgram } from "../../../src/build/componentize/program-text.ts";
import { renameToWasi } from "../../../src/build/componentize/rename.ts";
import { createEsbuild } from "../../../src/build/esbuild.ts";
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
    const step = openComponentizeStep({ project, esbuild, clock: systemClock, isInstalled: () => false });
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
});
