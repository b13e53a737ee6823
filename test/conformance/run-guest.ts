/** Runs one web platform test inside a function: the isolate engine, its sandbox and the outbound calls are the real ones. */

import { createHash } from "node:crypto";
import { createOutbound } from "../../src/bindings/outbound.ts";
import { buildGuestBootstrap } from "../../src/build/guest-bootstrap.ts";
import { Nursery } from "../../src/engine/guest/nursery.ts";
import { createSandbox, inspectMachine } from "../../src/engine/guest/sandbox.ts";
import { Watchdog } from "../../src/engine/guest/watchdog.ts";
import { createIsolateEngine } from "../../src/engine/isolate/isolate-engine.ts";
import { createNurseries } from "../../src/engine/isolate/nurseries.ts";
import type { Digest, ModuleFile } from "../../src/model/artifact.ts";
import type { Runnable } from "../../src/model/deployment.ts";
import { DEFAULT_LIMITS, DEFAULT_SCALING } from "../../src/model/function.ts";
import { silentLog, systemClock } from "../../src/model/ports.ts";
import { MIB } from "../../src/model/units.ts";
import { ask, bytesOf, noCapabilities } from "../support/capabilities.ts";
import { BOOTSTRAP_ENTRY } from "../support/isolate-lab.ts";
import { parseRun, type WptRun } from "./wpt-run.ts";

const ENTRY = `export default { fetch: async (request) => {
  globalThis.wpt = await request.json();
  await import("./test.js");
  return new Response(JSON.stringify(await globalThis.wptResult));
} };`;

const MEMORY_BYTES = 512 * MIB;

export interface GuestRunner extends AsyncDisposable {
  run(text: string, options: { url: string; timeoutMs: number }): Promise<WptRun>;
}

/** `cwd` is an empty folder; `port` is the only one that tests may reach. */
export async function openGuestRunner({ cwd, port }: { cwd: string; port: number }): Promise<GuestRunner> {
  const blobs = new Map<string, Uint8Array>();
  const allow = [`localhost:${port}`, `127.0.0.1:${port}`];
  const outbound = createOutbound({ name: "wpt", allow, headersTimeoutMs: 10_000 });
  const nursery = new Nursery({
    sandbox: createSandbox(inspectMachine()),
    bootstrap: await buildGuestBootstrap(BOOTSTRAP_ENTRY),
    cwd,
    spare: 2,
    defaultMemoryBytes: MEMORY_BYTES,
    clock: systemClock,
    log: silentLog,
  });
  const engine = createIsolateEngine({
    nurseries: createNurseries(nursery, async () => nursery),
    watchdog: new Watchdog(systemClock),
    clock: systemClock,
    blobs: {
      read: async (digest) => blobs.get(digest) ?? Promise.reject(new Error(`no blob ${digest}`)),
      stream: () => new ReadableStream(),
    },
    onBackgroundLog: () => () => {},
  });
  const put = (name: string, text: string): ModuleFile => {
    const bytes = Buffer.from(text);
    const digest: Digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    blobs.set(digest, bytes);
    return { name, kind: "js", digest, bytes: bytes.byteLength };
  };
  const run: GuestRunner["run"] = async (text, { url, timeoutMs }) => {
    const deployment = toDeployment([put("./index.js", ENTRY), put("./test.js", text)], timeoutMs);
    const { signal } = new AbortController();
    const capabilities = { ...noCapabilities, outbound: outbound.fetch };
    await using prepared = await engine.prepare(deployment, { signal, capabilities, isProven: false });
    await using instance = await prepared.start({ signal });
    try {
      const { body } = await ask(instance, { method: "POST", body: JSON.stringify({ url, timeoutMs }) });
      return parseRun((await bytesOf(body)).toString());
    } catch (error) {
      return { status: -1, message: String(error), tests: new Map() };
    } finally {
      blobs.clear();
    }
  };
  return {
    run,
    [Symbol.asyncDispose]: async () => {
      await engine[Symbol.asyncDispose]();
      await outbound[Symbol.asyncDispose]();
    },
  };
}

function toDeployment([main, ...modules]: [ModuleFile, ...ModuleFile[]], timeoutMs: number): Runnable {
  const wallMs = timeoutMs + 5_000;
  return {
    id: "d_wpt",
    digest: main.digest,
    createdAtMs: 0,
    state: "ready",
    spec: {
      name: "wpt",
      engines: ["isolate"],
      compatibility: { date: "2026-01-01", flags: [] },
      routes: [],
      bindings: [],
      limits: { ...DEFAULT_LIMITS, memoryBytes: MEMORY_BYTES, wallMs, cpuMs: wallMs, waitUntilMs: 1 },
      scaling: DEFAULT_SCALING,
      outbound: [],
    },
    artifact: { kind: "js", main, modules, style: "module" },
  };
}
