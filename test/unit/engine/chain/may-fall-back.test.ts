/**
 * The whole table: which failure of which request another form may make good.
 */

import { describe, expect, test } from "vitest";
import { isFormFailure, mayFallBack } from "../../../../src/engine/chain/may-fall-back.ts";
import { ERROR_TABLE, type ErrorCode, NebulaError } from "../../../../src/model/errors.ts";

type Body = "none" | "whole" | "streamed";

/** Of a request that an instance has had: code, method, body → with and without `idempotent`. */
const HANDED_OVER: readonly [ErrorCode, string, Body, boolean, boolean][] = [
  ["NEBULA_START_FAILED", "GET", "none", true, true],
  ["NEBULA_START_FAILED", "POST", "whole", true, true],
  ["NEBULA_START_FAILED", "DELETE", "none", true, true],
  ["NEBULA_START_FAILED", "POST", "streamed", false, false],
  ["NEBULA_START_FAILED", "GET", "streamed", false, false],
  ["NEBULA_PREPARE_FAILED", "POST", "whole", true, true],
  ["NEBULA_PREPARE_FAILED", "PUT", "streamed", false, false],
  ...(["NEBULA_GUEST_EXITED", "NEBULA_PROTOCOL_BROKEN"] as const).flatMap(
    (code): [ErrorCode, string, Body, boolean, boolean][] => [
      [code, "GET", "none", true, true],
      [code, "HEAD", "none", true, true],
      [code, "OPTIONS", "none", true, true],
      [code, "OPTIONS", "whole", true, true],
      [code, "GET", "whole", true, true],
      [code, "GET", "streamed", false, false],
      [code, "POST", "none", true, false],
      [code, "POST", "whole", true, false],
      [code, "POST", "streamed", false, false],
      [code, "PUT", "whole", true, false],
      [code, "DELETE", "none", true, false],
      [code, "PROPFIND", "none", true, false],
      [code, "get", "none", true, false],
    ],
  ),
];

const ALL = Object.keys(ERROR_TABLE) as ErrorCode[];
const MADE_GOOD = new Set(HANDED_OVER.map(([code]) => code));

describe("mayFallBack()", () => {
  test.each(HANDED_OVER)(
    "%s of %s with body %s: %s if it may be repeated, %s if not",
    (code, method, body, ...wanted) => {
      const request = { method, isBodyWhole: body !== "streamed", wasHandedOver: true };
      const may = [true, false].map((isIdempotent) =>
        mayFallBack(new NebulaError(code, ""), request, { isIdempotent }),
      );
      expect(may).toEqual(wanted);
    },
  );

  test("a body that nobody has touched yet is as good as a whole one when nothing ran", () => {
    const request = { method: "POST", isBodyWhole: false, wasHandedOver: false };
    expect(mayFallBack(new NebulaError("NEBULA_START_FAILED", ""), request, { isIdempotent: false })).toBe(true);
    expect(mayFallBack(new NebulaError("NEBULA_GUEST_EXITED", ""), request, { isIdempotent: true })).toBe(false);
  });

  test.each(ALL.filter((code) => !MADE_GOOD.has(code)))("%s is made good by nobody", (code) => {
    for (const wasHandedOver of [true, false]) {
      const request = { method: "GET", isBodyWhole: true, wasHandedOver };
      expect(mayFallBack(new NebulaError(code, ""), request, { isIdempotent: true })).toBe(false);
    }
  });

  test("what may be made good is what counts against a form", () => {
    expect(ALL.filter((code) => isFormFailure(new NebulaError(code, "")))).toEqual(
      ALL.filter((code) => MADE_GOOD.has(code)),
    );
  });
});
