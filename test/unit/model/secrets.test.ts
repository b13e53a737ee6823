import { describe, expect, test } from "vitest";
import type { Binding, FunctionSpec } from "../../../src/model/function.ts";
import {
  findValueProblem,
  isSecretName,
  MAX_SECRET_BYTES,
  MAX_SECRETS,
  toOpenSpec,
} from "../../../src/model/secrets.ts";
import { toSpec } from "../../support/guest-source.ts";

const specOf = (...bindings: Binding[]): FunctionSpec => ({ ...toSpec({ name: "shop", files: {} }), bindings });
const secret = (name: string): Binding => ({ type: "secret", name });
const word: Binding = { type: "var", name: "WORD", value: "open" };

describe("isSecretName()", () => {
  test.each(["A", "_a", "$1", "api_KEY_2", "a".repeat(256)])("takes %j", (name) => {
    expect(isSecretName(name)).toBe(true);
  });
  test.each(["", "1A", "A-B", "A B", "Ä", "__proto__", "A\n", "a".repeat(257), 1, undefined])("refuses %j", (name) => {
    expect(isSecretName(name)).toBe(false);
  });
});

describe("findValueProblem()", () => {
  test("takes any text of up to 5 KiB, also none", () => {
    for (const value of ["", "a\r\nb", "\u{1f511}", "x".repeat(MAX_SECRET_BYTES)])
      expect(findValueProblem(value)).toBeUndefined();
  });
  test("says what is wrong without saying the value", () => {
    expect(findValueProblem("ä".repeat(MAX_SECRET_BYTES / 2 + 1))).toBe("it has more than 5120 bytes");
    expect(findValueProblem("a\0b")).toBe("it has a null byte");
    expect(findValueProblem("\ud800")).toBe("it is not a text");
    expect(findValueProblem(1)).toBe("it is not a text");
  });
});

describe("toOpenSpec()", () => {
  test("makes variables of secrets, by name, and leaves nothing that an engine would have to know", () => {
    const spec = specOf(secret("B"), word);
    expect(toOpenSpec(spec, { B: "2", A: "1" }).bindings).toEqual([
      word,
      { type: "var", name: "A", value: "1" },
      { type: "var", name: "B", value: "2" },
    ]);
    expect(spec.bindings).toEqual([secret("B"), word]);
  });

  test("leaves a function without secrets as it is", () => {
    const spec = specOf(word);
    expect(toOpenSpec(spec, {})).toBe(spec);
  });

  test("names everything that is missing", () => {
    expect(() => toOpenSpec(specOf(secret("A"), secret("B"), secret("C")), { B: "1" })).toThrow(
      expect.objectContaining({
        code: "NEBULA_CONFIG_INVALID",
        message: 'Cannot use "shop": it has no value for its secrets "A", "C"',
      }),
    );
  });

  test("refuses the name of another binding", () => {
    for (const binding of [word, { type: "kv", name: "WORD", id: "a" } as const])
      expect(() => toOpenSpec(specOf(binding), { WORD: "hunter2" })).toThrow(
        /"WORD" of "shop".* has this name already$/,
      );
  });

  test("takes as many as there may be, and refuses what does not fit into one frame", () => {
    const many = (value: string) =>
      Object.fromEntries(Array.from({ length: MAX_SECRETS }, (_, i) => [`SECRET_${i}`, value]));
    expect(toOpenSpec(specOf(), many("x".repeat(MAX_SECRET_BYTES))).bindings).toHaveLength(MAX_SECRETS);
    expect(() => toOpenSpec(specOf(), many("\n".repeat(MAX_SECRET_BYTES)))).toThrow(/together they are too long$/);
  });
});
