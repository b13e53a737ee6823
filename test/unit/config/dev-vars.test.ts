import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { listDevVarsFiles, readDevVars } from "../../../src/config/dev-vars.ts";
import { createFolder } from "../cli/support.ts";

async function read(files: Record<string, string>, env?: string) {
  await using folder = await createFolder(files);
  return await readDevVars(folder.dir, env);
}

async function readFailure(files: Record<string, string>): Promise<string> {
  const thrown: unknown = await read(files).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toMatchObject({ code: "NEBULA_CONFIG_INVALID", diagnostics: [] });
  return `${thrown instanceof Error ? thrown.message : ""} ${JSON.stringify(thrown)}`;
}

describe("readDevVars()", () => {
  test("reads what dotenv files hold", async () => {
    const text = [
      "# a comment",
      "PLAIN=one",
      "export SHELL_STYLE = two # the rest is a comment",
      `SINGLE='it "is" # kept'`,
      `DOUBLE="line\\nline"`,
      `PEM="-----BEGIN KEY-----\nabc=\n-----END KEY-----"`,
      "EMPTY=",
      "REFERENCE=$PLAIN",
      "PLAIN=last one counts",
      "no assignment",
    ].join("\r\n");
    expect(await read({ ".dev.vars": text })).toEqual({
      values: {
        PLAIN: "last one counts",
        SHELL_STYLE: "two",
        SINGLE: 'it "is" # kept',
        DOUBLE: "line\nline",
        PEM: "-----BEGIN KEY-----\nabc=\n-----END KEY-----",
        EMPTY: "",
        REFERENCE: "$PLAIN",
      },
      files: [".dev.vars"],
    });
  });

  test("finds nothing where there is no file", async () => {
    expect(await read({ "index.ts": "" })).toEqual({ values: {}, files: [] });
  });

  test("reads the file of the environment alone, or else the one of all", async () => {
    const files = { ".dev.vars": "A=1\nB=1", ".dev.vars.staging": "A=2", ".env": "C=1" };
    expect(await read(files)).toEqual({ values: { A: "1", B: "1" }, files: [".dev.vars"] });
    expect(await read(files, "staging")).toEqual({ values: { A: "2" }, files: [".dev.vars.staging"] });
    expect(await read(files, "production")).toEqual({ values: { A: "1", B: "1" }, files: [".dev.vars"] });
  });

  test("merges .env files where there is no other, the most special one before all", async () => {
    const files = {
      ".env": "A=1\nB=1\nC=1\nD=1",
      ".env.staging": "B=2\nC=2\nD=2",
      ".env.local": "C=3\nD=3",
      ".env.staging.local": "D=4",
    };
    expect(await read(files, "staging")).toEqual({
      values: { A: "1", B: "2", C: "3", D: "4" },
      files: [".env", ".env.staging", ".env.local", ".env.staging.local"],
    });
    expect((await read(files)).values).toEqual({ A: "1", B: "1", C: "3", D: "3" });
  });

  test("says which line holds no name, and nothing of it", async () => {
    const pasted = "TOKEN=1\n\nKEY=-----BEGIN KEY-----\nMIIEvQIBADANB+k=\n-----END KEY-----\n";
    const said = await readFailure({ ".dev.vars": pasted });
    expect(said).toContain('Cannot read ".dev.vars": line 4 does not begin with a name that env can have');
    expect(said).not.toContain("MIIE");
  });

  test("says which value is too long, and nothing of it", async () => {
    const said = await readFailure({ ".env.local": `A=1\n  export LONG=${"secret".repeat(1_000)}` });
    expect(said).toContain("the value in line 2 cannot be a secret: it has more than 5120 bytes");
    expect(said).not.toContain("secretsecret");
  });

  test("refuses a folder and a file that is no text or too large", async () => {
    expect(await readFailure({ ".dev.vars/": "" })).toContain("it is a folder");
    expect(await readFailure({ ".dev.vars": `A=${" ".repeat(1_100_000)}` })).toContain("it is larger than 1 MiB");
  });
});

test("listDevVarsFiles() names every file that may come to count", () => {
  expect(listDevVarsFiles("/a", undefined).map((path) => basename(path))).toEqual([".dev.vars", ".env", ".env.local"]);
  expect(listDevVarsFiles("/a", "x")).toContain("/a/.dev.vars.x");
});
