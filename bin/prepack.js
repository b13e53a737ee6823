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
const bundle = await buildGuestBootstrap(join(root, "src/engine/guest/bootstrap.guest.ts"));
await writeFile(join(root, "dist/engine/guest/bootstrap.guest.bundle.js"), bundle);
await copyFile(join(root, "src/engine/wasi/addon/addon.cc"), join(root, "dist/engine/wasi/addon/addon.cc"));
