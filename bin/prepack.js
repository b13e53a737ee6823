/**
 * Makes what an installed package runs: plain JavaScript in dist/, because Node strips no types inside node_modules,
 * the guest's code as the one file that host.ts looks for, and the add-on's source, which each node compiles.
 */

import { spawnSync } from "node:child_process";
import { copyFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildGuestBootstrap } from "../src/build/guest-bootstrap.ts";

const root = join(import.meta.dirname, "..");
await rm(join(root, "dist"), { recursive: true, force: true });
const tsc = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
if (tsc.status !== 0) process.exit(1);
const guests = [
  "engine/guest/bootstrap.guest",
  "engine/guest/bootstrap-deno.guest",
  "engine/wasi/bootstrap.guest",
  "bindings/d1/main.storage",
  "bindings/kv/main.storage",
  "bindings/storage/copy.storage",
];
for (const guest of guests) {
  await writeFile(join(root, `dist/${guest}.bundle.js`), await buildGuestBootstrap(join(root, `src/${guest}.ts`)));
}
await copyFile(join(root, "src/engine/wasi/addon/addon.cc"), join(root, "dist/engine/wasi/addon/addon.cc"));
