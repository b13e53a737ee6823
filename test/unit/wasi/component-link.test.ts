/** What cannot be linked is refused with its reason, and whatever the bytes say, neither linking nor running hangs. */

import { describe, expect, test } from "vitest";
import { ComponentLinkError } from "../../../src/engine/wasi/component/trap.guest.ts";
import { compile, PLAIN, readFixture } from "./component-lab.ts";

const things = {
  "[constructor]thing": () => ({}),
  "[method]thing.value": () => 1,
  consume: () => 1,
};

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const section = (id: number, ...content: number[]) => [id, ...toLeb(content.length), ...content];
const component = (...sections: number[][]) => Uint8Array.from([...HEADER, ...sections.flat()]);

function toLeb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...toLeb(value >>> 7)];
}

const text = (value: string) => [value.length, ...new TextEncoder().encode(value)];
/** `(module (import "<module>" "<name>" (func)))` */
const importing = (module: string, name: string) =>
  section(
    1,
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, 0x01, 0x60, 0x00, 0x00),
    ...section(2, 0x01, ...text(module), ...text(name), 0x00, 0x00),
  );
const instantiate = section(2, 0x01, 0x00, 0x00, 0x00);

describe("imports", () => {
  test("that are missing are listed all at once", () => {
    expect(() => compile(readFixture("resources"), {})).toThrow(ComponentLinkError);
    expect(() => compile(readFixture("resources"), {})).toThrow(
      "Cannot link component: it imports what is not offered here: " +
        "test:host/things@0.2.7 ([constructor]thing, [method]thing.value, consume)",
    );
    expect(() => compile(readFixture("traps"), { $root: { call: () => {} } })).toThrow(/here: \$root \(give\)$/);
  });

  test("are found whatever release of 0.2 they name, and under their whole name", () => {
    compile(readFixture("resources"), { "test:host/things": things });
    compile(readFixture("resources"), { "test:host/things@0.2.7": things });
    expect(() => compile(readFixture("resources"), { "test:host/things@0.2.6": things })).toThrow(ComponentLinkError);
  });

  test("are not answered by what every object has", () => {
    const bytes = component(
      section(7, 0x01, 0x40, 0x00, 0x01, 0x00),
      section(10, 0x01, 0x00, ...text("toString"), 1, 0),
    );
    expect(() => compile(bytes, { $root: {} })).toThrow(/\$root \(toString\)/);
  });
});

describe("core modules", () => {
  test.each([
    ["constructor", "keys"],
    ["toString", "call"],
    ["__proto__", "valueOf"],
    ["env", "f"],
  ])("that import %s.%s without being given it are refused", (module, name) => {
    expect(() => compile(component(importing(module, name), instantiate), {})).toThrow(
      `Cannot link component: a core module imports "${module}" "${name}", which nothing is`,
    );
  });

  test("that import from a selection what is not in it are refused", () => {
    const bundle = section(2, 0x02, 0x01, 0x00, 0x00, 0x00, 0x01, ...text("constructor"), 0x12, 0x00);
    expect(() => compile(component(importing("constructor", "call"), bundle), {})).toThrow(/which nothing is/);
  });
});

describe("malformed components", () => {
  const PAIR = [0x6f, 0x02];
  test.each<[string, Uint8Array, RegExp]>([
    ["an index that leads nowhere", component(section(7, 0x01, 0x70, 0x05)), /no type 5/],
    ["an alias out of everything", component(section(6, 0x01, 0x03, 0x02, 0x09, 0x00)), /no 9 components around/],
    ["an instance of a module that is not there", component(instantiate), /no core module 0/],
    [
      "a field that is no name",
      component(section(7, 0x01, 0x72, 0x01, ...text("__proto__"), 0x7f)),
      /no name of a field/,
    ],
    [
      "two fields of one name",
      component(section(7, 0x01, 0x6e, 0x02, ...text("a"), ...text("A"))),
      /two parts of one name/,
    ],
    [
      "a type that doubles without end",
      component(section(7, 0x20, ...PAIR, 0x77, 0x77, ...Array.from({ length: 31 }, (_, i) => [...PAIR, i, i]).flat())),
      /more than 1048576 bytes/,
    ],
    [
      "lists of lists without end",
      component(
        section(
          7,
          ...toLeb(300),
          0x70,
          0x7d,
          ...Array.from({ length: 299 }, (_, i) => [0x70, ...(i < 64 ? [i] : [(i & 0x7f) | 0x80, i >> 7])]).flat(),
        ),
      ),
      /nested deeper than 100/,
    ],
    [
      "an import of a component",
      component(section(7, 0x01, 0x41, 0x00), section(10, 0x01, 0, ...text("a"), 4, 0)),
      /component a/,
    ],
  ])("with %s are refused", (_what, bytes, message) => {
    expect(() => compile(bytes, {})).toThrow(message);
  });

  test("that make instances without end are refused", () => {
    // Each component makes ten instances of the one within it.
    let bytes = component();
    for (let i = 0; i < 8; i++) {
      const many = Array.from({ length: 10 }, () => [0x00, 0x00, 0x00]).flat();
      bytes = component(section(4, ...bytes), section(5, 10, ...many));
    }
    expect(() => compile(bytes, {})).toThrow(/more than 1000 instances/);
  });

  test("that make each other are refused", () => {
    // Two components, each of which makes the other, by an alias of what is defined after it.
    const other = (index: number) =>
      component(section(6, 0x01, 0x04, 0x02, 0x01, index), section(5, 0x01, 0x00, 0x00, 0x00));
    const bytes = component(section(4, ...other(1)), section(4, ...other(0)), section(5, 0x01, 0x00, 0x00, 0x00));
    expect(() => compile(bytes, {})).toThrow(/nested deeper than 50/);
  });
});

describe("mutated components", () => {
  /** A generator of numbers below a bound, always the same ones. */
  function openDice(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  }

  test.each(["resources", "nested", "traps", "identity"])(
    "of %s are linked and run, or refused, and nothing hangs",
    async (name) => {
      const bytes = readFixture(name);
      const roll = openDice(name.length);
      const host = { "test:host/things": things, $root: { wait: (x: number) => x, call: () => {}, give: () => "" } };
      const turns = Object.fromEntries(
        [...new TextDecoder("latin1").decode(bytes).matchAll(/turn-[a-z0-9]+/g)].map(([each]) => [
          each,
          (x: unknown) => x,
        ]),
      );
      const offered = { ...host, $root: { ...host.$root, ...turns } };
      const outcomes = new Map<string, number>();
      for (let round = 0; round < (name === "identity" ? 300 : 1500); round++) {
        const mutated = Uint8Array.from(bytes);
        for (let i = 0; i <= roll(4); i++) mutated[8 + roll(mutated.length - 8)] = roll(256);
        const outcome = await run(mutated, offered);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
      // V8's own errors are about core modules; whatever else is not ours would be a mistake of the linker.
      const known = [
        "ran",
        "WasmError",
        "ComponentLinkError",
        "ComponentTrap",
        "CompileError",
        "LinkError",
        "RuntimeError",
      ];
      const ours = new Set([...known, "TypeError: The component exports no function", "SuspendError"]);
      expect([...outcomes.keys()].filter((each) => !ours.has(each))).toEqual([]);
      expect(outcomes.get("ran") ?? 0).toBeGreaterThan(0);
    },
    60_000,
  );

  async function run(bytes: Uint8Array, host: Parameters<typeof compile>[1]): Promise<string> {
    try {
      const instance = compile(bytes, host).instantiate(host, PLAIN);
      for (const name of ["round", "use-any", "alive", "to-char", "turn-u8"]) {
        await instance.call("$root", name, [7]).catch((thrown: unknown) => {
          if (!(thrown instanceof TypeError)) throw thrown;
        });
      }
      return "ran";
    } catch (thrown) {
      return thrown instanceof Error ? thrown.name : String(thrown);
    }
  }
});
