import { describe, expect, test } from "vitest";
import { createPrinter, toExitCode } from "../../../src/cli/print.ts";
import { ERROR_TABLE, type ErrorCode, NebulaError } from "../../../src/model/errors.ts";
import { createFolder, createIo, type FakeIoOptions } from "./support.ts";

const SOURCE = 'import { a } from "./a.ts";\n\tconst b = };\nexport default b;\n';

function failWith(
  thrown: unknown,
  { isJson = false, isVerbose = false, ...options }: FakeIoOptions & { isJson?: boolean; isVerbose?: boolean },
) {
  const io = createIo(options);
  createPrinter({ io, isJson, isVerbose }).fail(thrown);
  return io.out;
}

function twoProblems(dir: string): NebulaError {
  return new NebulaError("NEBULA_BUILD_FAILED", 'Cannot bundle "index.ts": two problems', {
    hint: "Fix both",
    details: { step: "bundle" },
    diagnostics: [
      { severity: "error", message: 'Unexpected "}"', file: `${dir}/index.ts`, line: 2, column: 12 },
      { severity: "warning", message: "There is no such file", file: "gone.ts", line: 9, column: 1, hint: "Make it" },
    ],
  });
}

describe("fail()", () => {
  test("prints code, message, every problem with its line, step and hint", async () => {
    await using folder = await createFolder({ "index.ts": SOURCE });
    const { stdout, stderr } = failWith(twoProblems(folder.dir), { cwd: folder.dir });
    expect(stdout).toBe("");
    expect(stderr).toMatchInlineSnapshot(`
      "error NEBULA_BUILD_FAILED
      Cannot bundle "index.ts": two problems
        index.ts:2:12  error  Unexpected "}"
            2 │ 	const b = };
              │ 	          ^
        gone.ts:9:1  warning  There is no such file
            hint  Make it
        in step bundle
      hint  Fix both
      "
    `);
  });

  test("prints one object on stdout with --json, and nothing else", async () => {
    const error = twoProblems("/x");
    const { stdout, stderr } = failWith(error, { isJson: true });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: "NEBULA_BUILD_FAILED",
        message: error.message,
        hint: "Fix both",
        details: { step: "bundle" },
        diagnostics: error.diagnostics,
      },
    });
  });

  test("says a hint once when a problem has it already", () => {
    const diagnostics = [{ severity: "error", message: "m", file: "f", line: 1, column: 1, hint: "Same" }] as const;
    const { stderr } = failWith(new NebulaError("NEBULA_BUILD_FAILED", "m", { hint: "Same", diagnostics }), {});
    expect(stderr.match(/Same/g)).toHaveLength(1);
  });

  test("tells the cause of what is our fault, and how to get the stack", () => {
    const { stderr } = failWith(new TypeError("x is not a function"), {});
    expect(stderr).toContain("error NEBULA_INTERNAL\nInternal error: x is not a function\nhint  ");
    expect(stderr).not.toContain(" at ");
  });

  test("prints the stacks of all causes with --verbose", () => {
    const { stderr } = failWith(new NebulaError("NEBULA_STATE_FAILED", "outer", { cause: new Error("inner") }), {
      isVerbose: true,
    });
    expect(stderr).toMatch(/NebulaError: outer\n\s+at [\s\S]*caused by Error: inner\n\s+at /);
  });

  test.each([
    { isTty: false, env: {}, isColoured: false },
    { isTty: true, env: {}, isColoured: true },
    { isTty: true, env: { NO_COLOR: "1" }, isColoured: false },
    { isTty: true, env: { TERM: "dumb" }, isColoured: false },
  ])("uses colours: $isColoured, on a terminal: $isTty, with $env", ({ isTty, env, isColoured }) => {
    const { stderr } = failWith(new NebulaError("NEBULA_USAGE", "m"), { isTty, env });
    expect(stderr.includes("\u001b[")).toBe(isColoured);
  });

  test("takes what steers a terminal out of a function's words", () => {
    const { stderr } = failWith(
      new NebulaError("NEBULA_GUEST_THREW", "\u001b[2Jgone", { hint: "\u001b]0;x\u0007y" }),
      {},
    );
    expect(stderr).toBe("error NEBULA_GUEST_THREW\ngone\nhint  y\n");
  });

  test("leaves nothing that steers a terminal once a sequence is taken out of it", () => {
    const message = "\u001b\u001b[m]52;c;eA==\u0007 \u001b\u001b[mc paid\rfree\b \u202etxt\r\n\tend";
    const { stderr } = failWith(new NebulaError("NEBULA_GUEST_THREW", message), {});
    expect(stderr).toBe(
      "error NEBULA_GUEST_THREW\n\ufffd]52;c;eA==\ufffd \ufffdc paid\ufffdfree\ufffd \ufffdtxt\n\tend\n",
    );
  });
});

describe("toExitCode()", () => {
  test("follows from who must act", () => {
    const byFault = { caller: 2, owner: 1, host: 70 };
    for (const [code, { fault }] of Object.entries(ERROR_TABLE)) {
      expect(toExitCode(new NebulaError(code as ErrorCode, "m"))).toBe(byFault[fault]);
    }
    expect(toExitCode("thrown")).toBe(70);
  });
});
