import { describe, expect, test } from "vitest";
import { type Args, parseCommandLine } from "../../../src/cli/args.ts";

const ARGS = {
  dir: { type: "positional", default: ".", summary: "" },
  port: { type: "number", min: 0, max: 99, default: 7, env: "PORT", summary: "" },
  host: { type: "text", value: "address", default: "here", env: "HOST", summary: "" },
  header: { type: "list", short: "H", value: "line", summary: "" },
  data: { type: "text", short: "d", value: "text", summary: "" },
  noDeploy: { type: "flag", summary: "" },
} as const satisfies Args;

const DEFAULTS = {
  dir: ".",
  port: 7,
  host: "here",
  header: [],
  data: undefined,
  noDeploy: false,
  json: false,
  verbose: false,
  help: false,
};

function parse(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return parseCommandLine(ARGS, { argv, env, command: "nebula try" });
}

describe("parseCommandLine()", () => {
  test.each([
    { argv: [], values: {} },
    { argv: ["shop"], values: { dir: "shop" } },
    { argv: ["--port", "9", "shop"], values: { port: 9, dir: "shop" } },
    { argv: ["--port=0"], values: { port: 0 } },
    { argv: ["--port", "1", "--port", "2"], values: { port: 2 } },
    { argv: ["--no-deploy"], values: { noDeploy: true } },
    { argv: ["-H", "a: 1", "--header", "b: 2", "-Hc: 3"], values: { header: ["a: 1", "b: 2", "c: 3"] } },
    { argv: ["-d", "-"], values: { data: "-" } },
    { argv: ["--data=-x"], values: { data: "-x" } },
    { argv: ["--data", ""], values: { data: "" } },
    { argv: ["--json", "--verbose"], values: { json: true, verbose: true } },
    { argv: ["--", "--json"], values: { dir: "--json" } },
    { argv: ["-h", "one", "too", "many"], values: { help: true, dir: "one" } },
  ])("reads $argv", ({ argv, values }) => {
    expect(parse(argv)).toEqual({ ...DEFAULTS, ...values });
  });

  test("takes the flag before the environment, and that before the default", () => {
    expect(parse([], { PORT: "8", HOST: "there" })).toMatchObject({ port: 8, host: "there" });
    expect(parse(["--port", "9", "--host", "x"], { PORT: "8", HOST: "there" })).toMatchObject({ port: 9, host: "x" });
  });

  test("takes an empty variable for an absent one", () => {
    expect(parse([], { PORT: "", HOST: "" })).toMatchObject({ port: 7, host: "here" });
  });

  test("ignores a bad variable that a flag replaces", () => {
    expect(parse(["--port", "9"], { PORT: "many" })).toMatchObject({ port: 9 });
  });
});
