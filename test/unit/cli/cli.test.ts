import { describe, expect, test } from "vitest";
import { createFolder, run } from "./support.ts";

describe("help", () => {
  test("nebula --help lists every command and the flags that all have", async () => {
    const { code, stdout, stderr } = await run(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatchInlineSnapshot(`
      "nebula: a serverless edge runtime that one person can own

      Usage
        nebula <command> [arguments] [flags]

      Commands
        serve                 Serve a project and its functions
        dev                   Serve a project and reload what changes
        build                 Build a project and show what each step did
        inspect               Show what is in a Wasm file, and whether it runs
        invoke                Send one request to a function
        doctor                Look at what this machine has for a node
        list                  List the functions of a node
        explain               Tell which engine answers, and why
        top                   Watch what a node is doing
        secret put            Give a function a secret
        secret list           List the secrets of a function
        secret delete         Delete a secret of a function
        secret rotate         Encrypt all secrets with a new key
        d1 execute            Run SQL in a database
        d1 export             Write a database as SQL
        d1 import             Run a file of SQL, as an export is
        d1 migrations list    List migrations
        d1 migrations apply   Apply those that are not
        d1 migrations create  Make a new file
        kv get                Print a value
        kv put                Write a value
        kv list               List keys
        kv delete             Delete a key
        kv import             Write many values from a file
        kv export             Write all values to a file
        backup                Copy all that a node keeps into one file
        restore               Make a node's state from a backup
        types                 Write what env holds as TypeScript
        config check          Find every problem and show what counts

      Flags
            --json     Print one JSON object on stdout, errors too
            --verbose  Print stacks and causes of errors
        -h, --help     Print this help
            --version  Print the version

      nebula <command> --help tells more of a command.
      "
    `);
  });

  test("nebula serve --help tells arguments, defaults, ranges, environment and examples", async () => {
    const { code, stdout } = await run(["serve", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatchSnapshot();
  });

  test.each([[[]], [["-h"]], [["help"]]])("nebula %j is the overview", async (argv) => {
    expect(await run(argv)).toEqual(await run(["--help"]));
  });

  test.each(["serve", "dev", "invoke", "list", "explain", "config check"])(
    "nebula %s --help needs no argument and names what it explains",
    async (name) => {
      const { code, stdout, stderr } = await run([...name.split(" "), "--help"]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain(`\n  nebula ${name} `);
      expect(stdout).toContain("--json");
      expect(await run(["help", ...name.split(" ")])).toMatchObject({ code: 0, stdout });
      expect(await run(["--help", ...name.split(" ")])).toMatchObject({ code: 0, stdout });
    },
  );

  test("nebula config alone is the help of its verbs", async () => {
    const { code, stdout } = await run(["config"]);
    expect(code).toBe(0);
    expect(stdout).toContain("check  Find every problem");
  });

  test("nebula --version prints the version, as an object with --json", async () => {
    const { stdout } = await run(["--version"]);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(JSON.parse((await run(["--version", "--json"])).stdout)).toEqual({ version: stdout.trim() });
  });

  test("help with --json is one object", async () => {
    expect(JSON.parse((await run(["list", "--help", "--json"])).stdout)).toHaveProperty("help");
    expect(JSON.parse((await run(["--json"])).stdout)).toHaveProperty("commands");
  });
});

describe("usage", () => {
  test.each([
    {
      argv: ["sreve"],
      message: 'Cannot run "nebula sreve": there is no such command',
      hint: 'Did you mean "nebula serve"?',
    },
    {
      argv: ["frobnicate"],
      message: 'Cannot run "nebula frobnicate": there is no such command',
      hint: "See nebula --help",
    },
    {
      argv: ["constructor"],
      message: 'Cannot run "nebula constructor": there is no such command',
      hint: "See nebula --help",
    },
    { argv: ["--frob"], message: 'Cannot run "nebula --frob": there is no such flag', hint: "See nebula --help" },
    {
      argv: ["config", "chek"],
      message: 'Cannot run "nebula config chek": there is no such command',
      hint: 'Did you mean "nebula config check"?',
    },
    {
      argv: ["list", "--limit"],
      message: 'Cannot run "nebula list": there is no flag "--limit"',
      hint: 'Did you mean "--limits"?',
    },
    {
      argv: ["list", "--no-limits"],
      message: 'Cannot run "nebula list": there is no flag "--no-limits"',
      hint: 'Did you mean "--limits"?',
    },
    {
      argv: ["list", "-q"],
      message: 'Cannot run "nebula list": there is no flag "-q"',
      hint: "See nebula list --help",
    },
    {
      argv: ["list", "extra"],
      message: 'Cannot run "nebula list": argument "extra" is one too many',
      hint: "See nebula list --help",
    },
    { argv: ["invoke"], message: 'Cannot run "nebula invoke": <name> is missing', hint: "See nebula invoke --help" },
    {
      argv: ["invoke", "a", "b"],
      message: 'Cannot run "nebula invoke": argument "b" is one too many',
      hint: "See nebula invoke --help",
    },
    { argv: ["list", "--limits=yes"], message: 'Cannot read "--limits": it takes no value' },
    { argv: ["list", "--state-dir"], message: 'Cannot read "--state-dir": it needs a value' },
    { argv: ["serve", "--host", "--port", "1"], message: 'Cannot read "--host": it needs a value' },
    { argv: ["serve", "--port", "65536"], message: 'Cannot read "--port": "65536" is no whole number from 0 to 65535' },
    { argv: ["serve", "--port=-1"], message: 'Cannot read "--port": "-1" is no whole number from 0 to 65535' },
    { argv: ["serve", "--port", "80a"], message: 'Cannot read "--port": "80a" is no whole number from 0 to 65535' },
    { argv: ["serve", "--port", "1e3"], message: 'Cannot read "--port": "1e3" is no whole number from 0 to 65535' },
    { argv: ["serve", "--port", ""], message: 'Cannot read "--port": "" is no whole number from 0 to 65535' },
    {
      argv: ["dev", "--control-port", "x"],
      message: 'Cannot read "--control-port": "x" is no whole number from 0 to 65535',
    },
    { argv: ["invoke", "a", "-H", "no header"], message: 'Cannot read "--header": it must be "name: value"' },
    { argv: ["invoke", "a", "-H", "a: b\r\nc: d"], message: 'Cannot read "--header": it must be "name: value"' },
  ])("nebula $argv is refused with exit code 2", async ({ argv, message, hint }) => {
    const text = await run(argv);
    expect(text).toEqual({
      code: 2,
      stdout: "",
      stderr: lines("error NEBULA_USAGE", message, hint && `hint  ${hint}`),
    });
    const json = await run([...argv.slice(0, 1), "--json", ...argv.slice(1)]);
    expect(json).toMatchObject({ code: 2, stderr: "" });
    expect(JSON.parse(json.stdout)).toEqual({ error: { code: "NEBULA_USAGE", message, ...(hint && { hint }) } });
  });

  test.each([
    { env: { NEBULA_DATA_PORT: "99999" }, subject: "NEBULA_DATA_PORT" },
    { env: { NEBULA_CONTROL_PORT: "http" }, subject: "NEBULA_CONTROL_PORT" },
    { env: { NEBULA_LOG_LEVEL: "loud" }, subject: "NEBULA_LOG_LEVEL" },
  ])("nebula serve refuses a bad $subject with exit code 2", async ({ env, subject }) => {
    await using folder = await createFolder();
    const { code, stderr } = await run(["serve"], { env, cwd: folder.dir });
    expect(code).toBe(2);
    expect(stderr).toContain(`Cannot read "${subject}"`);
  });

  test.each(["serve", "dev", "config check"])(
    "nebula %s of a folder that is not there leaves nothing",
    async (name) => {
      await using folder = await createFolder();
      const { code, stderr } = await run([...name.split(" "), "nowhere"], { cwd: folder.dir });
      expect(code).toBe(2);
      expect(stderr).toContain("there is no such folder");
    },
  );

  test("nebula list without a node says how to start one", async () => {
    await using folder = await createFolder();
    const { code, stdout, stderr } = await run(["list"], { cwd: folder.dir });
    expect({ code, stdout }).toEqual({ code: 70, stdout: "" });
    expect(stderr).toContain("error NEBULA_NODE_UNREACHABLE\nCannot find a running node");
    expect(stderr).toContain("nebula serve");
  });

  test("nebula list --verbose adds the stack", async () => {
    await using folder = await createFolder();
    expect((await run(["list", "--verbose"], { cwd: folder.dir })).stderr).toContain("at getNode");
    const { error } = JSON.parse((await run(["list", "--verbose", "--json"], { cwd: folder.dir })).stdout);
    expect(error.stack).toContain("at getNode");
  });
});

function lines(...all: readonly (string | undefined)[]): string {
  return `${all.filter((line) => line !== undefined).join("\n")}\n`;
}
