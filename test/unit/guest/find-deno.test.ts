import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { findDeno } from "../../../src/engine/guest/find-deno.ts";

/** A folder with these files in its node_modules; what a program there would find. */
async function look(files: Readonly<Record<string, string>>): Promise<{ dir: string; found: unknown }> {
  const dir = await mkdtemp(join(tmpdir(), "nebula-deno-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, "node_modules", path)), { recursive: true });
    await writeFile(join(dir, "node_modules", path), text);
  }
  try {
    return { dir, found: findDeno({ from: join(dir, "program.js") }) };
  } catch (thrown) {
    return { dir, found: thrown };
  }
}

const NATIVE = `@deno/linux-${process.arch}-glibc`;
const toManifest = (version: string) => ({ "deno/package.json": JSON.stringify({ name: "deno", version }) });

it("finds the binary of this machine beside the package", async () => {
  const files = { ...toManifest("2.9.6"), [`${NATIVE}/package.json`]: "{}", [`${NATIVE}/deno`]: "" };
  const { dir, found } = await look(files);
  expect(found).toEqual({ binary: join(dir, "node_modules", NATIVE, "deno"), version: "2.9.6" });
});

it.each([
  ["nothing", {}, 'the package "deno" is not installed'],
  ["an older version", toManifest("2.8.9"), "Deno 2.8.9 is installed, must be 2.9 or newer, below 3"],
  ["a version that nobody has tried", toManifest("3.0.0"), "Deno 3.0.0 is installed, must be 2.9 or newer, below 3"],
  ["no package for this machine", toManifest("2.9.6"), `its binary, the package "${NATIVE}", is not installed`],
  [
    "a package without its binary",
    { ...toManifest("2.10.0"), [`${NATIVE}/package.json`]: "{}" },
    `its binary, the package "${NATIVE}", is not installed`,
  ],
])("says what to install where there is %s", async (_, files, why) => {
  const { found } = await look(files);
  expect(found).toMatchObject({
    code: "NEBULA_START_FAILED",
    message: `Cannot start a guest process on Deno: ${why}`,
    hint: "npm install deno@2.9.6 where nebula is installed",
  });
});
