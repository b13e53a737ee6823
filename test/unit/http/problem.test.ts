import { describe, expect, test } from "vitest";
import { toProblem } from "../../../src/http/problem.ts";
import { ERROR_TABLE, type ErrorCode, NebulaError } from "../../../src/model/errors.ts";

const read = (thrown: unknown, audience: "caller" | "owner") => {
  const { status, headers, body } = toProblem(thrown, { audience, requestId: "r1" });
  const document: unknown = JSON.parse(body);
  const header = (name: string) => headers[headers.indexOf(name) + 1];
  return { status, headers, header, document, body };
};
const isCode = (text: string): text is ErrorCode => text in ERROR_TABLE;
const codes = Object.keys(ERROR_TABLE).filter(isCode);
const SECRET = "the secret of the message";

describe("toProblem()", () => {
  test.for(codes)("gives %s its status, and its words only to those whom they concern", (code) => {
    const { status, fault } = ERROR_TABLE[code];
    const error = new NebulaError(code, SECRET, { hint: "a hint", details: { limit: 1 }, cause: new Error("inner") });
    for (const audience of ["caller", "owner"] as const) {
      const problem = read(error, audience);
      const mayRead = fault === "caller" || audience === "owner";
      expect(problem.status).toBe(status);
      expect(problem.document).toMatchObject({ code, status, instance: "r1" });
      expect(problem.body.includes(SECRET)).toBe(mayRead);
      expect(problem.body.includes("a hint")).toBe(mayRead);
      expect(problem.body.includes("inner")).toBe(audience === "owner" && fault !== "host");
      expect(problem.header("content-type")).toBe("application/problem+json");
      expect(problem.header("cache-control")).toBe("no-store");
      expect(problem.headers.includes("retry-after")).toBe(status === 503);
    }
  });

  test("says when to come again as the error does", () => {
    const error = new NebulaError("NEBULA_OVERLOADED", "full", { details: { retryAfterSeconds: 7 } });
    expect(read(error, "caller").header("retry-after")).toBe("7");
  });

  test("asks for a token where one is missing", () => {
    expect(read(new NebulaError("NEBULA_UNAUTHORIZED", "no"), "owner").header("www-authenticate")).toBe("Bearer");
  });

  test.for([[new Error(SECRET)], [SECRET], [undefined], [{ toString: null }]])("tells nobody about %s", ([thrown]) => {
    for (const audience of ["caller", "owner"] as const) {
      const problem = read(thrown, audience);
      expect(problem.document).toMatchObject({ code: "NEBULA_INTERNAL", status: 500 });
      expect(problem.body).not.toContain(SECRET);
    }
  });
});
