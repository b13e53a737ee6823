/**
 * The program that runs componentize-qjs: a process of its own, since it evaluates the function's top level.
 *
 *     node tool.ts <folder>      reads world/ and guest.js in it, writes component.wasm
 *
 * What fails is told on standard error, and by exit code 1.
 */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const [dir = "."] = process.argv.slice(2);
try {
  const { componentize } = await import("componentize-qjs");
  const { component } = await componentize({
    witPath: join(dir, "world"),
    world: "function",
    jsSource: await readFile(join(dir, "guest.js"), "utf8"),
    sync: true,
  });
  await writeFile(join(dir, "component.wasm"), component);
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : String(thrown));
  process.exitCode = 1;
}
