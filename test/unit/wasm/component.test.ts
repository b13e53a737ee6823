import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { Component, Definition } from "../../../src/wasm/component/component.ts";
import { decodeComponent } from "../../../src/wasm/component/decode.ts";
import { judgeComponent } from "../../../src/wasm/component-verdict.ts";
import { listCoreModules, replaceCoreModules } from "../../../src/wasm/nested-modules.ts";
import { concatBytes, toSection } from "../../../src/wasm/writer.ts";
import { assembleWat } from "../../support/wat.ts";

const HEADER = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00);
const ONE = assembleWat(`(module (func (export "one")))`);
const TWO = assembleWat(`(module (func (export "two") (result i32) (i32.const 2)))`);

const toComponent = (...sections: Uint8Array[]) => concatBytes([HEADER, ...sections]);
const nested = toComponent(toSection(1, TWO));
const component = toComponent(toSection(1, ONE), toSection(4, nested), toSection(0, Uint8Array.of(1, 0x78, 9)));

describe("the core modules of a component", () => {
  test("are found, those of nested components too", () => {
    expect(listCoreModules(component)).toEqual([ONE, TWO]);
    expect(listCoreModules(HEADER)).toEqual([]);
  });

  test("are replaced where they stand", () => {
    expect(replaceCoreModules(component, [ONE, TWO])).toEqual(component);
    const swapped = replaceCoreModules(component, [TWO, ONE]);
    expect(listCoreModules(swapped)).toEqual([TWO, ONE]);
    expect(decodeComponent(swapped).definitions.map(({ kind }) => kind)).toEqual(["core module", "component"]);
  });

  test.each([
    ["a module", ONE],
    ["a cut component", component.slice(0, 20)],
  ])("are not found in %s", (_name, bytes) => {
    expect(() => listCoreModules(bytes)).toThrow(/begin as a WebAssembly component|ends too early/);
  });

  test("are not looked for without end", () => {
    let deep: Uint8Array = HEADER;
    for (let i = 0; i < 60; i++) deep = toComponent(toSection(4, deep));
    expect(() => listCoreModules(deep)).toThrow(/nested deeper than 50/);
  });
});

/** An import of an interface with one function. */
function importOf(name: string): Definition[] {
  return [
    {
      kind: "type",
      type: {
        kind: "instance",
        declarations: [{ kind: "declared export", name: "call", what: { kind: "function", index: 0 } }],
      },
    },
    { kind: "import", name, what: { kind: "instance", index: 0 } },
  ];
}

const exportOf = (name: string): Definition => ({ kind: "export", item: { name, sort: "instance", index: 0 } });
const judge = (...definitions: Definition[]) => judgeComponent({ definitions } satisfies Component);

describe("a component", () => {
  test.each([
    ["wasi:http/incoming-handler@0.2.10", "http"],
    ["wasi:cli/run@0.2.0", "command"],
  ])("that exports %s runs as %s", (name, runsAs) => {
    expect(judge(exportOf(name))).toEqual({ runsAs, problems: [] });
  });

  test.each(["wasi:io/streams@0.2.3", "wasi:filesystem/types@0.2.0", "wasi:sockets/tcp@0.2.1"])(
    "may import %s",
    (name) => {
      expect(judge(...importOf(name), exportOf("wasi:cli/run@0.2.0")).problems).toEqual([]);
    },
  );

  test.each(["wasi:keyvalue/store@0.2.0", "acme:db/query", "wasi:io/streams@0.3.0", "wasi:io/streams"])(
    "may not import %s",
    (name) => {
      const [problem] = judge(...importOf(name), exportOf("wasi:cli/run@0.2.0")).problems;
      expect(problem?.message).toBe(`it imports what a function does not get: ${name}`);
    },
  );

  test("without an entry is told what it has instead", () => {
    expect(judge(exportOf("acme:db/query")).problems[0]?.message).toMatch(/its exports are acme:db\/query$/);
    expect(judge().problems[0]?.message).toMatch(/it exports nothing$/);
  });

  test("of this repository runs", async () => {
    const bytes = await readFile(new URL("../../../functions/stream-component/stream-component.wasm", import.meta.url));
    expect(judgeComponent(decodeComponent(bytes))).toEqual({ runsAs: "http", problems: [] });
    expect(Buffer.from(replaceCoreModules(bytes, listCoreModules(bytes))).equals(bytes)).toBe(true);
  });
});
