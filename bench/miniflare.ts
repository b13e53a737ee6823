/**
 * Cloudflare's bindings on this machine: miniflare, which runs workerd.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Server } from "./peers.ts";
import { startProcess } from "./processes.ts";

const ROOT = join(import.meta.dirname, "..");

/** Of the package that is installed. */
export function readMiniflareVersion(): string {
  return JSON.parse(readFileSync(join(ROOT, "node_modules/miniflare/package.json"), "utf8")).version;
}

/** Serves a module with these options of miniflare's; what its bindings keep goes to the disk, as with us. */
export async function startMiniflare(script: string, options: Readonly<Record<string, unknown>>): Promise<Server> {
  const dir = mkdtempSync(join(tmpdir(), "nebula-bench-miniflare-"));
  const settings = { script, d1Persist: join(dir, "d1"), kvPersist: join(dir, "kv"), ...options };
  const args = [join(import.meta.dirname, "fixtures/miniflare.js"), JSON.stringify(settings)];
  const started = await startProcess(process.execPath, {
    args,
    ready: /(http:\/\/127\.0\.0\.1:\d+\/)/,
    readyOn: "stdout",
  });
  return {
    name: "miniflare",
    url: new URL(started.ready[1] ?? ""),
    pid: started.pid,
    [Symbol.asyncDispose]: async () => {
      await started[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
