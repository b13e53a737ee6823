import { rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { createEsbuild } from "../../../src/build/esbuild.ts";
import { buildGuestBootstrap } from "../../../src/build/guest-bootstrap.ts";
import { planBuild } from "../../../src/build/plan.ts";
import { openBuilder, runBuild } from "../../../src/build/run.ts";
import type { Clock } from "../../../src/model/ports.ts";
import {
  artifactOf,
  buildFiles,
  childProcesses,
  evaluate,
  type Files,
  type ProjectOptions,
  rejectionOf,
  tempFolder,
  toProject,
  writeFiles,
} from "./support.ts";

const signal = new AbortController().signal;

afterEach(async () => {
  await vi.waitFor(async () => expect(await childProcesses()).toEqual([]));
});

async function openProject(files: Files, options: ProjectOptions = {}) {
  const dir = await tempFolder(files);
  const plan = planBuild(toProject(dir, { main: "index.ts", ...options }));
  const esbuild = createEsbuild();
  const builder = openBuilder(plan, { esbuild });
  const close = async () => {
    await builder[Symbol.asyncDispose]();
    await esbuild[Symbol.asyncDispose]();
  };
  return { dir, builder, [Symbol.asyncDispose]: close };
}

test("runBuild() of nothing gives nothing", async () => {
  const built = await runBuild(planBuild(toProject("/nowhere")), { signal });
  expect(built).toEqual({ forms: [], blobs: new Map(), inputs: [], steps: [], warnings: [], failures: [] });
});

test("runBuild() names exactly the blobs of artifact and assets", async () => {
  const built = await buildFiles({ "index.ts": "export default {}", "public/a.txt": "x" }, { assetsDir: "public" });
  const { main, sourceMap } = artifactOf(built);
  const asset = built.assets?.files["/a.txt"];
  expect([...built.blobs.keys()].sort()).toEqual([main.digest, sourceMap?.digest, asset?.digest].sort());
});

test("runBuild() times each step by the clock", async () => {
  let now = 0;
  const clock: Clock = { nowMs: () => (now += 5), dateMs: () => 0, after: () => ({ [Symbol.dispose]() {} }) };
  const built = await buildFiles({ "index.ts": "export default {}" }, { run: { clock } });
  expect(built.steps).toEqual([{ step: "bundle", ms: 5 }]);
});

test("runBuild() rejects with the first failure and stops the other steps", async () => {
  const files = { "index.ts": "let", "public/a.txt": "x" };
  const error = await rejectionOf(buildFiles(files, { assetsDir: "public" }));
  expect(error.details).toMatchObject({ step: "bundle" });
});

test("runBuild() rejects with the reason of an abort", async () => {
  const reason = new Error("enough");
  const options = { "index.ts": "export default {}" };
  await expect(buildFiles(options, { run: { signal: AbortSignal.abort(reason) } })).rejects.toBe(reason);
  const controller = new AbortController();
  const build = { command: "echo ready; sleep 100" };
  const running = buildFiles(options, {
    build,
    run: { signal: controller.signal, onOutput: () => controller.abort(reason) },
  });
  await expect(running).rejects.toBe(reason);
});

test("a builder rebuilds what has changed and keeps what has not", async () => {
  await using project = await openProject({
    "index.ts": 'import { a } from "./a.ts"; export default { a }',
    "a.ts": "export const a = 1",
  });
  const first = await project.builder.build({ signal });
  expect(await evaluate(first)).toEqual({ a: 1 });
  await writeFile(join(project.dir, "a.ts"), "export const a = 2");
  const second = await project.builder.build({ signal });
  expect(await evaluate(second)).toEqual({ a: 2 });
  const third = await project.builder.build({ signal });
  expect(third.forms).toEqual(second.forms);
});

test("a builder forgets files that are no longer imported", async () => {
  await using project = await openProject({
    "index.ts": 'import x from "./a.bin"; export default { x }',
    "a.bin": "1",
  });
  expect(artifactOf(await project.builder.build({ signal })).modules).toHaveLength(1);
  await writeFile(join(project.dir, "a.bin"), "2");
  const changed = await project.builder.build({ signal });
  expect(artifactOf(changed).modules).toHaveLength(1);
  await writeFile(join(project.dir, "index.ts"), "export default {}");
  expect(artifactOf(await project.builder.build({ signal })).modules).toEqual([]);
});

test("a builder recovers from a failure and says what to watch meanwhile", async () => {
  await using project = await openProject(
    { "src/index.ts": 'import "./a.ts"; export default {}' },
    { main: "src/index.ts" },
  );
  expect(project.builder.inputs).toEqual([join(project.dir, "src/index.ts")]);
  await rejectionOf(project.builder.build({ signal }));
  expect(project.builder.inputs).toEqual([join(project.dir, "src"), join(project.dir, "src/index.ts")]);
  await writeFiles(project.dir, { "src/a.ts": "console.log(1)" });
  const built = await project.builder.build({ signal });
  expect(project.builder.inputs).toEqual(["a.ts", "index.ts"].map((name) => join(project.dir, "src", name)));
  expect(built.inputs).toBe(project.builder.inputs);
  await rm(join(project.dir, "src/index.ts"));
  expect((await rejectionOf(project.builder.build({ signal }))).message).toContain("there is no such file");
});

test("a builder builds one after the other", async () => {
  await using project = await openProject({ "index.ts": "export default { a: 1 }" });
  const [one, two] = await Promise.all([project.builder.build({ signal }), project.builder.build({ signal })]);
  expect(two.forms).toEqual(one.forms);
});

test("two builders share one esbuild process", async () => {
  await using esbuild = createEsbuild();
  const [one, two] = await Promise.all(
    ["export default 1", "export default 2"].map((code) => buildFiles({ "index.ts": code }, { run: { esbuild } })),
  );
  expect(one?.forms).not.toEqual(two?.forms);
  expect(await childProcesses()).toHaveLength(1);
});

test("a builder goes on when its esbuild process was killed", async () => {
  await using project = await openProject({ "index.ts": "export default { a: 1 }" });
  const first = await project.builder.build({ signal });
  const [pid = 0, ...others] = await childProcesses();
  expect(others).toEqual([]);
  process.kill(pid, "SIGKILL");
  await vi.waitFor(async () => expect(await childProcesses()).toEqual([]));
  expect((await project.builder.build({ signal })).forms).toEqual(first.forms);
});

test("a build goes on when another one in this process is done before", async () => {
  const lines = Array.from({ length: 100_000 }, (_, i) => `export const a${i} = ${i};`);
  const dir = await tempFolder({ "large.guest.ts": lines.join("\n"), "small.guest.ts": "export default 1" });
  const build = (name: string) => buildGuestBootstrap(join(dir, name));
  const [large] = await Promise.all([
    build("large.guest.ts"),
    build("small.guest.ts").then(() => build("small.guest.ts")),
  ]);
  expect(large).toContain("a99999");
});

test("an esbuild that is disposed during a build lets the build settle", async () => {
  const dir = await tempFolder({ "index.ts": "export default 1" });
  const esbuild = createEsbuild();
  const building = esbuild.openBundler({ entryPoints: [join(dir, "index.ts")], outdir: dir }).run({ signal });
  const settled = building.then(
    () => "settled",
    () => "settled",
  );
  await esbuild[Symbol.asyncDispose]();
  expect(await settled).toBe("settled");
});

test("an esbuild that is not installed fails the build with a hint", async () => {
  const absent = Object.assign(new Error("Cannot find package 'esbuild'"), { code: "ERR_MODULE_NOT_FOUND" });
  const esbuild = createEsbuild(() => Promise.reject(absent));
  const error = await rejectionOf(buildFiles({ "index.ts": "export default {}" }, { run: { esbuild } }));
  expect(error).toMatchObject({
    code: "NEBULA_BUILD_FAILED",
    message: 'Cannot run "esbuild": it is not installed',
    details: { step: "bundle" },
  });
  expect(error.hint).toContain("npm install esbuild");
  await esbuild[Symbol.asyncDispose]();
});

test("an esbuild whose program is missing fails the build", async () => {
  const esbuild = createEsbuild(() => Promise.reject(new Error("The package could not be found")));
  const error = await rejectionOf(buildFiles({ "index.ts": "export default {}" }, { run: { esbuild } }));
  expect(error.message).toBe('Cannot run "esbuild": The package could not be found');
});

test("disposing an esbuild twice is quiet", async () => {
  const esbuild = createEsbuild();
  await buildFiles({ "index.ts": "export default {}" }, { run: { esbuild } });
  await esbuild[Symbol.asyncDispose]();
  await esbuild[Symbol.asyncDispose]();
});

test("buildGuestBootstrap() gives one module that imports node: modules only", async () => {
  const dir = await tempFolder({
    "bootstrap.guest.ts": `
      import { join } from "node:path"; import old from "old"; import { part } from "./part.guest.ts";
      /*! a notice */ export default [join("a", "b"), old, part satisfies number];`,
    "part.guest.ts": "export const part: number = 1;",
    "node_modules/old/index.js": "module.exports = require('events').name + require('node:fs').constants.F_OK",
  });
  const text = await buildGuestBootstrap(join(dir, "bootstrap.guest.ts"));
  const imports = [...text.matchAll(/\bfrom "(.+?)"/g)].map(([, name]) => name);
  expect(imports.sort()).toEqual(["node:events", "node:fs", "node:path"]);
  expect(text).not.toMatch(/a notice|sourceMappingURL/);
  expect(text).not.toContain(dir);
});

test("buildGuestBootstrap() rejects when the entry does not bundle", async () => {
  const dir = await tempFolder({ "b.guest.ts": 'import "./missing.ts"' });
  const error = await rejectionOf(buildGuestBootstrap(join(dir, "b.guest.ts")));
  expect(error.message).toBe(
    'Cannot bundle "b.guest.ts": b.guest.ts:1:8: Cannot resolve "./missing.ts": there is no such file',
  );
});

test("a project reached through a link gives the same artifact", async () => {
  const dir = await tempFolder({
    "real/src/index.ts": 'import "./a.ts"; import t from "../t.txt"; export default { t }',
    "real/src/a.ts": "console.log(1)",
    "real/t.txt": "t",
  });
  await symlink("real", join(dir, "link"));
  const build = (name: string) => runBuild(planBuild(toProject(join(dir, name), { main: "src/index.ts" })), { signal });
  expect((await build("link")).forms).toEqual((await build("real")).forms);
});
