/** Components are taken apart, and bytes that are none are refused. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decodeComponent } from "../../../src/wasm/component/decode.ts";
import { listExports, listImports } from "../../../src/wasm/component/list.ts";
import { WasmError } from "../../../src/wasm/reader.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

function readFixture(name: string): Uint8Array {
  return readFileSync(new URL(`../../fixtures/wasm/${name}.wasm`, import.meta.url));
}

const section = (id: number, ...content: number[]) => [id, ...toLeb(content.length), ...content];
const component = (...sections: number[][]) => Uint8Array.from([...HEADER, ...sections.flat()]);

function toLeb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...toLeb(value >>> 7)];
}

describe("decodeComponent()", () => {
  test("cuts core modules out and counts them over nested components", () => {
    const walk = (each: ReturnType<typeof decodeComponent>): number[] =>
      each.definitions.flatMap((definition) => {
        if (definition.kind === "component") return walk(definition.component);
        if (definition.kind !== "core module") return [];
        expect(WebAssembly.validate(Uint8Array.from(definition.bytes))).toBe(true);
        return [definition.number];
      });
    expect(walk(decodeComponent(readFixture("nested")))).toEqual([0, 1, 2, 3, 4]);
  });

  test("does not copy core modules", () => {
    const bytes = readFixture("traps");
    const module = decodeComponent(bytes).definitions.find((each) => each.kind === "core module");
    expect(module?.bytes.buffer).toBe(bytes.buffer);
  });

  test("takes an empty component", () => {
    expect(decodeComponent(component()).definitions).toEqual([]);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(), /does not begin as/],
    ["a core module", Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]), /does not begin as/],
    ["a section that is longer than the file", component([7, 100]), /ends too early/],
    ["a section with more than its content", component(section(7, 0x01, 0x7f, 0x00)), /longer than its content/],
    ["an unknown section", component(section(13)), /no section 13/],
    ["a start function", component(section(9, 0x01, 0x00)), /start functions/],
    ["values", component(section(12, 0x01, 0x00)), /values are not supported/],
    ["a list that cannot be", component(section(7, 0xff, 0xff, 0xff, 0xff, 0x0f)), /does not fit/],
    ["a stream", component(section(7, 0x01, 0x66, 0x00)), /streams are not supported/],
    ["a future", component(section(7, 0x01, 0x65, 0x00)), /futures are not supported/],
    ["an asynchronous function", component(section(7, 0x01, 0x43, 0x00, 0x01, 0x00)), /asynchronous functions/],
    ["an unknown type", component(section(7, 0x01, 0x11)), /no type 0x11/],
    ["an empty record", component(section(7, 0x01, 0x72, 0x00)), /has no parts/],
    ["a resource that is no i32", component(section(7, 0x01, 0x3f, 0x7e, 0x00)), /something else than an i32/],
    ["task.return", component(section(8, 0x01, 0x09, 0x01, 0x00, 0x00)), /task\.return is not supported/],
    ["waitable-set.new", component(section(8, 0x01, 0x1f)), /waitable-set\.new/],
    ["an asynchronous lift", component(section(8, 0x01, 0, 0, 0, 0x01, 0x06, 0)), /option async/],
    ["a lift with two encodings", component(section(8, 0x01, 0, 0, 0, 0x02, 0, 1, 0)), /encoding is there twice/],
    ["an import of a value", component(section(10, 0x01, 0x00, 0x01, 0x61, 0x02, 0x01, 0x7f)), /values as imports/],
    ["an outer alias of an instance", component(section(6, 0x01, 0x05, 0x02, 0x00, 0x00)), /no outer alias/],
  ])("refuses %s", (_what, bytes, message) => {
    expect(() => decodeComponent(bytes)).toThrow(WasmError);
    expect(() => decodeComponent(bytes)).toThrow(message);
  });

  test("refuses components that are nested without end", () => {
    let bytes = component();
    for (let i = 0; i < 100; i++) bytes = component(section(4, ...bytes));
    expect(() => decodeComponent(bytes)).toThrow(/nested deeper than 50/);
  });

  test("refuses types that are nested without end", () => {
    const depth = 5000;
    const types = Array.from({ length: depth }, () => [0x42, 0x01, 0x01]).flat();
    expect(() => decodeComponent(component(section(7, 0x01, ...types, 0x7f)))).toThrow(/nested deeper than 50/);
  });

  test.each(["identity", "nested", "resources", "traps"])(
    "refuses %s cut off anywhere but between sections",
    (name) => {
      const bytes = readFixture(name);
      let whole = 0;
      for (let length = 0; length < bytes.byteLength; length++) {
        try {
          decodeComponent(bytes.subarray(0, length));
          whole += 1;
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(WasmError);
        }
      }
      expect(whole).toBeGreaterThan(0);
      expect(whole).toBeLessThan(bytes.byteLength / 10);
    },
  );
});

describe("listImports() and listExports()", () => {
  test("name interfaces with their functions", () => {
    const resources = decodeComponent(readFixture("resources"));
    expect(listImports(resources)).toEqual([
      { name: "test:host/things@0.2.7", functions: ["[constructor]thing", "[method]thing.value", "consume"] },
    ]);
    expect(listExports(resources)).toEqual([{ name: "$root", functions: expect.arrayContaining(["round", "look"]) }]);
  });

  test("look into nested components", () => {
    const nested = decodeComponent(readFixture("nested"));
    expect(listImports(nested)).toEqual([{ name: "$root", functions: ["wait"] }]);
    expect(listExports(nested)).toEqual([
      { name: "test:nested/one@0.2.0", functions: ["use", "echo"] },
      { name: "test:nested/two@0.3.0", functions: ["use", "echo"] },
      { name: "$root", functions: ["alive"] },
    ]);
  });
});
