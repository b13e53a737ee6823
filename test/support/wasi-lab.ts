/**
 * The WASI engine with everything real below it (guest processes, sandbox, add-on) and nothing above it.
 */

import { createHash } from "node:crypto";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Engine } from "../../src/engine/engine.ts";
import { createSandbox, inspectMachine } from "../../src/engine/guest/sandbox.ts";
import { openWasiEngine } from "../../src/engines.ts";
import type { Digest, WasmArtifact } from "../../src/model/artifact.ts";
import type { Runnable } from "../../src/model/deployment.ts";
import { DEFAULT_WASI, type FunctionSpec, type WasiSettings } from "../../src/model/function.ts";
import { type Log, silentLog, systemClock } from "../../src/model/ports.ts";
import { type GuestSource, toSpec } from "./guest-source.ts";

/** Compiled once for all tests of a checkout, and kept. */
export const ADDON_DIR = join(import.meta.dirname, "../../node_modules/.nebula");

/** A Wasm function as a test writes it down. */
export interface WasmSource extends Pick<GuestSource, "name" | "limits" | "vars" | "services"> {
  readonly wasm: Uint8Array;
  readonly kind?: WasmArtifact["kind"];
  readonly sourceMap?: Uint8Array;
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly wasi?: Partial<WasiSettings>;
  readonly scaling?: Partial<FunctionSpec["scaling"]>;
}

/** A Wasm engine for tests. */
export interface WasiLab extends AsyncDisposable {
  readonly engine: Engine;
  readonly stateDir: string;
  /** Makes a deployment; its blobs are there at once. */
  deploy(source: WasmSource): Runnable;
}

/** A state directory that is given stays when the lab goes. */
export async function openWasiLab(options: { log?: Log; stateDir?: string } = {}): Promise<WasiLab> {
  const { log = silentLog } = options;
  const stateDir = options.stateDir ?? (await realpath(await mkdtemp(join(tmpdir(), "nebula-wasi-"))));
  const blobs = new Map<string, Uint8Array>();
  const engine = await openWasiEngine({
    sandbox: createSandbox(inspectMachine()),
    stateDir,
    addonDir: ADDON_DIR,
    blobs: {
      read: async (digest) => blobs.get(digest) ?? Promise.reject(new Error(`no blob ${digest}`)),
      stream: () => new ReadableStream(),
    },
    clock: systemClock,
    log,
  });
  const keep = (content: string | Uint8Array) => {
    const bytes = Buffer.from(content);
    const digest: Digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    blobs.set(digest, bytes);
    return { digest, bytes: bytes.byteLength };
  };
  let count = 0;
  return {
    engine,
    stateDir,
    deploy: ({ wasm, kind = "wasi-p1", sourceMap, files = {}, wasi, scaling, ...source }) => {
      const main = keep(wasm);
      const spec = toSpec({ ...source, files: {} });
      return {
        id: `d_${count++}`,
        digest: main.digest,
        createdAtMs: 0,
        state: "ready",
        spec: {
          ...spec,
          engines: ["wasi"],
          wasi: { ...DEFAULT_WASI, ...wasi },
          scaling: { ...spec.scaling, ...scaling },
        },
        artifact: {
          kind,
          main,
          files: Object.fromEntries(Object.entries(files).map(([path, content]) => [path, keep(content)])),
          ...(sourceMap && { sourceMap: keep(sourceMap) }),
          savings: [],
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      await engine[Symbol.asyncDispose]();
      if (options.stateDir === undefined) await rm(stateDir, { recursive: true, force: true });
    },
  };
}
