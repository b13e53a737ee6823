import { describe, expect, it } from "vitest";
import { toStateError } from "../../../src/artifacts/state-error.ts";
import { NebulaError } from "../../../src/model/errors.ts";

describe("toStateError()", () => {
  it.each([
    ["ENOSPC", "no space is left on the disk"],
    ["EACCES", "permission is denied"],
    ["EROFS", "the file system is read-only"],
    ["ENOENT", "the file is missing"],
    ["EXDEV", "the file system failed (EXDEV)"],
  ])("puts %s into words and keeps the cause", (code, problem) => {
    const cause = Object.assign(new Error("at /a/path"), { code });
    const error = toStateError("store", "sha256:ab", cause);
    expect(error.code).toBe("NEBULA_STATE_FAILED");
    expect(error.message).toBe(`Cannot store "sha256:ab": ${problem}`);
    expect(error.cause).toBe(cause);
    expect(error.details).toEqual({ errno: code });
  });

  it("takes anything that can be thrown", () => {
    expect(toStateError("read", "x", "oops").message).toBe('Cannot read "x": the file system failed');
  });

  it("leaves a failure that already has its row", () => {
    const error = new NebulaError("NEBULA_BODY_TOO_LARGE", "Cannot store it");
    expect(toStateError("store", "x", error)).toBe(error);
  });
});
