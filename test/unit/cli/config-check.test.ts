import { describe, expect, test } from "vitest";
import { createFolder, run } from "./support.ts";

const HANDLER = "export default { fetch: () => new Response() };\n";

describe("nebula config check", () => {
  test("shows the settings that count, with their units and defaults", async () => {
    await using folder = await createFolder({
      "wrangler.toml": 'name = "shop"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n[limits]\ncpu_ms = 50\n',
      "index.ts": HANDLER,
      "functions/hello/index.ts": HANDLER,
    });
    const { code, stdout, stderr } = await run(["config", "check"], { cwd: folder.dir });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^shop ok\n {2}file +wrangler\.toml\n {2}main +index\.ts\n/);
    expect(stdout).toMatch(/\n\nhello ok\n {2}file +none\n {2}main +functions\/hello\/index\.ts\n/);
    expect(stdout).toMatch(/limits\.cpu_ms +50 ms +default 30 s\n/);
    expect(stdout).toMatch(/nebula\.limits\.memory +128 MiB +default\n/);
    expect(stdout).toMatch(/nebula\.scaling\.max_instances +4 instances +default\n/);
    expect(stdout).toMatch(/routes +\*\/\*\n/);
  });

  test("shows the forms of a function, and how its container is run", async () => {
    await using folder = await createFolder({
      "wrangler.toml":
        'name = "shop"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n[nebula]\nidempotent = true\n' +
        'engines = ["wasi", "container"]\nforms = { wasi = "x.wasm" }\ncontainer = { port = 80, cpus = 0.5 }\n',
      "index.ts": HANDLER,
      "x.wasm": "",
      Dockerfile: "FROM scratch",
    });
    const { code, stdout } = await run(["config", "check"], { cwd: folder.dir });
    expect(code).toBe(0);
    expect(stdout).toMatch(/\n {2}form of wasi +x\.wasm\n {2}image +Dockerfile\n {2}engines +wasi, container\n/);
    expect(stdout).toMatch(/\n {2}strategy +ordered, idempotent\n {2}container +http, port 80, probe none, /);
    expect(stdout).toMatch(/\n +0\.5 processors, 128 processes, 64 MiB for \/tmp and \/run\n/);
  });

  test("takes a Dockerfile for the root project, but not beside functions", async () => {
    await using folder = await createFolder({ Dockerfile: "FROM scratch" });
    expect((await run(["config", "check"], { cwd: folder.dir })).stdout).toMatch(/\n {2}engines +container\n/);
    await folder.write("functions/hello/index.ts", HANDLER);
    expect((await run(["config", "check"], { cwd: folder.dir })).stdout).toMatch(/^hello ok\n/);
  });

  test("prints one object with --json", async () => {
    await using folder = await createFolder({ "index.ts": HANDLER });
    const { code, stdout } = await run(["config", "check", "--json"], { cwd: folder.dir });
    expect(code).toBe(0);
    const { projects } = JSON.parse(stdout);
    expect(projects).toMatchObject([{ dir: folder.dir, spec: { limits: { wallMs: 60_000 } }, warnings: [] }]);
  });

  test("tells every problem of every project at once", async () => {
    await using folder = await createFolder({
      "wrangler.toml": 'name = "shop"\nmian = "index.ts"\n[nebula]\nengnies = []\n',
      "index.ts": HANDLER,
      "functions/a/wrangler.toml": 'main = "gone.ts"\n',
      "functions/b/wrangler.toml": "name = \n",
      "functions/c/index.ts": HANDLER,
    });
    const { code, stdout, stderr } = await run(["config", "check"], { cwd: folder.dir });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("error NEBULA_CONFIG_INVALID\nCannot use this project: 3 of 4 configurations");
    expect(stderr).toContain("  wrangler.toml:2:1  warning");
    expect(stderr).toContain("  wrangler.toml:4:1  error");
    expect(stderr).toContain("      4 │ engnies = []\n        │ ^\n      hint  did you mean");
    expect(stderr).toContain("functions/a/wrangler.toml:1:8  error");
    expect(stderr).toContain("functions/b/wrangler.toml:1:");
    const json = await run(["config", "check", "--json"], { cwd: folder.dir });
    expect(json).toMatchObject({ code: 1, stderr: "" });
    expect(JSON.parse(json.stdout).error).toMatchObject({
      code: "NEBULA_CONFIG_INVALID",
      diagnostics: expect.any(Array),
    });
  });

  test("refuses two functions of one name", async () => {
    await using folder = await createFolder({
      "functions/a/index.ts": HANDLER,
      "functions/b/index.ts": HANDLER,
      "functions/b/wrangler.toml": 'name = "a"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n',
    });
    const { code, stderr } = await run(["config", "check"], { cwd: folder.dir });
    expect(code).toBe(1);
    expect(stderr).toContain('the project in "a" has the name "a" already');
  });

  test("takes --env for the root, and for functions that have it", async () => {
    await using folder = await createFolder({
      "wrangler.toml":
        'name = "shop"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n[env.staging]\nname = "stage"\n',
      "index.ts": HANDLER,
      "functions/hello/index.ts": HANDLER,
    });
    const { code, stdout } = await run(["config", "check", "--env", "staging"], { cwd: folder.dir });
    expect(code).toBe(0);
    expect(stdout).toContain("stage ok\n");
    expect(stdout).toContain("hello ok\n");
    const wrong = await run(["config", "check", "--env", "stagin"], { cwd: folder.dir });
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('there is no environment "stagin"');
  });

  test("says that a folder has no project", async () => {
    await using folder = await createFolder({ "functions/empty/": "", "functions/.hidden/index.ts": HANDLER });
    const { code, stderr } = await run(["config", "check"], { cwd: folder.dir });
    expect(code).toBe(2);
    expect(stderr).toContain("there is no project");
  });
});
