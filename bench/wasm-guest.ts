/**
 * One Wasm guest process as a node starts it, sandbox and add-on included, with no node around it.
 *
 * Programs are loaded into it and proved in it: the process itself runs fresh instances and says what they took.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildGuestBootstrap } from "../src/build/guest-bootstrap.ts";
import type { GuestProcess } from "../src/engine/guest/guest-process.ts";
import { Nursery } from "../src/engine/guest/nursery.ts";
import { createSandbox, inspectMachine } from "../src/engine/guest/sandbox.ts";
import { openAddon } from "../src/engine/wasi/addon/open-addon.ts";
import type { HostHead, LoadHead, ProveAnswer } from "../src/engine/wasi/protocol.ts";
import { LANE_HEAP_BYTES } from "../src/engines.ts";
import { readBody } from "../src/frames/read-body.ts";
import { DEFAULT_LIMITS, DEFAULT_WASI } from "../src/model/function.ts";
import { silentLog, systemClock } from "../src/model/ports.ts";
import { GIB } from "../src/model/units.ts";
import type { WasmProgram } from "./wasm-programs.ts";

const ROOT = join(import.meta.dirname, "..");
const SOURCE = join(ROOT, "src/engine/wasi");
/** Where the tests keep it too: it is compiled once for a checkout. */
export const ADDON_DIR = join(ROOT, "node_modules/.nebula");
/** User ids far above those of any node's guests. */
const FIRST_INDEX = 8_192;

/** What the process is made without. */
export interface WasmGuestOptions {
  /** A bootstrap of `fixtures/` instead of the engine's own. */
  readonly bootstrap?: string;
  /** Neither machine code nor images, and memories are zeroed by hand. */
  readonly isWithoutAddon?: boolean;
}

/** What loading a program took. */
export interface Loaded {
  readonly ms: number;
  readonly isFromCode: boolean;
}

/** The process. */
export interface WasmGuest extends AsyncDisposable {
  readonly pid: number;
  load(program: WasmProgram, options?: { code?: Uint8Array }): Promise<Loaded>;
  unload(program: WasmProgram): Promise<void>;
  /** Rejects with what the program fails with. */
  prove(program: WasmProgram, options: { rounds: number; limitMs: number }): Promise<ProveAnswer>;
  /** The machine code that V8 has made of it; empty without the add-on. */
  keep(program: WasmProgram): Promise<Uint8Array>;
}

/** Starts one. Compiles the add-on where this checkout has none. */
export async function startWasmGuest(options: WasmGuestOptions = {}): Promise<WasmGuest> {
  const { bootstrap = join(SOURCE, "bootstrap.guest.ts"), isWithoutAddon = false } = options;
  const cwd = mkdtempSync(join(tmpdir(), "nebula-bench-guest-"));
  const nursery = new Nursery({
    sandbox: createSandbox(inspectMachine()),
    bootstrap: await buildGuestBootstrap(bootstrap),
    cwd,
    spare: 0,
    defaultMemoryBytes: GIB,
    initialHeapBytes: LANE_HEAP_BYTES,
    firstIndex: FIRST_INDEX,
    ...(!isWithoutAddon && { addon: findAddon }),
    clock: systemClock,
    log: silentLog,
  });
  const guest = await nursery.take(GIB);
  guest.adopt({ onCall: () => Promise.reject(new TypeError("a program calls nobody here")), onNote: () => {} });
  return {
    pid: guest.pid,
    load: async (program, { code } = {}) => await load(guest, program, code),
    unload: async ({ name }) => void (await ask(guest, { op: "unload", program: name })),
    prove: async ({ name, proof }, how) =>
      toProof((await ask(guest, { op: "prove", program: name, requests: proof, ...how })).head),
    keep: async ({ name }) => await readBody((await ask(guest, { op: "keep", program: name })).body),
    [Symbol.asyncDispose]: async () => {
      await guest.end();
      await nursery[Symbol.asyncDispose]();
      rmSync(cwd, { recursive: true, force: true });
    },
  };
}

async function findAddon(): Promise<string | undefined> {
  const found = await openAddon({ cacheDir: ADDON_DIR, sourceFile: join(SOURCE, "addon/addon.cc"), log: silentLog });
  return "path" in found ? found.path : undefined;
}

async function load(guest: GuestProcess, program: WasmProgram, code: Uint8Array | undefined): Promise<Loaded> {
  const { name, bytes, kind, proof } = program;
  const head: LoadHead = {
    op: "load",
    id: name,
    name,
    kind,
    settings: { ...DEFAULT_WASI, proof },
    bindings: [],
    memoryBytes: DEFAULT_LIMITS.memoryBytes,
    logBytes: DEFAULT_LIMITS.logBytes,
    mainBytes: bytes.byteLength,
    files: [],
    stateBytes: 0,
    codeBytes: code?.byteLength ?? 0,
  };
  const body = code === undefined ? bytes : Buffer.concat([bytes, code]);
  const startedMs = performance.now();
  const { head: answer } = await guest.peer.call(head, body).answer;
  return { ms: performance.now() - startedMs, isFromCode: toLoaded(answer).isFromCode };
}

async function ask(guest: GuestProcess, head: HostHead) {
  return await guest.peer.call(head, null).answer;
}

/** Our own code in the process says what its types say. */
function toProof(head: unknown): ProveAnswer {
  return head as ProveAnswer;
}

function toLoaded(head: unknown): Pick<Loaded, "isFromCode"> {
  return head as Pick<Loaded, "isFromCode">;
}
